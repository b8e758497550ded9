# SPDX-License-Identifier: MIT
"""How long threads stand still: filtrace's own figures, and those of a thread inside the target.

Two kinds of times are judged, each by filtrace's figures and by the target's:

- Stops at gates: at most one in a hundred may be longer than a millisecond. filtrace measures each,
  in all threads. In the target, a thread "pulse" takes the time of every call of malloc that it
  makes. It sees every call that was slow, but not which of them were stops: so all that were longer
  than a millisecond are held against the number of stops that filtrace made in this very thread.
  That number is in the capture: pulse frees no block of a slow call, hence none that was sampled,
  and the capture says how many samples of its blocks live.
- Pauses of all threads, one at attach and one at detach: half of them may be longer than five
  milliseconds, for they last until the last of the threads has got a processor. In the target, a
  thread looks at the clock all the time. The largest gap that it sees during attach and detach
  must not be longer than filtrace says that the longer of the two pauses was, but for one in a
  hundred: gaps also have other causes.

Of too few times nothing is concluded. Nor is it on a machine that is busy with other things, where
whoever stops also waits for a processor.
"""

import contextlib
import os
import re
import sqlite3
import time
from typing import NamedTuple

from interpreters import DEBIAN_PATH
from outcome import Outcome
from processes import BUILD, IS_SANITIZED, Filtrace, Target

SECONDS = 600
ATTACHES = 50
LONG_SECONDS = 0.001
LONG_SHARE = 0.01
PAUSE_SECONDS = 0.005
TIMES_MIN = 100  # of which one may be long
CLOCK_SECONDS = 0.0001  # from the first thread's stop to filtrace's look at the clock, and back
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


def count_long(times):
    return sum(seconds > LONG_SECONDS for seconds in times)


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
    """Attach and detach so often: (filtrace's figures, a pair each; the target's largest gaps)."""
    def attach_and_detach():
        finished = filtrace.run("record", "-v", "-p", target.pid, "-o", "capture", "--force",
                                "-d", "0.1", "--sample-bytes", "1G")
        assert finished.returncode == 0, finished.stderr
        return told(finished.stderr)[1:]

    pairs, gaps = [], []
    for _ in range(count):
        pair, seen = pulse(target, "beat", attach_and_detach)
        pairs.append(pair)
        gaps.append(max(seen, default=0))
    return pairs, gaps


def stops_of_pulse(path):
    """How many stops hit the thread that takes the time, and keeps the blocks of all of them."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as capture:
        return capture.execute(
            "SELECT coalesce(sum(live_samples), 0) FROM stacks WHERE thread = 'pulse'"
        ).fetchone()[0]


def measure_stops(target, filtrace, seconds):
    """One long recording: (filtrace's figures, share stopped, the slow calls in the target, and the
    number of stops that were among them)."""
    def record():
        return filtrace.run("record", "-v", "-p", target.pid, "-o", "capture", "--force", "-d",
                            f"{seconds:.1f}", seconds=seconds + 120)

    finished, gaps = pulse(target, "allocate", record)
    assert finished.returncode == 0, finished.stderr
    capture = filtrace.report()["capture"]
    share = capture["stopped_seconds"] / capture["seconds"]
    own_stops = stops_of_pulse(os.path.join(filtrace.directory, "capture"))
    return told(finished.stderr)[0], share, gaps, own_stops


def judge(outcome, what, run, why_not, is_kept):
    """Count one check, or say why it cannot be made."""
    if why_not:
        outcome.skipped += 1
        run.say(f"{what}: not judged, {why_not}")
        return
    with outcome.guarded(what, run.directory):
        assert is_kept, what


def judge_stops(outcome, stops, long, own_stops, run, why_not):
    judge(outcome, f"99% of {stops.count} stops within {stops.p99 * 1e3:.2f} ms, filtrace says",
          run, why_not or too_few(stops.count), stops.p99 <= LONG_SECONDS)
    judge(outcome, f"{long} of {own_stops} stops were long, the target says", run,
          why_not or too_few(own_stops), long <= LONG_SHARE * own_stops)


def judge_pauses(outcome, pairs, gaps, run, why_not):
    pauses = spread_of(sum(pairs, ()))
    judge(outcome, f"half of {pauses.count} pauses within {pauses.p50 * 1e3:.2f} ms, filtrace says",
          run, why_not or too_few(pauses.count), pauses.p50 <= PAUSE_SECONDS)
    longer = sum(gap > max(pair) + CLOCK_SECONDS for pair, gap in zip(pairs, gaps))
    judge(outcome, f"{longer} of {pauses.count} pauses were longer, the target says, than told",
          run, why_not or too_few(pauses.count), longer <= LONG_SHARE * pauses.count)


def too_few(count):
    return "" if count >= TIMES_MIN else "too few"


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
        pairs, beats = measure_pauses(target, filtrace, max(1, round(ATTACHES * run.scale)))
        _, idle = pulse(target, "allocate", lambda: time.sleep(min(seconds, 10)))
        stops, share, gaps, own_stops = measure_stops(target, filtrace, seconds)
        with outcome.guarded("the target's end", run.directory):
            target.end()
    finally:
        filtrace.end_all()
        target.kill()
    pauses = spread_of(sum(pairs, ()))
    run.say(f"pauses of all threads, filtrace says {pauses}")
    run.say(f"longest gap of each attach and detach, the target says {spread_of(beats)}")
    run.say(f"stops at gates, filtrace says {stops}; stopped {share:.2%}")
    run.say(f"slow calls of malloc in a thread with {own_stops} stops {spread_of(gaps)}")
    run.say(f"slow calls of malloc before {spread_of(idle)}, {count_long(idle)} of them long")

    is_judged = was_quiet and is_quiet()
    why_not = "" if is_judged else f"under load {os.getloadavg()[0]:.1f}"
    why_not = "with a sanitizer" if IS_SANITIZED else why_not
    judge_stops(outcome, stops, count_long(gaps), own_stops, run, why_not)
    judge_pauses(outcome, pairs, beats, run, why_not)
    judge(outcome, f"stopped {share:.2%}", run, why_not, share <= 2 * BUDGET)
    outcome.text = (
        f"{stops.count} stops, 99% within {stops.p99 * 1e3:.2f} ms, longest "
        f"{stops.longest * 1e3:.1f} ms, stopped {share:.2%}; in the target {count_long(gaps)} of "
        f"{own_stops} over 1 ms; {pauses.count} pauses, half within {pauses.p50 * 1e3:.2f} ms, "
        f"99% within {pauses.p99 * 1e3:.1f} ms, longest {pauses.longest * 1e3:.1f} ms")
    return outcome
