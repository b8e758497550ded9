#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Run unit test programs, fuzzers and the end-to-end tests; end in one line of counts.

The last line is "N passed, N failed, N skipped". Exits with 1 if anything failed or nothing ran.
"""

import argparse
import os
import re
import shlex
import signal
import subprocess
import sys
from collections import Counter

from fuzzers import run_fuzzers

UNIT_SECONDS = 300
CMOCKA_COUNT = re.compile(r"^\[  (PASSED|FAILED|SKIPPED) *\] (\d+) test\(s\)", re.MULTILINE)


def run_unit(program):
    """Run one cmocka program; its counts. One that ends without a summary counts as failed."""
    try:
        finished = subprocess.run(
            [program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", timeout=UNIT_SECONDS)
        output, status = finished.stdout, finished.returncode
    except subprocess.TimeoutExpired as expired:
        output, status = f"{expired.output}\nno end within {UNIT_SECONDS} s", -1
    counts = Counter()
    for word, number in CMOCKA_COUNT.findall(output):
        counts[word.lower()] += int(number)
    if status != 0 and not counts["failed"] or not counts:
        counts["failed"] += 1
    if counts["failed"]:
        print(output)
    print(f"{program}: {summary(counts)}", flush=True)
    return counts


class Counting:
    """A pytest plugin: what came of each test."""

    def __init__(self):
        self.counts = Counter()

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome != "passed":
            self.counts[report.outcome] += 1

    def pytest_collectreport(self, report):
        if report.failed:
            self.counts["failed"] += 1


def run_e2e(directory, options):
    """Run pytest in this process; its counts."""
    import pytest

    plugin = Counting()
    status = pytest.main(
        [directory, "-q", "-rs", "--durations=5", "-p", "no:cacheprovider", *options],
        plugins=[plugin])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        plugin.counts["failed"] += 1
    return plugin.counts


def summary(counts):
    return ", ".join(f"{counts[word]} {word}" for word in ("passed", "failed", "skipped"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--unit", nargs="*", default=[], help="cmocka programs")
    parser.add_argument("--fuzz", nargs="*", default=[], help="fuzzers; a missing one is skipped")
    parser.add_argument("--fuzz-seconds", type=int, default=0,
                        help="for each fuzzer; otherwise a short run, the same each time")
    parser.add_argument("--e2e", help="directory of the end-to-end tests")
    parser.add_argument("--pytest", default="", help="further options of pytest")
    arguments = parser.parse_args()

    sys.dont_write_bytecode = True
    # A shell starts what it runs in the background with these ignored, and tests send them.
    for number in (signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    counts = Counter()
    for program in arguments.unit:
        counts += run_unit(os.path.abspath(program))
    counts += run_fuzzers(arguments.fuzz, arguments.fuzz_seconds)
    if arguments.e2e:
        counts += run_e2e(arguments.e2e, shlex.split(arguments.pytest))
    print(summary(counts))
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
