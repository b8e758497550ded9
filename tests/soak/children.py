# SPDX-License-Identifier: MIT
"""Every way to make processes, beside a loop of filtrace that attaches, is killed, or detaches."""

import random
import time

from images import assert_left_alone
from interpreters import DEBIAN_PATH, SUPPORTED
from outcome import Outcome, keep_evidence
from processes import Filtrace, Target

SECONDS = 1800
SECONDS_PER_TARGET = 60
KILL_SHARE = 0.7
DELAY_SECONDS = 0.4  # the longest from exec to SIGKILL
PROGRESS_SECONDS = 120  # processes are slow to start on a busy machine


def disturb(target, filtrace, moments):
    """One filtrace: mostly killed at some moment, otherwise through its whole life."""
    if moments.random() < KILL_SHARE:
        tracing = filtrace.start("record", "-p", target.pid, "-o", "capture", "--force",
                                 "--sample-bytes", moments.choice(("4K", "64K")))
        time.sleep(DELAY_SECONDS * moments.random())  # no readiness: the moment is what is tested
        tracing.kill()
    else:
        finished = filtrace.run("record", "-p", target.pid, "-o", "capture", "--force", "-d",
                                "0.2", "--sample-bytes", "16K")
        assert finished.returncode == 0, finished.stderr
    assert target.is_running(), f"dead with {target.process.returncode}"


def run_target(python, seconds, moments, outcome, run):
    """Returns how often filtrace was started."""
    filtrace = Filtrace(run.directory)
    target = Target("forking.py", ["--seconds", seconds + 600], python, run.directory)
    attaches = 0
    before = outcome.failed
    try:
        target.wait_ready()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and outcome.failed == before:
            with outcome.guarded(f"fork matrix of {python}", run.directory):
                disturb(target, filtrace, moments)
            attaches += 1
        with outcome.guarded(f"end of the fork matrix of {python}", run.directory):
            target.await_progress(PROGRESS_SECONDS)
            finished = filtrace.run("record", "-p", target.pid, "-o", "last", "--force", "-d", "1")
            assert finished.returncode == 0, finished.stderr
            assert_left_alone(target.pid)
            target.await_progress(PROGRESS_SECONDS)
            target.end()
        if outcome.failed > before and target.is_running():
            keep_evidence(target.pid, run.directory)
    finally:
        filtrace.end_all()
        target.kill()
    return attaches


def run(run):
    seconds = SECONDS * run.scale
    seed = random.randrange(2**32)
    moments = random.Random(seed)
    pythons = [DEBIAN_PATH]
    if not run.is_short:
        pythons += [python.path for python in SUPPORTED if python.minor in ((3, 11), (3, 13))
                    and python.path != DEBIAN_PATH]
    outcome = Outcome()
    start = time.monotonic()
    attaches = number = 0
    while (left := start + seconds - time.monotonic()) > 0:
        attaches += run_target(pythons[number % len(pythons)], min(left, SECONDS_PER_TARGET),
                               moments, outcome, run)
        number += 1
    outcome.text = f"{attaches} attaches to {number} targets in {seconds:.0f} s, seed {seed}"
    return outcome
