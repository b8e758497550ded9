# SPDX-License-Identifier: MIT
"""SIGKILL at random moments under load, one thread of the target blocking SIGTRAP."""

import random
import time

from images import assert_left_alone
from interpreters import DEBIAN_PATH
from outcome import Outcome, keep_evidence
from processes import Filtrace, Target

KILLS = 1000
KILLS_PER_TARGET = 50
EARLY_SECONDS, LATE_SECONDS = 0.012, 0.4
LATE_SHARE = 0.5
SAMPLE_SIZES = ("4K", "64K", "1M")


def kill_one(target, filtrace, moments):
    """Start filtrace and kill it; the target must go on in every thread."""
    tracing = filtrace.start(
        "record", "-p", target.pid, "-o", "capture", "--force", "--sample-bytes",
        moments.choice(SAMPLE_SIZES))
    longest = LATE_SECONDS if moments.random() < LATE_SHARE else EARLY_SECONDS
    time.sleep(longest * moments.random())  # no readiness: the moment is what is tested
    tracing.kill()
    assert target.is_running(), f"dead with {target.process.returncode}"
    target.await_progress()


def end_target(target, filtrace):
    """The next filtrace puts right what the killed ones have left."""
    finished = filtrace.run("record", "-p", target.pid, "-o", "last", "--force", "-d", "0.1")
    assert finished.returncode == 0, finished.stderr
    assert_left_alone(target.pid)
    target.await_progress()
    target.end()


def run_target(count, moments, outcome, run):
    filtrace = Filtrace(run.directory)
    target = Target("busy.py", ["--threads", 8, "--blocked", "--sigtrap", "--seconds", 900],
                    DEBIAN_PATH, run.directory)
    before = outcome.failed
    try:
        target.wait_ready()
        for n in range(count):
            with outcome.guarded(f"random kill {n} of a target", run.directory):
                kill_one(target, filtrace, moments)
            if outcome.failed > before:
                break
        with outcome.guarded("attach after random kills", run.directory):
            end_target(target, filtrace)
        if outcome.failed > before and target.is_running():
            keep_evidence(target.pid, run.directory)
    finally:
        filtrace.end_all()
        target.kill()


def run(run):
    kills = max(1, round(KILLS * run.scale))
    seed = random.randrange(2**32)
    moments = random.Random(seed)
    outcome = Outcome(f"{kills} kills, seed {seed}")
    for first in range(0, kills, KILLS_PER_TARGET):
        run_target(min(KILLS_PER_TARGET, kills - first), moments, outcome, run)
    return outcome
