# SPDX-License-Identifier: MIT
"""How fast a large capture is reported, in each format."""

import contextlib
import os
import sqlite3
import subprocess
import tempfile
import time

from interpreters import DEBIAN_PATH
from processes import FILTRACE
from table import spread

STACKS, DEPTH, FRAMES, THREADS, SIZES = 100_000, 20, 20_000, 8, 5_000
FORMATS = ("text", "html", "json", "csv", "collapsed", "speedscope", "pprof")
TIMES = 3
TABLES = ("frame", "stack", "stack_frame", "figures", "bucket")
FIGURES = "INSERT INTO figures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 5, ?, ?)"


def path_of(stack):
    """Frames of one stack, the innermost first: outer ones are shared by more and more stacks."""
    rest = stack
    for depth in range(DEPTH):
        yield stack, depth, 1 + (rest % 37 + 259 * depth + rest // 37 * 13 * (depth < 3)) % FRAMES
        rest = rest // 3 + depth


def figures(scope, key, live, pymalloc):
    growth = live / 60
    return (scope, key, live, live * 0.9, live * 1.1, growth, growth * 0.9, growth * 1.1,
            live / 100, live * pymalloc, live * (1 - pymalloc))


def fill(database):
    """Put made-up stacks in place of what was recorded."""
    for table in TABLES:
        database.execute(f"DELETE FROM {table}")
    database.executemany("INSERT INTO frame VALUES (?, ?, ?, ?)", (
        (number, f"function_{number % 977}", f"/srv/app/lib/python3.11/site-packages/"
         f"package_{number % 83}/module_{number % 411}.py", 1 + number % 900)
        for number in range(1, FRAMES + 1)))
    database.executemany("INSERT INTO stack VALUES (?, ?, ?, 0)", (
        (stack, ("malloc", "pymalloc")[stack % 2], f"worker-{stack % THREADS}")
        for stack in range(1, STACKS + 1)))
    database.executemany("INSERT INTO stack_frame VALUES (?, ?, ?)", (
        row for stack in range(1, STACKS + 1) for row in path_of(stack)))
    sites = {}
    for stack in range(1, STACKS + 1):
        live, (_, _, frame) = 1e6 / (1 + stack % SIZES), next(path_of(stack))
        sites[frame] = sites.get(frame, 0) + live
        database.execute(FIGURES, figures("stack", stack, live, stack % 2))
    database.executemany(FIGURES, (figures("site", *site, 0.5) for site in sites.items()))
    database.execute(FIGURES, figures("total", 0, sum(sites.values()), 0.5))


def make_capture(directory):
    path = os.path.join(directory, "capture")
    subprocess.run([FILTRACE, "record", "-q", "-o", path, "-d", "1", "--", DEBIAN_PATH, "-c",
                    "import time; time.sleep(2)"], check=True, timeout=60)
    with contextlib.closing(sqlite3.connect(path)) as database:
        fill(database)
        database.commit()
    return path


def seconds_of(path, form):
    start = time.monotonic()
    with open(os.path.join(os.path.dirname(path), "report"), "wb") as out:
        subprocess.run([FILTRACE, "report", path, "-f", form], check=True, stdout=out, timeout=120)
    return time.monotonic() - start


def bench_reports(_python, _settings, table):
    table.part(f"a report of {STACKS:,} stacks", "seconds", "size")
    with tempfile.TemporaryDirectory() as directory:
        path = make_capture(directory)
        for form in FORMATS:
            seconds = [seconds_of(path, form) for _ in range(TIMES)]
            size = os.path.getsize(os.path.join(directory, "report"))
            table.row(form, spread(seconds),
                      f"{size / 2**20:.1f} MiB")
