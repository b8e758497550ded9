# SPDX-License-Identifier: MIT
"""Record seeded_leaks.py, and put each figure beside its truth."""

import sqlite3
import time
from contextlib import closing
from typing import NamedTuple

from blocks import Truth

Z2 = 1.959964 ** 2
FIXED = (1 << 16, 1 << 19, 1 << 22)
BUDGETS = ("0.3", "5")
LIGHT = ("--load", "0.003", "--blocks-per-second", "2000")
RELATIVE_DEVIATION_MIN = 0.05  # no figure has more weight than one as precise as this
EXACT_SHARE = 0.25  # of the variance per sample: below, most blocks are sure to be sampled
STRAIGHT_SHARE = 0.5


class Figure(NamedTuple):
    run: int
    what: str  # "live" or "growth"
    site: str
    options: str
    truth: float
    value: float
    low: float
    high: float
    samples: float  # expected, of live blocks
    deviation: float  # expected of the estimate, from sampling alone
    is_sampled: bool  # what its interval tells is mostly the sampling's doing

    @property
    def is_covered(self):
        return self.low <= self.truth <= self.high

    @property
    def relative_error(self):
        return self.value / self.truth - 1

    @property
    def weight(self):
        relative = self.deviation / abs(self.truth)
        return 1 / max(relative, RELATIVE_DEVIATION_MIN) ** 2

    @property
    def width(self):
        """How wide the interval is, in units of what the sampling alone asks for."""
        return (self.high - self.low) / 2 / (1.96 * self.deviation)


def is_sampled(variance, samples, interval, fit_variance=0.0):
    """Whether an interval is what chance asks for: neither are most blocks sure to be sampled, nor
    is it as wide as it is because the truth is no straight line."""
    return (samples > 0 and variance >= EXACT_SHARE * samples * interval * interval
            and fit_variance <= STRAIGHT_SHARE * variance)


class Options(NamedTuple):
    """How one run differs from the others."""

    name: str
    record: tuple = ()
    target: tuple = ()


def options_of(seed):
    """Three of five runs have the default settings, one of them with hardly any load."""
    if seed % 5 == 2:
        return Options("defaults, light load", (), LIGHT)
    if seed % 5 == 3:
        size = FIXED[seed // 5 % len(FIXED)]
        return Options(f"--sample-bytes {size}", ("--sample-bytes", size))
    if seed % 5 == 4:
        budget = BUDGETS[seed // 5 % len(BUDGETS)]
        return Options(f"--budget {budget}", ("--budget", budget))
    return Options("defaults")


TOTAL = """SELECT live_bytes, live_bytes_low, live_bytes_high
    FROM figures WHERE scope = 'total'"""
SITES = """SELECT function, line, live_bytes AS live, live_bytes_low AS live_low,
    live_bytes_high AS live_high, growth_bytes_per_second AS growth,
    growth_bytes_per_second_low AS growth_low, growth_bytes_per_second_high AS growth_high,
    live_blocks, live_samples, pymalloc_bytes, malloc_bytes
    FROM figures JOIN frame ON frame_id = id WHERE scope = 'site' AND file = ?"""


def mean_interval(value, low, high):
    """The mean T of the whole process, which the interval of its live bytes tells: see add_live()
    in profile/estimate.c."""
    if high == value:
        return 1
    variance = value * (value - low) ** 2 / Z2 / low if low > 0 else 0
    return (high - value) / Z2 - variance / (high - value)


class Capture:
    """The last state of a capture file."""

    def __init__(self, path, file):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            self.meta = dict(database.execute("SELECT key, value FROM meta").fetchall())
            self.sites = [dict(row) for row in database.execute(SITES, (file,))]
            total = database.execute(TOTAL).fetchone()
        self.interval = mean_interval(*total) if total else self.meta["sample_bytes"]
        self.seconds = self.meta["seconds"]
        self.start = self.meta["start_realtime_ns"] / 1e9

    def site(self, truth):
        """The figures of a site. One of which no live block was sampled is not in the file."""
        for site in self.sites:
            if site["line"] == truth.line:
                assert site["function"] == truth.name, (site, truth.name)
                return site
        interval = 0 if self.meta["sample_bytes"] <= 1 else self.interval
        rate = Z2 * interval / self.seconds
        return {"live": 0.0, "live_low": 0.0, "live_high": Z2 * interval, "growth": 0.0,
                "growth_low": -rate, "growth_high": rate, "live_blocks": 0, "live_samples": 0,
                "pymalloc_bytes": 0, "malloc_bytes": 0}


class Run(NamedTuple):
    seed: int
    options: Options
    capture: Capture
    truths: list
    churn_bytes: int
    run_seconds: float
    traced: dict  # what tracemalloc says, if it was asked
    figures: list

    def bytes_per_second(self):
        made = sum(batch.bytes for truth in self.truths for batch in truth.batches)
        return (made + self.churn_bytes) / self.run_seconds


def site_figures(seed, options, capture, truth):
    """The two figures of a site."""
    site, interval = capture.site(truth), capture.interval
    samples = truth.samples(interval)
    variance, fit_variance = truth.growth_variance(interval), truth.fit_variance()
    live_variance = truth.live_variance(interval)

    def figure(what, real, deviation, sampled):
        return Figure(seed, what, truth.name, options.name, real, site[what],
                      site[f"{what}_low"], site[f"{what}_high"], samples, deviation, sampled)

    yield figure("live", truth.live_bytes(), live_variance ** 0.5,
                 is_sampled(live_variance, samples, interval))
    yield figure("growth", truth.growth(), variance ** 0.5,
                 is_sampled(live_variance, samples, interval) and is_sampled(
                     variance, 1, 0, fit_variance))


def total_figure(seed, options, capture, truths, filtrace):
    """Live bytes of all leaking lines together, as a report about them alone has them."""
    chosen = [argument for truth in truths
              for argument in ("--only", f"seeded_leaks.py:{truth.line}")]
    total = filtrace.report("capture", *chosen)["total"]
    value, error = total["live_bytes"], total["live_bytes_error"]
    variance = sum(truth.live_variance(capture.interval) for truth in truths)
    samples = sum(truth.samples(capture.interval) for truth in truths)
    return Figure(seed, "total", "all leaks", options.name,
                  sum(truth.live_bytes() for truth in truths), value, value - error, value + error,
                  samples, variance ** 0.5, is_sampled(variance, samples, capture.interval))


def record_mixture(target, filtrace, seconds, options, is_traced):
    """Let the target allocate while it is recorded. Its truth, and what tracemalloc says."""
    tracing = filtrace.record(target, *options.record)
    target.ask("start")
    time.sleep(seconds)  # no readiness: how long it allocates
    answer = target.ask("pause")
    finished = tracing.interrupt()
    assert finished.returncode == 0, finished.stderr
    return answer, target.ask("traced") if is_traced else {}


def run_mixture(stage, seed, seconds, options, is_traced=False):
    """Record one mixture."""
    target = stage.start("seeded_leaks.py", "--seed", seed, "--run-seconds", seconds,
                         *options.target)
    if is_traced:
        target.ask("trace")
    answer, traced = record_mixture(target, stage.filtrace, seconds, options, is_traced)
    capture = Capture(stage.directory / "capture", answer["sites"][0]["file"])
    truths = [Truth(site, capture.start, capture.seconds)
              for site in answer["sites"] if site["batches"]]
    figures = [figure for truth in truths
               for figure in site_figures(seed, options, capture, truth)]
    figures.append(total_figure(seed, options, capture, truths, stage.filtrace))
    return Run(seed, options, capture, truths, answer["churn_bytes"], seconds, traced, figures)
