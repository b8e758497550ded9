# SPDX-License-Identifier: MIT
"""What the end-to-end tests start, and what must hold when they end.

FILTRACE names the program to be tested; without it, build/filtrace is.
"""

import os

import pytest

from processes import FILTRACE
from stage import Stage, allow_cores


def pytest_configure(config):
    config.addinivalue_line("markers", "alone: measures time or load; nothing runs beside it")
    allow_cores()


def pytest_sessionstart():
    if not os.access(FILTRACE, os.X_OK):
        pytest.exit(f"{FILTRACE} is not there: build it first, or name it in FILTRACE", 1)


@pytest.fixture
def stage(tmp_path):
    """All that a test starts, in its own directory; every target must end unharmed."""
    result = Stage(tmp_path)
    yield result
    problems = result.end()
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.fixture
def filtrace(stage):
    return stage.filtrace


@pytest.fixture
def start(stage):
    """start(name, *arguments, python=PATH, environment={}, prefix=[]): see Stage.start()."""
    return stage.start


@pytest.fixture
def traffic(stage):
    """traffic(server, seconds): random requests, from another process."""
    return stage.traffic
