# SPDX-License-Identifier: MIT
"""An interpreter that has the peers that come from PyPI: in an environment of their own.

It is Debian's interpreter, and sees Debian's packages too (Flask, numpy, Django). So all tools are
measured with the same one. Without a network, or on a release for which there are no wheels, the
peers are left out, and what pip said is the reason.
"""

import os
import subprocess

from interpreters import DEBIAN_PATH, Interpreter, probe
from processes import BUILD

DIRECTORY = BUILD / "bench" / "venv"
PYTHON = DIRECTORY / "bin" / "python"
INSTALL_SECONDS = 300


def run(command, seconds=INSTALL_SECONDS):
    """What went wrong, as one line, or nothing."""
    try:
        finished = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=seconds)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    last = finished.stdout.strip().splitlines()[-1:] or ["no reason given"]
    return last[0] if finished.returncode else ""


def create():
    if os.access(PYTHON, os.X_OK):
        return ""
    return run([DEBIAN_PATH, "-m", "venv", "--system-site-packages", DIRECTORY])


def install(name):
    """Make sure that a package of PyPI is there. Why it is not, or nothing."""
    return (create()
            or run([PYTHON, "-c", f"import {name}"], 60) and run(
                [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                 "--only-binary", ":all:", name]))


def interpreter(is_shared):
    """What runs the targets: the one that has the peers, if they are to be measured too."""
    is_there = is_shared and not create()
    return (probe(str(PYTHON)) if is_there else None) or Interpreter(DEBIAN_PATH, "")
