# SPDX-License-Identifier: MIT
"""`filtrace unstick` takes out what a killed filtrace left, and nothing that is in use."""

import random
import subprocess
import time

from images import InterpreterData, assert_left_alone, changed_code, is_gated
from interpreters import each_supported


def unstick(filtrace, pid):
    finished = filtrace.run("unstick", "-p", pid)
    assert (finished.returncode, finished.stdout) == (0, ""), finished.stderr
    return finished.stderr


def assert_nothing_is_left(filtrace, pid):
    assert unstick(filtrace, pid) == f"filtrace: nothing of filtrace is left in {pid}\n"
    assert_left_alone(pid)


@each_supported
def test_gates_of_a_killed_filtrace_are_taken_out_under_load(python, start, filtrace):
    busy = start("busy.py", "--blocked", python=python.path)
    clean = InterpreterData(busy.pid)
    filtrace.record(busy, "--sample-bytes", "16K").kill()
    diverted = InterpreterData(busy.pid).diverted()
    assert diverted and changed_code(busy.pid)
    busy.await_progress()

    said = unstick(filtrace, busy.pid)
    assert said.endswith(f" gates taken out of {busy.pid}\n")
    assert int(said.split()[1]) > len(diverted)
    assert_left_alone(busy.pid)
    restored = InterpreterData(busy.pid)
    for address in diverted:
        assert restored.words[address] == clean.words[address]
    assert_nothing_is_left(filtrace, busy.pid)
    busy.await_progress()

    finished = filtrace.run("record", "-p", busy.pid, "-o", "next", "-d", "1")
    assert finished.returncode == 0, finished.stderr  # the region serves again
    assert_left_alone(busy.pid)


@each_supported
def test_gates_that_tracemalloc_saved_are_taken_out(python, start, filtrace):
    wrapped = start("wrapped_sizes.py", python=python.path)
    tracing = filtrace.record(wrapped, "--sample-bytes", "1")
    assert wrapped.ask("start") is True
    tracing.kill()
    assert InterpreterData(wrapped.pid).diverted() != []
    assert "gates taken out" in unstick(filtrace, wrapped.pid)
    assert_nothing_is_left(filtrace, wrapped.pid)
    assert wrapped.ask("stop") is False
    assert_left_alone(wrapped.pid)


def test_kills_at_random_moments_are_undone(start, filtrace):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    busy = start("busy.py", "--blocked")
    for n in range(10):
        tracing = filtrace.start("record", "-p", busy.pid, "-o", f"capture-{n}",
                                 "--sample-bytes", "16K")
        time.sleep(moments.choice([0.02, 0.1, 0.5]) * moments.random())
        tracing.kill()
        unstick(filtrace, busy.pid)
        assert_nothing_is_left(filtrace, busy.pid)
    busy.await_progress()


def test_living_filtrace_is_not_disturbed(start, filtrace):
    target = start("known_sizes.py")
    tracing = filtrace.record(target, "--sample-bytes", "1")
    gated = InterpreterData(target.pid).diverted()
    finished = filtrace.run("unstick", "-p", target.pid)
    assert finished.returncode == 3
    assert finished.stderr == ("filtrace: another filtrace is attached to process "
                               f"{target.pid}: end that first\n")
    assert is_gated(target.pid) and InterpreterData(target.pid).diverted() == gated
    truth = target.ask("allocate")
    assert tracing.interrupt().returncode == 0
    assert truth["sites"] and filtrace.report()["sites"]
    assert_nothing_is_left(filtrace, target.pid)


def test_unstick_beside_attaches_harms_nobody(start, filtrace):
    """Whichever comes first: the gates of the one are never forgotten because of the other."""
    busy = start("busy.py", "--blocked")
    statuses = set()
    for n in range(5):
        tracing = filtrace.start("record", "-p", busy.pid, "-o", f"capture-{n}", "-d", "0.5",
                                 "--sample-bytes", "16K")
        while tracing.process.poll() is None:
            statuses.add(filtrace.run("unstick", "-p", busy.pid).returncode)
        tracing.finish()
        assert_left_alone(busy.pid)
    assert statuses <= {0, 3, 7} and 3 in statuses
    assert_nothing_is_left(filtrace, busy.pid)
    busy.await_progress()


def test_untouched_process_stays_so(start, filtrace):
    target = start("known_sizes.py")
    before = InterpreterData(target.pid)
    assert_nothing_is_left(filtrace, target.pid)
    assert InterpreterData(target.pid).pads == before.pads == []
    quiet = filtrace.run("unstick", "-q", "-p", target.pid)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")


def test_child_of_a_traced_process_is_freed_of_its_copies(start, filtrace):
    """A child of fork has copies of the gates, which belong to no tracer."""
    parent = start("forked_sleeper.py")
    tracing = filtrace.record(parent, "--sample-bytes", "16K")
    child = parent.ask("fork")
    assert is_gated(child)
    assert "gates taken out" in unstick(filtrace, child)
    assert_left_alone(child)
    assert is_gated(parent.pid)
    assert tracing.interrupt().returncode == 0
    assert parent.ask("join") == 7


def test_missing_process_is_4(filtrace):
    process = subprocess.Popen(["true"])
    process.wait()
    finished = filtrace.run("unstick", "-p", process.pid)
    assert finished.returncode == 4 and str(process.pid) in finished.stderr
