# SPDX-License-Identifier: MIT
"""The Python interpreters of this machine that serve as targets."""

import glob
import os
import subprocess
from typing import NamedTuple

import pytest

DEBIAN_PATH = "/usr/bin/python3"
SUPPORTED_FIRST, SUPPORTED_LAST = (3, 8), (3, 15)
PROBE = ("import sys, sysconfig; print('.'.join(map(str, sys.version_info[:3]))"
         " + ('t' if sysconfig.get_config_var('Py_GIL_DISABLED') else ''))")


class Interpreter(NamedTuple):
    path: str
    version: str  # "3.11.2"

    @property
    def minor(self):
        return tuple(int(part) for part in self.version.split(".")[:2])

    @property
    def is_supported(self):
        return SUPPORTED_FIRST <= self.minor <= SUPPORTED_LAST

    @property
    def label(self):
        return f"{self.version}-{'system' if self.path == DEBIAN_PATH else 'pyenv'}"

    @property
    def settings(self):
        """What it needs in its environment."""
        return {}

    def command(self, _directory):
        """What starts it in a directory, to be followed by a script and its arguments."""
        return [self.path]

    def disturb(self, _directory):
        """What befalls it once a target is ready: nothing."""


def probe(path):
    """The interpreter at `path`, or None if it does not run."""
    try:
        finished = subprocess.run([path, "-c", PROBE], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Interpreter(path, finished.stdout.strip()) if finished.returncode == 0 else None


def find_all():
    root = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    paths = [DEBIAN_PATH, *sorted(glob.glob(os.path.join(root, "versions/*/bin/python")))]
    return [found for found in map(probe, paths) if found]


ALL = find_all()
SUPPORTED = [python for python in ALL if python.is_supported]
UNSUPPORTED = [python for python in ALL if not python.is_supported]
OTHERS = [python for python in SUPPORTED if python.path != DEBIAN_PATH]


def each(pythons, why_none):
    """Parametrise a test over interpreters; skip it, with the reason, if there are none."""
    missing = pytest.param(None, id="none", marks=pytest.mark.skip(reason=why_none))
    found = [pytest.param(python, id=python.label) for python in pythons]
    return pytest.mark.parametrize("python", found or [missing])


each_supported = each(SUPPORTED, "no CPython 3.8 to 3.13 found")
each_other = each(OTHERS, "no CPython 3.8 to 3.13 found besides /usr/bin/python3")
each_unsupported = each(UNSUPPORTED, "no unsupported CPython found")
