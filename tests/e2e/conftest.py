# SPDX-License-Identifier: MIT
"""What the end-to-end tests start, and what must hold when they end.

FILTRACE names the program to be tested; without it, build/filtrace is.
"""

import os
import re
import resource
import shutil
import subprocess

import pytest

from interpreters import DEBIAN_PATH
from processes import FILTRACE, Filtrace, Target, start_traffic


def pytest_configure():
    """Let whoever crashes leave a core, which core_problems() reports."""
    _, limit = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))


def pytest_sessionstart():
    if not os.access(FILTRACE, os.X_OK):
        pytest.exit(f"{FILTRACE} is not there: build it first, or name it in FILTRACE", 1)


def core_problems(directory):
    """One text per core file, with the stack of the crash if gdb is at hand."""
    for core in sorted(directory.glob("core*")):
        text = f"core file {core}"
        if shutil.which("gdb"):
            text += "\n" + backtrace(core)
        yield text


def backtrace(core):
    """gdb finds the libraries of a crash only if it is told the program."""
    finished = subprocess.run(["file", "-b", core], capture_output=True, text=True)
    program = re.search(r"execfn: '([^']+)'", finished.stdout)
    command = ["gdb", "-batch", "-ex", "bt 20", "-ex", "x/i $pc"]
    command += [program.group(1)] if program else []
    return subprocess.run([*command, "-c", core], capture_output=True, text=True).stdout


def end_problems(targets):
    """End every target; one text for each that was harmed."""
    for target in targets:
        try:
            target.end()
        except (AssertionError, OSError, subprocess.TimeoutExpired) as problem:
            yield f"{target.name} (pid {target.pid}): {problem}"
        finally:
            target.kill()


@pytest.fixture
def filtrace(tmp_path):
    """filtrace in the test's own directory. Depends on no target, so it ends after all of them."""
    program = Filtrace(tmp_path)
    yield program
    program.end_all()


@pytest.fixture
def start(tmp_path, filtrace):
    """start(name, *arguments, python=PATH, prefix=()): a fixture, which must end unharmed."""
    targets = []

    def start_target(name, *arguments, python=DEBIAN_PATH, prefix=()):
        target = Target(name, arguments, python, tmp_path, prefix)
        targets.append(target)
        target.wait_ready()
        return target

    yield start_target
    problems = [*end_problems(targets), *core_problems(tmp_path)]
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.fixture
def traffic(tmp_path):
    """traffic(server, seconds): random requests, from another process."""
    started = []

    def start_one(server, seconds, rate=60):
        started.append(start_traffic(server.facts["url"], seconds, tmp_path, rate))
        return started[-1]

    yield start_one
    for process in started:
        process.kill()
