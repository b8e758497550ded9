# SPDX-License-Identifier: MIT
"""What a target goes through while filtrace comes and goes: each check as long as one likes.

`make test` runs them briefly (test_life.py), the soak for longer.
"""

import os
import signal
import subprocess
import time

from images import assert_left_alone, is_gated
from interpreters import DEBIAN_PATH
from processes import DEADLINE_SECONDS, FIXTURES, wait_until

ENDS = ("segv", "abort", "exit", "raise")


def state_of(pid):
    """The letter of the process's state."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
        return stat.read().rpartition(")")[2].split()[0]


def check_attaches(start, filtrace, rounds, *options):
    """A lively target is recorded again and again, some filtraces being killed, and does well."""
    target = start("lively.py", *options)
    for n in range(rounds):
        if n % 3 == 2:
            tracing = filtrace.start(
                "record", "-p", target.pid, "-o", "capture", "--force", "--sample-bytes", "16K")
            time.sleep(0.2 * int.from_bytes(os.urandom(1), "little") / 256)
            tracing.kill()
        else:
            finished = filtrace.run("record", "-p", target.pid, "-o", "capture", "--force",
                                    "--sample-bytes", "16K", "-d", "0.3")
            assert finished.returncode == 0, finished.stderr
        target.await_progress()
    assert filtrace.run("record", "-p", target.pid, "-o", "last", "-d", "0.2").returncode == 0
    assert_left_alone(target.pid)
    target.await_progress()


def check_rivals(start, filtrace, rounds, *prefix):
    """Of two filtraces that attach at the same time each succeeds, or leaves the target alone. One
    of them is run by the prefix."""
    target = start("lively.py")
    statuses = []
    for _ in range(rounds):
        rivals = [filtrace.start("record", "-p", target.pid, "-o", name, "--force", "-d", "0.3",
                                 "--sample-bytes", "16K", prefix=how)
                  for name, how in (("one", ()), ("other", prefix))]
        finished = [rival.finish() for rival in rivals]
        statuses += [one.returncode for one in finished]
        assert set(statuses) <= {0, 3, 7}, finished
        target.await_progress()
    assert 0 in statuses
    assert filtrace.run("record", "-p", target.pid, "-o", "last", "-d", "0.2").returncode == 0
    assert_left_alone(target.pid)
    target.await_progress()


def check_exec_while_traced(start, filtrace, rounds):
    """filtrace says that the program was replaced, and the new one is traced as any other."""
    target = start("lively.py")
    for _ in range(rounds):
        tracing = filtrace.record(target, "--force")
        target.process.stdin.write(b"exec\n")
        target.process.stdin.flush()
        target.wait_ready()
        finished = tracing.finish()
        assert finished.returncode in (0, 4), finished.stderr
        assert "Traceback" not in finished.stderr
        assert_left_alone(target.pid)
        target.await_progress()


def check_exec_while_attaching(filtrace, generations):
    """A process that is a new program every few hundredths of a second is attached to all along."""
    process = subprocess.Popen(
        [DEBIAN_PATH, "-B", str(FIXTURES / "lively.py"), "--generations", str(generations)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=filtrace.directory)
    try:
        tries = 0
        deadline = time.monotonic() + 10 * DEADLINE_SECONDS
        while b"--generations\x000\x00" not in command_line(process.pid):
            finished = filtrace.run("record", "-p", process.pid, "-o", "capture", "--force",
                                    "-d", "0.1")
            assert finished.returncode in (0, 3, 4, 5, 7), finished
            assert process.poll() is None, f"died with {process.returncode} in try {tries}"
            assert time.monotonic() < deadline
            tries += 1
        stdout, _ = process.communicate("", timeout=DEADLINE_SECONDS)
        assert "unharmed" in stdout and process.returncode == 0
        assert tries > 1
    finally:
        process.kill()
        process.wait()


def command_line(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read()


def check_ends(filtrace, how, rounds):
    """The target ends at some moment of attaching or tracing: filtrace ends, too, in good order."""
    for n in range(rounds):
        target = subprocess.Popen(
            [DEBIAN_PATH, "-B", str(FIXTURES / "lively.py")], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, cwd=filtrace.directory)
        try:
            assert target.stdout.readline().startswith("ready")
            tracing = filtrace.start("record", "-p", target.pid, "-o", "capture", "--force",
                                     "--sample-bytes", "4K")
            moment = int.from_bytes(os.urandom(1), "little") / 256
            time.sleep(0.25 * moment if n % 2 else 0.02 * moment)
            target.stdin.write(f"die {how}\n")
            target.stdin.flush()
            target.wait(DEADLINE_SECONDS)
            finished = tracing.finish()
            # Before anything was planted: no such process, or none that is CPython any more.
            assert finished.returncode in (0, 4, 5), (finished.returncode, finished.stderr)
            expected = {"segv": -signal.SIGSEGV, "abort": -signal.SIGABRT, "exit": 3, "raise": 4}
            assert target.returncode == expected[how], (target.returncode, finished.stderr)
        finally:
            target.kill()
            target.communicate()


def check_stopped_while_traced(start, filtrace, rounds):
    """filtrace detaches from a stopped target, which stays so. (By SIGSTOP: the kernel drops
    SIGTSTP where a test's process group is orphaned, as without a terminal it may be.)"""
    target = start("lively.py")
    for n in range(rounds):
        tracing = filtrace.record(target, "--sample-bytes", "16K", "--force")
        os.kill(target.pid, signal.SIGSTOP)
        wait_until(lambda: state_of(target.pid) == "T", "the stop")
        if n % 4 < 2:  # detached while it is stopped
            finished = tracing.interrupt()
            assert state_of(target.pid) == "T"
            os.kill(target.pid, signal.SIGCONT)
        else:
            os.kill(target.pid, signal.SIGCONT)
            target.await_progress()
            finished = tracing.interrupt()
        assert finished.returncode == 0, finished.stderr
        assert_left_alone(target.pid)
        target.await_progress()


def check_vfork_wait(start, filtrace, tmp_path, rounds):
    """A thread that waits in vfork is left where it is; all others are traced."""
    target = start("lively.py")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for _ in range(rounds):
        target.ask(f"vfork {pipe}")
        wait_until(lambda: "D" in [thread_state(target.pid, tid) for tid
                                   in os.listdir(f"/proc/{target.pid}/task")], "vfork")
        finished = filtrace.run("record", "-p", target.pid, "-o", "capture", "--force",
                                "--sample-bytes", "16K", "-d", "0.3")
        assert finished.returncode == 0, finished.stderr
        with open(pipe, "wb"):
            pass
        target.await_progress()
    assert_left_alone(target.pid)


def thread_state(pid, tid):
    try:
        return state_of(f"{pid}/task/{tid}")
    except FileNotFoundError:
        return "X"


def check_newborn(filtrace, rounds):
    """Whoever attaches to a process that was just forked gets the interpreter that it becomes."""
    for _ in range(rounds):
        process = subprocess.Popen(
            [DEBIAN_PATH, "-B", str(FIXTURES / "lively.py")], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, cwd=filtrace.directory)
        try:
            finished = filtrace.run("record", "-p", process.pid, "-o", "capture", "--force",
                                    "-d", "0.3")
            assert finished.returncode == 0, finished.stderr
            assert not is_gated(process.pid)
            stdout, _ = process.communicate("", timeout=DEADLINE_SECONDS)
            assert "unharmed" in stdout and process.returncode == 0
        finally:
            process.kill()
            process.wait()
