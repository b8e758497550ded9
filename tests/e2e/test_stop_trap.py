# SPDX-License-Identifier: MIT
"""--stop=trap sees what the other kind of stop sees, and hurts no target either."""

import json

import pytest

import checks
import life_checks
from images import assert_left_alone
from interpreters import DEBIAN_PATH, each_supported
from test_errors import assert_refused
from test_unstick import assert_nothing_is_left, unstick

SIGTRAP = 5


def handles_sigtrap(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as status:
        caught = next(line for line in status if line.startswith("SigCgt:"))
    return int(caught.split()[1], 16) >> (SIGTRAP - 1) & 1


@pytest.fixture
def trapping(filtrace):
    filtrace.recording = ["--stop=trap"]
    return filtrace


@each_supported
def test_every_block_counts_once(python, stage, trapping):
    checks.check_exact(stage, python)


def test_each_stack_is_the_one_that_allocated(stage, trapping):
    checks.check_stacks(stage, DEBIAN_PATH)


@pytest.mark.parametrize("life", [["--breed"], ["--signals", "--breed"]], ids=" ".join)
def test_lively_target_is_unharmed(life, start, trapping):
    life_checks.check_attaches(start, trapping, 6, *life)


def test_exec_while_traced_ends_the_recording_alone(start, trapping):
    life_checks.check_exec_while_traced(start, trapping, 2)


@pytest.mark.parametrize("how", life_checks.ENDS)
def test_target_that_ends_while_attaching_or_traced(how, trapping):
    life_checks.check_ends(trapping, how, 4)


def test_thread_in_vfork_keeps_nobody_waiting(start, trapping, tmp_path):
    life_checks.check_vfork_wait(start, trapping, tmp_path, 1)


def test_children_are_unharmed(start, trapping):
    forking = start("forking.py")
    tracing = trapping.record(forking, "--sample-bytes", "16K")
    forking.await_progress()
    assert tracing.interrupt().returncode == 0
    assert_left_alone(forking.pid)


def test_handler_is_there_only_while_traced(start, trapping):
    busy = start("busy.py", "--blocked")
    tracing = trapping.record(busy, "--sample-bytes", "16K")
    assert handles_sigtrap(busy.pid)
    assert tracing.interrupt().returncode == 0
    assert not handles_sigtrap(busy.pid)

    trapping.record(busy, "--sample-bytes", "16K", "--force").kill()
    busy.await_progress()
    assert handles_sigtrap(busy.pid)
    assert "taken out" in unstick(trapping, busy.pid)
    assert not handles_sigtrap(busy.pid)
    assert_nothing_is_left(trapping, busy.pid)
    busy.await_progress()


def test_command_that_filtrace_starts_is_traced_and_waited_for(filtrace):
    program = ("import time; end = time.monotonic() + 2; kept = []\n"
               "while time.monotonic() < end: kept.append(str(end) * 9)\n"
               "raise SystemExit(3)")
    finished = filtrace.run("record", "-o", "capture", "-j", "--stop=trap", "--", DEBIAN_PATH, "-c",
                            program)
    assert finished.returncode == 3, finished.stderr
    assert json.loads(finished.stdout)["capture"]["samples"] > 0


def test_thread_that_blocks_sigtrap_is_a_reason_to_refuse(start, trapping):
    busy = start("busy.py", "--sigtrap")
    finished = trapping.run("record", "-p", busy.pid, "-o", "capture", "-d", "1")
    assert_refused(finished, 5, busy.pid, "blocks SIGTRAP", "--stop=trap")
    assert_left_alone(busy.pid)
    busy.await_progress()
