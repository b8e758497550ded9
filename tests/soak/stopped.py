# SPDX-License-Identifier: MIT
"""How long threads stand still: filtrace's own figures, and those of a thread inside the target."""

import os
import re
import time
from typing import NamedTuple

from interpreters import DEBIAN_PATH
from outcome import Outcome
from processes import BUILD, Filtrace, Target

SECONDS = 600
ATTACHES = 50
P99_SECONDS = 0.001
BUDGET = 0.01
QUIET_LOAD = 1.0  # for each processor; above it, stops also wait for a processor


class Spread(NamedTuple):
    """Of some times, in seconds."""

    count: int
    p50: float
    p99: float
    longest: float

    def __str__(self):
        return (f"{self.count}: {self.p50 * 1e3:.3f} ms median, {self.p99 * 1e3:.3f} ms 99%, "
                f"{self.longest * 1e3:.3f} ms longest")


def spread_of(times):
    times = sorted(times) or [0]
    return Spread(len(times), times[len(times) // 2], times[min(len(times) - 1,
                                                               int(len(times) * 0.99))], times[-1])


def told(text):
    """What filtrace record -v says at its end."""
    found = re.search(r"(\d+) stops, .* for ([0-9.]+) ms at attach, ([0-9.]+) ms at detach", text)
    taken = re.search(r"took ([0-9.]+) ms in the median, ([0-9.]+) ms at 99%, ([0-9.]+) ms", text)
    assert found and taken, text
    stops = Spread(int(found[1]), *(float(taken[n]) / 1e3 for n in (1, 2, 3)))
    return stops, float(found[2]) / 1e3, float(found[3]) / 1e3


def is_quiet():
    return os.getloadavg()[0] <= QUIET_LOAD * os.cpu_count()


def pulse(target, kind, act):
    """What the thread in the target saw while `act` went on."""
    assert target.ask(kind) == kind
    try:
        result = act()
    finally:
        gaps = target.ask("still")
    return result, gaps


def measure_pauses(target, filtrace, count):
    """Attach and detach: (filtrace's figures, the gaps in the target)."""
    def attach_and_detach():
        finished = filtrace.run("record", "-v", "-p", target.pid, "-o", "capture", "--force",
                                "-d", "0.1", "--sample-bytes", "1G")
        assert finished.returncode == 0, finished.stderr
        return told(finished.stderr)[1:]

    pauses, gaps = [], []
    for _ in range(count):
        pair, seen = pulse(target, "beat", attach_and_detach)
        pauses += pair
        gaps.append(max(seen, default=0))
    return pauses, gaps


def measure_stops(target, filtrace, seconds):
    """One long recording: (filtrace's figures, share stopped, the slow calls in the target)."""
    def record():
        return filtrace.run("record", "-v", "-p", target.pid, "-o", "capture", "--force", "-d",
                            f"{seconds:.1f}", seconds=seconds + 120)

    finished, gaps = pulse(target, "allocate", record)
    assert finished.returncode == 0, finished.stderr
    capture = filtrace.report()["capture"]
    share = capture["stopped_seconds"] / capture["seconds"]
    return told(finished.stderr)[0], share, gaps


def judge(outcome, what, value, limit, run, is_judged):
    """A time that other programs' load lengthens is judged on a quiet machine only."""
    if not is_judged:
        outcome.skipped += 1
        run.say(f"{what}: not judged under load {os.getloadavg()[0]:.1f}")
        return
    with outcome.guarded(what, run.directory):
        assert value <= limit, f"{what}: {value} is more than {limit}"


def start(directory, seconds):
    target = Target("pulse.py", ["--threads", 4, "--library", BUILD / "tests/soak/pulse.so",
                                 "--seconds", seconds + 600], DEBIAN_PATH, directory)
    target.wait_ready()
    return target


def run(run):
    outcome = Outcome()
    filtrace = Filtrace(run.directory)
    seconds = SECONDS * run.scale
    target = start(run.directory, seconds)
    was_quiet = is_quiet()
    try:
        pauses, beats = measure_pauses(target, filtrace, max(1, round(ATTACHES * run.scale)))
        _, idle = pulse(target, "allocate", lambda: time.sleep(min(seconds, 10)))
        stops, share, gaps = measure_stops(target, filtrace, seconds)
        with outcome.guarded("the target's end", run.directory):
            target.end()
    finally:
        filtrace.end_all()
        target.kill()
    run.say(f"all threads stopped, filtrace says {spread_of(pauses)}")
    run.say(f"longest gap of each attach and detach, the target says {spread_of(beats)}")
    run.say(f"stops at gates, filtrace says {stops}; stopped {share:.2%}")
    run.say(f"slow calls of malloc while it is traced {spread_of(gaps)}")
    run.say(f"slow calls of malloc before {spread_of(idle)}")
    is_judged = was_quiet and is_quiet()
    judge(outcome, "99% of stops", stops.p99, P99_SECONDS, run, is_judged)
    judge(outcome, "99% of slow calls", spread_of(gaps).p99, P99_SECONDS, run, is_judged)
    judge(outcome, "stopped share", share, 2 * BUDGET, run, is_judged)
    outcome.text = (f"{stops.count} stops, 99% within {stops.p99 * 1e3:.2f} ms, longest "
                    f"{stops.longest * 1e3:.1f} ms, stopped {share:.2%}")
    return outcome
