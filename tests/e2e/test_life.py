# SPDX-License-Identifier: MIT
"""Nothing that happens to a target in its life is made worse by filtrace: brief forms."""

import os
import shutil
import signal
import subprocess

import pytest

import life_checks
from images import assert_left_alone
from processes import can_be_had, wait_until
from test_errors import assert_refused


@pytest.mark.parametrize("life", [
    ["--breed"], ["--signals", "--breed"], ["--dumps"], ["--block"]], ids=" ".join)
def test_lively_target_is_unharmed(life, start, filtrace):
    life_checks.check_attaches(start, filtrace, 5, *life)


def test_exec_while_traced_ends_the_recording_alone(start, filtrace):
    life_checks.check_exec_while_traced(start, filtrace, 2)


def test_exec_while_attaching_harms_nobody(filtrace):
    life_checks.check_exec_while_attaching(filtrace, 20)


@pytest.mark.parametrize("how", life_checks.ENDS)
def test_target_that_ends_while_attaching_or_traced(how, filtrace):
    life_checks.check_ends(filtrace, how, 4)


def test_stopped_target_stays_stopped_and_goes_on(start, filtrace):
    life_checks.check_stopped_while_traced(start, filtrace, 4)


def test_thread_in_vfork_keeps_nobody_waiting(start, filtrace, tmp_path):
    life_checks.check_vfork_wait(start, filtrace, tmp_path, 1)


def test_newborn_process_is_waited_for(filtrace):
    life_checks.check_newborn(filtrace, 3)


def test_two_filtraces_at_the_same_time_harm_nobody(start, filtrace):
    life_checks.check_rivals(start, filtrace, 4)


def test_two_filtraces_in_different_namespaces_harm_nobody(start, filtrace):
    prefix = ("unshare", "--net", "--mount", "--ipc", "--propagation", "unchanged")
    if not can_be_had(*prefix):
        pytest.skip("no namespaces can be made here")
    life_checks.check_rivals(start, filtrace, 4, *prefix)


def test_target_that_is_stopped_already_is_3(start, filtrace):
    target = start("lively.py")
    os.kill(target.pid, signal.SIGSTOP)
    wait_until(lambda: life_checks.state_of(target.pid) == "T", "the stop")
    finished = filtrace.run("record", "-p", target.pid, "-o", "capture", "-d", "1")
    os.kill(target.pid, signal.SIGCONT)
    assert_refused(finished, 3, target.pid, "stopped", "kill -CONT")
    assert_left_alone(target.pid)


def test_zombie_is_4(filtrace):
    process = subprocess.Popen(["true"])
    wait_until(lambda: life_checks.state_of(process.pid) == "Z", "the end")
    assert_refused(filtrace.run("record", "-p", process.pid, "-o", "capture", "-d", "1"), 4,
                   process.pid, "ended")
    process.wait()


@pytest.mark.parametrize("command", [
    ["strace", "-f", "-o", "/dev/null", "-p"],
    ["gdb", "-q", "-batch", "-ex", "shell sleep 60", "-p"]], ids=["strace", "gdb"])
def test_target_of_another_tracer_is_3_and_names_it(command, start, filtrace):
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    target = start("lively.py")
    tracer = subprocess.Popen([*command, str(target.pid)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              start_new_session=True)
    try:
        wait_until(lambda: tracer_of(target.pid) == tracer.pid, f"{command[0]} attached")
        finished = filtrace.run("record", "-p", target.pid, "-o", "capture", "-d", "1")
        assert_refused(finished, 3, target.pid, command[0], tracer.pid)
    finally:
        os.killpg(tracer.pid, signal.SIGTERM)
        tracer.wait()
        os.kill(target.pid, signal.SIGCONT)  # a debugger that is ended may leave it stopped
    wait_until(lambda: life_checks.state_of(target.pid) not in "tT", "the tracer's end")
    target.await_progress()
    assert_left_alone(target.pid)


def tracer_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("TracerPid"))
