#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Show that nothing filtrace does, or that happens to it, hurts its target: a table, row by row.

Ends in one line of counts. FILTRACE names the program, beside which tests/soak is built.
"""

import argparse
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time
import traceback
from typing import Callable, NamedTuple

sys.dont_write_bytecode = True
os.environ.setdefault("DEADLINE_SECONDS", "120")  # rows load the machine themselves
sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import children
import corruptions
import endless
import hour
import kill_points
import life
import random_kills
import server
import stopped
from stage import allow_cores
from outcome import Outcome


class Row(NamedTuple):
    name: str
    function: Callable  # (Run) -> Outcome
    short: float  # the scale of the short form; 0: not in it
    full: str  # what scale 1 means


ROWS = (
    Row("kill-points", kill_points.run, 0.0025, "every step; every fifth on further Pythons"),
    Row("random-kills", random_kills.run, 0.015, "1000 kills"),
    Row("server", server.run, 0.01, "1000 attaches"),
    Row("stopped", stopped.run, 0.008, "10 minutes, 50 attaches"),
    Row("children", children.run, 0.004, "30 minutes"),
    Row("life", life.run, 0.004, "100 to 1000 rounds of each kind of life"),
    Row("corruptions", corruptions.run, 0.01, "10,000 corruptions in each of 5 layouts of CPython"),
    Row("endless", endless.run, 0.015, "4,000,000 samples on a million stacks, in two ways"),
    Row("hour", hour.run, 0, "an hour of a busy Flask server"),
)


class Run(NamedTuple):
    """What a row is told."""

    directory: str
    scale: float
    is_short: bool
    subject: str  # kill-points: only targets whose label holds this

    def say(self, text):
        print(f"  {text}", file=sys.stderr, flush=True)


def run_row(row, arguments):
    scale = row.short if arguments.short else arguments.scale
    directory = tempfile.mkdtemp(prefix=f"{row.name}-", dir=arguments.directory)
    load, start = os.getloadavg()[0], time.monotonic()
    try:
        outcome = row.function(Run(directory, scale, arguments.short, arguments.subject))
    except Exception:
        outcome = Outcome(traceback.format_exc(limit=-2))
        outcome.failed += 1
    print(f"{row.name:14} {outcome.passed:7} {outcome.failed:7} {outcome.skipped:8} "
          f"{time.monotonic() - start:6.0f} s {load:5.1f} {os.getloadavg()[0]:5.1f}  "
          f"{outcome.text}", flush=True)
    return outcome


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.RawTextHelpFormatter,
        epilog="\n".join(f"{row.name:14} {row.full}" for row in ROWS))
    parser.add_argument("--only", action="append", choices=[row.name for row in ROWS],
                        help="this row; may be given again")
    parser.add_argument("--scale", type=float, default=1, help="of all sizes (1)")
    parser.add_argument("--short", action="store_true", help="a sample of each row")
    parser.add_argument("--subject", default="",
                        help="of kill-points: only targets whose name holds this")
    parser.add_argument("--keep", help="a directory for what is left of failures")
    return parser.parse_args()


def run_rows(arguments):
    total = Outcome()
    print(f"{'row':14} {'passed':>7} {'failed':>7} {'skipped':>8} {'time':>8} {'load':>11}")
    for row in ROWS:
        if row.name in (arguments.only or [row.name]) and (row.short or not arguments.short):
            total += run_row(row, arguments)
    return total


def main():
    arguments = parse_arguments()
    allow_cores()
    # A shell starts what it runs in the background with this ignored, and rows send it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    arguments.directory = tempfile.mkdtemp(prefix="soak-", dir=arguments.keep)
    total = run_rows(arguments)
    if total.failed:
        print(f"what is left of the failures: {arguments.directory}", file=sys.stderr)
    else:
        shutil.rmtree(arguments.directory)
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
