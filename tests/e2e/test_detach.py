# SPDX-License-Identifier: MIT
"""The target leaves as it came: after detach, and after filtrace was killed."""

import random
import time

import pytest

from checks import check_detach
from images import InterpreterData, assert_left_alone, changed_code
from interpreters import DEBIAN_PATH, SUPPORTED, each_supported
from processes import wait_until


def assert_progress(busy):
    """Assert that every activity of busy.py gets further."""
    before = dict(enumerate(busy.ask("progress")))

    def all_went_on():
        now = enumerate(busy.ask("progress"))
        return all(rounds > before[n][1] for n, (_, rounds) in now)

    wait_until(all_went_on, "progress of every thread", pause=0.1)


@each_supported
def test_detach_leaves_code_and_tables_intact(python, stage):
    check_detach(stage, python)


@each_supported
def test_killed_filtrace_harms_nobody_and_next_attach_restores(python, start, filtrace):
    server = start("http_leak.py", python=python.path)
    clean = InterpreterData(server.pid)
    tracing = filtrace.record(server, "--sample-bytes", "1")
    assert "<title>traced</title>" in server.get("/traced")
    tracing.kill()

    for page in range(20):  # through gates that nobody serves
        assert f"<title>{page}</title>" in server.get(f"/{page}")
    diverted = InterpreterData(server.pid).diverted()
    assert diverted and changed_code(server.pid)

    assert filtrace.run("record", "-p", server.pid, "-o", "next", "-d", "1").returncode == 0
    assert_left_alone(server.pid)
    restored = InterpreterData(server.pid)
    for address in diverted:
        assert restored.words[address] == clean.words[address]
    assert "<title>end</title>" in server.get("/end")


@pytest.mark.parametrize("python", [DEBIAN_PATH, SUPPORTED[-1].path], ids=["system", "newest"])
def test_kills_at_random_moments_harm_nobody(python, start, filtrace):
    kills = 20
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    busy = start("busy.py", "--blocked", python=python)
    for n in range(kills):
        tracing = filtrace.start(
            "record", "-p", busy.pid, "-o", f"capture-{n}", "--sample-bytes", "16K")
        time.sleep(moments.choice([0.02, 0.1, 0.5]) * moments.random())
        tracing.kill()
        assert busy.is_running(), f"dead after kill {n}"
    assert_progress(busy)

    assert filtrace.run("record", "-p", busy.pid, "-o", "next", "-d", "1").returncode == 0
    assert_left_alone(busy.pid)
    assert_progress(busy)


def test_many_attaches_harm_nobody(start, filtrace):
    busy = start("busy.py", "--blocked", "--threads", "8")
    for n in range(10):
        finished = filtrace.run("record", "-p", busy.pid, "-o", f"c{n}", "-d", "0.2")
        assert finished.returncode == 0, finished.stderr
    assert_left_alone(busy.pid)
    assert_progress(busy)


@pytest.mark.parametrize("children", ["--fork", "--subprocess"])
def test_children_of_a_traced_target_are_unharmed(children, start, filtrace):
    busy = start("busy.py", children)
    tracing = filtrace.record(busy, "--sample-bytes", "16K")
    assert_progress(busy)
    assert_progress(busy)
    assert tracing.interrupt().returncode == 0
    assert_progress(busy)
    assert_left_alone(busy.pid)
