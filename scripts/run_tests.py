#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Run unit test programs, fuzzers and the end-to-end tests; end in one line of counts.

The last line is "N passed, N failed, N skipped". Exits with 1 if anything failed or nothing ran.

Tests mostly wait, so they run in lanes: some test programs or files at a time, in the order of a
queue. What one of them prints is held back until it ends. A test that measures time or load is
marked `@pytest.mark.alone`, and runs when the lanes are done.
"""

import argparse
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from fuzzers import run_fuzzers
from sanitizers import Reports

UNIT_SECONDS = 300
FILE_SECONDS = 3600  # a file of end-to-end tests; the tests have deadlines of their own
CMOCKA_COUNT = re.compile(r"^\[  (PASSED|FAILED|SKIPPED) *\] (\d+) test\(s\)", re.MULTILINE)
LAST_LINE = re.compile(r"(\d+) passed, (\d+) failed, (\d+) skipped\n*\Z")

# The longest files go first, so that no lane has much to do when the others have ended; those that
# mostly wait go beside those that compute.
FIRST = ("test_leak.py", "test_tracemalloc.py", "test_exact.py", "test_record_files.py",
         "test_runtimes.py", "test_stop_trap.py", "test_neighbours.py", "test_check.py",
         "test_hardened.py", "test_allocators.py", "test_detach.py", "test_tui.py")


def summary(counts):
    return ", ".join(f"{counts[word]} {word}" for word in ("passed", "failed", "skipped"))


def status_of(counts):
    return 1 if counts["failed"] or not counts["passed"] else 0


def counts_of(output, status):
    """What a program's last line says, which its exit status must agree with. Else it died."""
    found = LAST_LINE.search(output)
    counts = Counter(dict(zip(("passed", "failed", "skipped"), map(int, found.groups())))
                     if found else {})
    if not found or status != status_of(counts):
        counts["failed"] += 1
    return counts


def run_in_lanes(run, items, lanes):
    """Call run(item) for each, some at a time; print what each has to say when it ends."""
    counts = Counter()
    pool = ThreadPoolExecutor(lanes)
    try:
        for future in as_completed([pool.submit(run, item) for item in items]):
            one, text = future.result()
            print(text, flush=True)
            counts += one
    finally:
        pool.shutdown(cancel_futures=True)
    return counts


def run_program(command, seconds):
    """(output, exit status) of a program; one that does not end in time is ended: status -1."""
    try:
        finished = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", timeout=seconds)
        return finished.stdout, finished.returncode
    except subprocess.TimeoutExpired as expired:
        said = (expired.output or b"").decode(errors="replace")
        return f"{said}\nno end within {seconds} s", -1


def run_unit(program):
    """Run one cmocka program; its counts, and what to print. One that ends without a summary
    counts as failed."""
    output, status = run_program([os.path.abspath(program)], UNIT_SECONDS)
    counts = Counter()
    for word, number in CMOCKA_COUNT.findall(output):
        counts[word.lower()] += int(number)
    if status != 0 and not counts["failed"] or not counts:
        counts["failed"] += 1
    text = f"{program}: {summary(counts)}"
    return counts, f"{output}\n{text}" if counts["failed"] else text


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


def run_pytest(path, options):
    """Run pytest in this process; its counts. That nothing was to be run is for others to judge."""
    import pytest

    plugin = Counting()
    status = pytest.main([path, "-q", "-rs", "-p", "no:cacheprovider", *options], plugins=[plugin])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED,
                      pytest.ExitCode.NO_TESTS_COLLECTED):
        plugin.counts["failed"] += 1
    return plugin.counts


def run_file(path, options):
    """Run the tests of one file in a process of their own; as run_unit()."""
    command = [sys.executable, "-B", __file__, "--pytest-only", str(path), "--pytest",
               shlex.join(options)]
    start = time.monotonic()
    output, status = run_program(command, FILE_SECONDS)
    counts = counts_of(output, status)
    text = LAST_LINE.sub("", output).rstrip("\n")
    return counts, f"{text}\n{path}: {summary(counts)} in {time.monotonic() - start:.0f} s"


def in_order(directory):
    """The files of tests, as they are to be queued."""
    places = {name: place for place, name in enumerate(FIRST)}
    return sorted(Path(directory).glob("test_*.py"),
                  key=lambda path: (places.get(path.name, len(places)), path.name))


def run_e2e(directory, options, lanes):
    """Run all files in lanes, then the tests that must be alone; their counts."""
    scratch = tempfile.mkdtemp(prefix="filtrace-e2e-")  # pytest itself keeps too few directories

    def run(path, mark, name):
        return run_file(path, ["-m", mark, "--basetemp", os.path.join(scratch, name), *options])

    files = in_order(directory)
    measuring = [path for path in files if "mark.alone" in path.read_text(encoding="utf-8")]
    counts = run_in_lanes(lambda path: run(path, "not alone", path.stem), files, lanes)
    counts += run_in_lanes(lambda path: run(path, "alone", f"{path.stem}-alone"), measuring, 1)
    if not counts:
        counts["failed"] += 1
    if counts["failed"]:
        print(f"what is left of the failures: {scratch}")
    else:
        shutil.rmtree(scratch)
    return counts


def run_soak(program):
    """Run the short form of the soak, which prints a table; its counts."""
    process = subprocess.Popen(
        [sys.executable, "-B", program, "--short"], stdout=subprocess.PIPE, text=True)
    line = ""
    for line in process.stdout:
        print(line, end="", flush=True)
    return counts_of(line, process.wait())


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--unit", nargs="*", default=[], help="cmocka programs")
    parser.add_argument("--fuzz", nargs="*", default=[], help="fuzzers; a missing one is skipped")
    parser.add_argument("--fuzz-seconds", type=int, default=0,
                        help="for each fuzzer; otherwise a short run, the same each time")
    parser.add_argument("--e2e", help="directory of the end-to-end tests, to be run in lanes")
    parser.add_argument("--pytest-only", help="tests to be run here and now: no lanes")
    parser.add_argument("--soak", help="the soak's program, for its short form")
    parser.add_argument("--lanes", type=int, default=2, help="so many at a time (2)")
    parser.add_argument("--pytest", default="", help="further options of pytest")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    sys.dont_write_bytecode = True
    # A shell starts what it runs in the background with these ignored, and tests send them.
    for number in (signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    options = shlex.split(arguments.pytest)
    counts = run_fuzzers(arguments.fuzz, arguments.fuzz_seconds)
    with Reports() as reports:
        counts += run_in_lanes(run_unit, arguments.unit, arguments.lanes)
        if arguments.e2e:
            counts += run_e2e(arguments.e2e, options, arguments.lanes)
        if arguments.pytest_only:
            counts += run_pytest(arguments.pytest_only, options)
        if arguments.soak:
            counts += run_soak(arguments.soak)
    counts += reports.tell()
    print(summary(counts))
    return status_of(counts)


if __name__ == "__main__":
    sys.exit(main())
