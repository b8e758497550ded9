# SPDX-License-Identifier: MIT
"""SIGKILL at the n-th step by which the tracer touches its target, for every n.

Whatever the tracer had done until then, the target must go on, the next tracer must find its way,
and what it leaves must be the program as it was. See kill_at.c for what a step is.
"""

import os
import random
import signal
import struct
import subprocess
from typing import Callable, NamedTuple

from images import assert_left_alone
from interpreters import DEBIAN_PATH, SUPPORTED
from outcome import Outcome, keep_evidence
from processes import (
    BUILD, DEADLINE_SECONDS, FILTRACE, Target, Tracing, address_sanitizer, wait_until)

THREADS = 8
TARGET_SECONDS = 600
REATTACHES = 16  # on one target, before a fresh one
POINTS_WITHOUT_END = 5000
OTHERS_SHARE = 0.2  # every step on Debian's Python and in C, every fifth on the others


class NoInterpreter:
    """In the place of an interpreter: what follows is a program itself."""

    path = None
    settings = {}

    def command(self, _directory):
        return []


class Subject(NamedTuple):
    """A program to be traced, and the tracer for it."""

    label: str
    python: str  # a path; None: alloc_target
    share: float = 1  # of the points
    stop: str = "park"  # how its threads wait at gates

    def start(self, directory):
        if self.python:
            arguments = ["--threads", THREADS, "--blocked", "--sigtrap", "--seconds",
                         TARGET_SECONDS]
            target = Target("busy.py", arguments, self.python, directory)
        else:
            blocks = ["sigtrap"] if self.stop == "park" else []
            target = Target(BUILD / "fixtures/alloc_target", [THREADS, TARGET_SECONDS, *blocks],
                            NoInterpreter(), directory)
        target.wait_ready()
        return target

    def trace(self, target, directory, seconds=600, sample="65536", **environment):
        """Start the tracer; what is said on standard error when the gates are armed: attached."""
        if self.python:
            program = FILTRACE
            arguments = ["record", "-p", target.pid, "-d", seconds, "-o", "capture", "--force",
                         "--sample-bytes", sample]
        else:
            program = BUILD / "tests/soak/trace_alloc"
            arguments = [target.pid, seconds, sample, self.stop]
        return Tracing(arguments, directory, target, program, **environment)


class Steps:
    """The environment of a tracer that kills itself, and its report."""

    def __init__(self, directory):
        self.report = os.path.join(directory, "steps")
        self.mark = os.path.join(directory, "begin")
        if os.path.exists(self.mark):
            os.unlink(self.mark)

    def environment(self, kill_at, has_mark=False):
        mark = {"KILL_FROM": self.mark} if has_mark else {}
        return {"LD_PRELOAD": str(BUILD / "tests/soak/kill_at.so"), "KILL_AT": str(kill_at),
                "KILL_REPORT": self.report, **address_sanitizer("verify_asan_link_order=0"), **mark}

    def begin(self):
        """Count from now on."""
        with open(self.mark, "w", encoding="ascii"):
            pass

    def read(self):
        """(number of steps so far, the name of the last)."""
        with open(self.report, "rb") as report:
            steps, name = struct.unpack("=Q24s", report.read(32))
        return steps, name.partition(b"\0")[0].decode()


def await_attached(tracing):
    """Wait until the gates are armed: True; or until the tracer has been killed: False."""
    said = b""

    def is_settled():
        nonlocal said
        try:
            said += os.read(tracing.process.stderr.fileno(), 4096)
        except BlockingIOError:
            pass
        return b"attached" in said or tracing.process.poll() is not None

    os.set_blocking(tracing.process.stderr.fileno(), False)
    wait_until(is_settled, "attached or killed", pause=0.005)
    os.set_blocking(tracing.process.stderr.fileno(), True)
    status = tracing.process.poll()
    assert status in (None, -signal.SIGKILL), f"tracer ended with {status}: {said.decode()}"
    return status is None


def kill_while_attaching(subject, target, directory, steps, n):
    """True if step n lies behind the attach."""
    tracing = subject.trace(target, directory, **steps.environment(n))
    is_behind = await_attached(tracing)
    tracing.kill()
    return is_behind


def kill_while_reattaching(subject, target, directory, steps, n):
    """As kill_while_attaching(), over the armed gates that a killed tracer has left."""
    earlier = subject.trace(target, directory)
    assert await_attached(earlier)
    earlier.kill()
    return kill_while_attaching(subject, target, directory, steps, n)


def kill_while_serving(subject, target, directory, steps, n):
    """It ends by itself only if nothing is to be served: no n is too high."""
    tracing = subject.trace(target, directory, **steps.environment(n, has_mark=True))
    assert await_attached(tracing)
    steps.begin()
    status = tracing.process.wait(DEADLINE_SECONDS)
    assert status == -signal.SIGKILL, f"tracer ended with {status}"
    tracing.kill()
    return n >= 60


def kill_while_detaching(subject, target, directory, steps, n):
    """True if the detach was through before step n. Few stops, so that few steps are theirs."""
    tracing = subject.trace(
        target, directory, sample=str(1 << 20), **steps.environment(n, has_mark=True))
    assert await_attached(tracing)
    steps.begin()
    finished = tracing.interrupt()
    assert finished.returncode in (0, -signal.SIGKILL), finished.stderr
    return finished.returncode == 0


class Phase(NamedTuple):
    label: str
    kill: Callable
    targets: int  # a fresh target after so many kills


PHASES = (
    Phase("attach", kill_while_attaching, 1),
    Phase("re-attach", kill_while_reattaching, REATTACHES),
    Phase("serve", kill_while_serving, REATTACHES),
    Phase("detach", kill_while_detaching, REATTACHES),
)


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def assert_unharmed(subject, target, directory):
    """Assert that it goes on after a kill, through a whole attach, and after it."""
    assert target.is_running(), f"dead with {target.process.returncode}"
    target.await_progress()
    tracing = subject.trace(target, directory, 0.05)
    try:
        finished = tracing.finish()
    except subprocess.TimeoutExpired:
        keep_evidence(tracing.process.pid, directory)
        tracing.kill()
        raise
    assert finished.returncode == 0, finished.stderr
    target.await_progress()
    assert_left_alone(target.pid)


class Points:
    """The kill points of one phase on one kind of target."""

    def __init__(self, subject, phase, run):
        self.subject = subject
        self.phase = phase
        self.run = run
        self.target = None
        self.kills_here = 0

    def kill_at(self, n):
        """Kill at step n, check all. True if n lies behind the phase's end."""
        directory = self.run.directory
        if not self.target or self.kills_here >= self.phase.targets:
            self.end_target()
            self.target = self.subject.start(directory)
            self.kills_here = 0
        self.kills_here += 1
        steps = Steps(directory)
        is_behind = self.phase.kill(self.subject, self.target, directory, steps, n)
        where = "the end" if is_behind else "{} at step {}".format(*reversed(steps.read()))
        try:
            assert_unharmed(self.subject, self.target, directory)
        except AssertionError as problem:
            raise AssertionError(f"killed before {where}: {problem}") from problem
        return is_behind

    def end_target(self):
        """Let the target say that it is unharmed."""
        target, self.target = self.target, None
        if target:
            try:
                target.end()
            finally:
                target.kill()

    def drop_target(self):
        """Something is wrong with it: keep what can be seen, and go on with another."""
        target, self.target = self.target, None
        if target:
            if target.is_running():
                keep_evidence(target.pid, self.run.directory)
            target.kill()



def run_phase(subject, phase, run):
    points = Points(subject, phase, run)
    outcome = Outcome()
    stride = max(1, round(1 / (run.scale * subject.share)))
    n = first = random.randint(1, stride)
    while n < POINTS_WITHOUT_END:
        is_behind = False
        with outcome.guarded(f"{subject.label}, {phase.label}, n = {n}", run.directory):
            try:
                is_behind = points.kill_at(n)
            except BaseException:
                points.drop_target()
                raise
        if is_behind:
            break
        n += stride
    with outcome.guarded(f"{subject.label}, {phase.label}: end", run.directory):
        points.end_target()
    outcome.text = (f"{subject.label}, {phase.label}: {outcome.passed - 1} points, "
                    f"n = {first} to {n}")
    run.say(outcome.text)
    return outcome


def subjects(is_short):
    debian = Subject("/usr/bin/python3", DEBIAN_PATH)
    native = [Subject("alloc_target", None), Subject("alloc_target, traps", None, stop="trap")]
    if is_short:
        return [debian, *native]
    newest = {}
    for python in SUPPORTED:
        if python.path != DEBIAN_PATH and python.minor in ((3, 11), (3, 13)):
            newest[python.minor] = Subject(python.label, python.path, OTHERS_SHARE)
    return [debian, *newest.values(), *native]


def run(run):
    """Every phase on every kind of target."""
    outcome = Outcome()
    for subject in (each for each in subjects(run.is_short) if run.subject in each.label):
        for phase in PHASES:
            outcome += run_phase(subject, phase, run)
    outcome.text = f"{outcome.passed} kills at every step of attach, re-attach, serve, detach"
    return outcome
