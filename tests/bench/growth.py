# SPDX-License-Identifier: MIT
"""How the cost of filtrace grows: with what lives, with depth, threads, and bytes a second; and how
long all threads stand still at attach and detach.
"""

import contextlib
import functools
import os
import pathlib
import sqlite3
import statistics
import tempfile
from typing import NamedTuple

import machine
from compare import MIB, compare, run_traced, together
from own import stop_figures, stop_rate
from peers import Stage, filtrace_start, filtrace_stop
from stopped import told
from subjects import Workload
from table import high_end, median, spread

GROWTH_PAIRS = 3
HELD_BYTES = 64
SAMPLE_BYTES = 1 << 11
SAMPLED_BYTES = 5_000  # nine in ten of such blocks are sampled
SMALL = Workload("", "small objects", "workloads.py", "small")
BLOCKS = Workload("", "blocks", "workloads.py", "blocks")


class Row(NamedTuple):
    name: str
    workload: object = SMALL
    arguments: tuple = ()  # of the target
    options: tuple = ()  # of filtrace
    hold_before: int = 0  # blocks that live when filtrace attaches
    hold_during: int = 0  # blocks that are made, and live, while it is attached


ROWS = [
    *(Row(f"{count:,} live blocks", hold_before=count)
      for count in (1_000, 10_000, 100_000, 1_000_000)),
    *(Row(f"{count:,} blocks, mostly sampled", BLOCKS, ("--bytes", 100),
          ("--sample-bytes", SAMPLE_BYTES), hold_during=count)
      for count in (1_000, 10_000, 100_000, 250_000)),
    *(Row(f"{depth} frames deep", arguments=("--depth", depth)) for depth in (10, 100, 900)),
    *(Row(f"{threads} threads", arguments=("--threads", threads)) for threads in (1, 8, 64)),
    *(Row(f"blocks of {size:,} bytes", BLOCKS, ("--bytes", size))
      for size in (100, 1_000, 10_000, 100_000, 1_000_000)),
]


def live_samples(directory):
    """How many samples the capture holds at its end."""
    path = os.path.join(directory, "capture")
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as capture:
        return capture.execute("SELECT coalesce(sum(live_samples), 0) FROM stacks").fetchone()[0]


def hold(subject, count, size):
    """Let the target keep so many blocks; it may take long."""
    if count:
        assert subject.ask(f"hold {count} {size}") == count


def pair_of(row, python, seconds, directory):
    """While filtrace is there, and before and after; or only after, if blocks are made while it is
    there. The same blocks are held each time.
    """
    measure = functools.partial(row.workload.measure, seconds=seconds)
    subject = row.workload.start(python, directory, row.arguments)
    tracing = None
    try:
        stage = Stage(directory, subject)
        hold(subject, row.hold_before, HELD_BYTES)
        before = None if row.hold_during else measure(subject)
        tracing = filtrace_start(stage, *row.options)
        hold(subject, row.hold_during, SAMPLED_BYTES)
        traced = run_traced(measure, subject, tracing)
        finished = filtrace_stop(stage, tracing)
        after = measure(subject)
        subject.end()
    finally:
        subject.kill()
        if tracing and tracing.process.poll() is None:
            tracing.kill()
    without = together(before, after) if before else after
    pair = compare(without, traced.speed, traced.cpu_seconds, tool_bytes=traced.tool_bytes,
                   told=finished)
    return pair, live_samples(directory)


def bench_growth(python, settings, table):
    table.part("filtrace, how its cost grows", "CPU, target and tool", "by the clock", "stops/s",
               "a stop: 50%", "99%", "longest", "its memory", "live samples, GB/s")
    for row in ROWS:
        if row.hold_during * SAMPLED_BYTES * 2 > machine.available_bytes():
            table.row(row.name, "skipped: too little memory here")
            continue
        pairs, samples = [], []
        for _ in range(min(settings.pairs, GROWTH_PAIRS)):
            with tempfile.TemporaryDirectory() as directory:
                pair, live = pair_of(row, python, settings.seconds, pathlib.Path(directory))
            pairs.append(pair)
            samples.append(live)
        last = f"{statistics.median(samples):,.0f}"
        if row.workload is BLOCKS and not row.hold_during:
            rate = statistics.median(
                pair.before.iterations * row.arguments[1] / pair.before.wall_seconds
                for pair in pairs)
            last += f", {rate / 1e9:.2g} GB/s"
        table.row(row.name, spread([pair.cpu for pair in pairs]),
                  spread([pair.wall for pair in pairs]),
                  "-" if row.hold_during else stop_rate(pairs), *stop_figures(pairs),
                  median([pair.tool_bytes / MIB for pair in pairs], "{:.1f} MiB"), last)


# -- pauses --

def attach_and_detach(subject, directory):
    """Once: what filtrace says of both pauses, and the longest gaps that the target saw."""
    stage = Stage(directory, subject)
    attach_gap, tracing = subject.longest_gap(lambda: filtrace_start(stage))
    try:
        detach_gap, finished = subject.longest_gap(lambda: filtrace_stop(stage, tracing))
    finally:
        if tracing.process.poll() is None:
            tracing.kill()
    _, attach_seconds, detach_seconds = told(finished.stderr)
    return attach_seconds, attach_gap, detach_seconds, detach_gap


def bench_pauses(python, settings, table):
    table.part(f"all threads stopped, {settings.attaches} times", "median", "95%", "longest")
    for threads in (8, 64):
        with tempfile.TemporaryDirectory() as name:
            directory = pathlib.Path(name)
            subject = SMALL.start(python, directory, ("--threads", threads))
            try:
                pauses = [attach_and_detach(subject, directory) for _ in range(settings.attaches)]
                subject.end()
            finally:
                subject.kill()
        for what, values in zip(("attach, filtrace says", "attach, the target says",
                                 "detach, filtrace says", "detach, the target says"),
                                zip(*pauses)):
            values = [value * 1e3 for value in values]
            table.row(f"{threads} threads: {what}", *high_end(values, "{:.2f} ms"))
