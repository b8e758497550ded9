# SPDX-License-Identifier: MIT
"""After how many seconds does the one leak lead, if it is a hundredth of what is allocated?"""

import math
import sqlite3
import time
from contextlib import closing, suppress
from typing import NamedTuple

from row import Row

SHARES = (0.01, 0.03, 0.1)
AIM_SECONDS = 10
HUNT_SECONDS = 20
SAMPLES_MIN = 30  # with fewer, on a busy machine, chance may hide it
SNAPSHOTS_LED = 5  # about a second apart
LEADER = """SELECT (SELECT value FROM meta WHERE key = 'seconds'), function
    FROM figures JOIN frame ON frame_id = id WHERE scope = 'site'
    ORDER BY growth_bytes_per_second DESC LIMIT 1"""


class Hunted(NamedTuple):
    seed: int
    share: float
    bytes_per_second: float
    samples_per_second: float
    seconds: float  # from when on the leak led; inf: it did not

    def leak_samples(self):
        """How many samples are the leak's, on average."""
        return self.share * self.samples_per_second * HUNT_SECONDS


def leader(path):
    """(seconds, function) that leads in a capture that is being written; None: nobody yet."""
    with suppress(sqlite3.OperationalError):  # not there yet, or just being made
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as database:
            return database.execute(LEADER).fetchone()
    return None


def led_since(leaders, function):
    """From which snapshot on the function led in several, one after the other."""
    led = [leading == function for _, leading in leaders]
    for i in range(len(led) - SNAPSHOTS_LED + 1):
        if all(led[i:i + SNAPSHOTS_LED]):
            return leaders[i][0]
    return math.inf


def watch(path, seconds):
    """Who led in which snapshot of a recording."""
    leaders = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        now = leader(path)
        if now and (not leaders or now != leaders[-1]):
            leaders.append(now)
        time.sleep(0.1)
    return leaders


class Hunt(Row):
    name = "hunt"
    title = "seconds after which one leak leads, by its share of what is allocated"
    share = 0.15

    def run(self, stage, seed, seconds):
        share = SHARES[seed % len(SHARES)]
        target = stage.start("seeded_leaks.py", "--seed", seed, "--run-seconds", HUNT_SECONDS,
                             "--leak-share", share)
        begin = target.ask("start")
        tracing = stage.filtrace.record(target)
        leaders = watch(stage.directory / "capture", HUNT_SECONDS)
        answer = target.ask("pause")
        made_seconds = time.time() - begin
        finished = tracing.interrupt()
        assert finished.returncode == 0, finished.stderr
        meta = stage.filtrace.report()["capture"]
        site, = answer["sites"]
        made = answer["churn_bytes"] + sum(batch[3] for batch in site["batches"])
        return Hunted(seed, share, made / made_seconds, meta["samples"] / meta["seconds"],
                      led_since(leaders, site["function"]))

    def brief(self, hunted):
        return (f"{hunted.share:.0%} of {hunted.bytes_per_second / 1e6:.0f} MB/s leads after "
                f"{hunted.seconds:.1f} s")

    def kept(self, hunted):
        return hunted._asdict()

    def report(self, hunts):
        print(f"{'share':>6} {'runs':>5} {'samples/s':>10} {'median':>8} {'90%':>8} {'longest':>8} "
              f"{'in 10 s':>8}")
        for share in SHARES:
            found = [one for one in hunts if one.share == share]
            seconds = sorted(one.seconds for one in found)
            rates = sorted(one.samples_per_second for one in found)
            if found:
                in_time = sum(one <= AIM_SECONDS for one in seconds)
                print(f"{share:6.0%} {len(found):5} {rates[len(rates) // 2]:10.0f} "
                      f"{seconds[len(seconds) // 2]:8.1f} {seconds[int(0.9 * len(seconds))]:8.1f} "
                      f"{seconds[-1]:8.1f} {in_time:5} of {len(found)}")
        return [f"seed {one.seed}: a leak of {one.share:.0%} never leads"
                for one in hunts if one.seconds == math.inf and one.leak_samples() >= SAMPLES_MIN]
