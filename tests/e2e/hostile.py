# SPDX-License-Identifier: MIT
"""A target that lies, and what filtrace must never do about it.

The functions here are the tests of test_hostile.py at any length: the soak has many targets go
through corrupt().
"""

import itertools
import json
import os
import re
import sqlite3
import subprocess
import time
import unicodedata

from processes import FILTRACE, IS_SANITIZED, Lines, Target, wait_until

HOSTILE = os.path.join(os.path.dirname(FILTRACE), "fixtures", "hostile")
MINORS = (8, 9, 10, 11, 12)

# enum mischief of fixtures/hostile/hostile.h
STRUCTURES, SHARED, JOURNAL, OFFER, FILES, NAMES, THREAD_LIST, FRESH_NAMES, POSTS = (
    1 << n for n in range(9))

# In whatever comes from the target, the mark of what would do something to a terminal.
MARK = "977"
COMMAND = [b"\x1b[977mred", b"\x1b]0;977\x07", "\u202egnp\u2066".encode(), b"\xff\xfe\xed\xa0\x80",
           b"</script><script>alert(977)</script>", b"two\nlines", b"", b"\xc2\x9b977m",
           b"x" * 3000]

# filtrace may refuse such a target, or stop early; it never fails in a way of its own.
STATUSES = {0, 3, 4, 5, 6, 7}
RSS_MAX_KIB = 400 * 1024


class Hostile(Target):
    """fixtures/hostile, which is a program of its own."""

    def __init__(self, directory, seed=1, minor=11, seconds=300):
        self.name = "hostile"
        command = [HOSTILE, str(seed), str(minor), str(seconds), *COMMAND]
        directory.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            command, cwd=directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pid = self.process.pid
        self.lines = Lines(self.process.stdout)
        self.facts = {}
        self.has_ended = False
        self.wait_ready()

    def do(self, *bits):
        """Do these mischiefs from now on, and no others."""
        self.ask(f"mischief {sum(bits)}")

    def corruptions(self):
        return self.ask("corruptions")


def harmful(text):
    """The characters in a text that a terminal or a reader could be misled by."""
    return sorted({c for c in text if c != "\n" and (
        unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or
        unicodedata.bidirectional(c) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI",
                                         "PDI") or c in "\u200e\u200f\u061c")})


def strings_in(value):
    """Every text of a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from strings_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings_in(item)


def refuse_constant(name):
    raise AssertionError(f"{name} is no JSON")


def check_messages(stderr):
    """Every line is filtrace's own."""
    text = stderr.decode()  # raises on what is not UTF-8
    assert harmful(text) == [], text
    for line in text.splitlines():
        assert line.startswith("filtrace: "), text


def check_status(finished):
    """It ended by itself, and not by a fault of its own."""
    stderr = finished.stderr.decode(errors="replace")
    assert "Sanitizer" not in stderr and "runtime error" not in stderr, stderr
    assert finished.returncode in STATUSES, f"status {finished.returncode}: {stderr}"


def check_database(path):
    """Whoever opens a capture with another program finds text in it."""
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    for table, in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
        for row in database.execute(f'SELECT * FROM "{table}"'):  # raises on what is not UTF-8
            assert all(value is not None for value in row), (table, row)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def run_report(path, *options):
    finished = subprocess.run(
        [FILTRACE, "report", path, *options], stdin=subprocess.DEVNULL, capture_output=True,
        timeout=60)
    assert finished.returncode == 0, finished.stderr
    check_messages(finished.stderr)
    return finished.stdout.decode()


def check_reports(path):
    """All that can be made of a capture is harmless; returns the JSON."""
    check_database(path)
    text = run_report(path, "-f", "text")
    assert harmful(text) == []
    assert all(len(line) < 200 for line in text.splitlines())
    report = json.loads(run_report(path, "-f", "json"), parse_constant=refuse_constant)
    for string in strings_in(report):
        assert harmful(string) == [] and "\n" not in string, repr(string)
    return report


def peak_rss_kib(pid):
    """VmHWM of a process that runs."""
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as status:
        found = re.search(r"VmHWM:\s+(\d+)", status.read())
    return int(found.group(1)) if found else 0


numbers = itertools.count()


class Recording:
    """`filtrace record` of a hostile target, with a limit to its time and to its memory."""

    def __init__(self, target, directory, seconds, *options):
        self.path = str(directory / f"capture-{next(numbers)}")
        self.deadline = time.monotonic() + 60 + seconds
        self.rss_kib = 0
        command = [FILTRACE, "record", "-p", str(target.pid), "-o", self.path, "--force",
                   "-d", str(seconds), "--sample-bytes", "1", *options]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def is_over(self):
        if self.process.poll() is not None:
            return True
        self.rss_kib = max(self.rss_kib, peak_rss_kib(self.process.pid))
        return False

    def finish(self):
        """Wait for the end; assert that nothing has gone wrong."""
        try:
            wait_until(self.is_over, "end of filtrace", self.deadline - time.monotonic(), 0.05)
        finally:
            self.process.kill()
        stdout, stderr = self.process.communicate()
        finished = subprocess.CompletedProcess([], self.process.returncode, stdout, stderr)
        check_status(finished)
        check_messages(stderr)
        assert IS_SANITIZED or self.rss_kib < RSS_MAX_KIB, f"{self.rss_kib} KiB"
        return finished


def record(target, directory, seconds, *mischiefs):
    """Record a target that begins with its mischiefs once it is trusted. Returns the report."""
    target.do()
    recording = Recording(target, directory, seconds)
    wait_until(lambda: recording.is_over() or os.path.exists(recording.path), "attach")
    time.sleep(0.1)  # no readiness: some honest stops
    target.do(*mischiefs)
    finished = recording.finish()
    print(finished.stderr.decode())
    target.do()
    if finished.returncode == 7:  # a thread did not stop in time, for instance: now none of it lies
        assert Recording(target, directory, 0.05).finish().returncode == 0
    if finished.returncode not in (0, 5, 7):
        return None
    return check_reports(recording.path) if os.path.exists(recording.path) else None


def attach_often(target, directory, times, *mischiefs):
    """Attach and detach while the mischiefs are going on. Returns the statuses."""
    target.do(*mischiefs)
    statuses = []
    for _ in range(times):
        statuses.append(Recording(target, directory, 0.05).finish().returncode)
    target.do()
    return statuses


def count_read(target, directory, seconds, *mischiefs):
    """Record corrupt structures. Returns how many corruptions were read, each by one stop."""
    before = target.corruptions()
    report = record(target, directory, seconds, *mischiefs)
    made = target.corruptions() - before
    return min(made, report["capture"]["samples"]) if report else 0


def corrupt(directory, seed, minor, seconds):
    """Record a hostile interpreter, and once more while it also posts stops that never were.
    Returns how many corruptions were read; of the second time it cannot be told."""
    target = Hostile(directory, seed, minor)
    try:
        done = count_read(target, directory, seconds, STRUCTURES, NAMES)
        record(target, directory, seconds, STRUCTURES, NAMES, SHARED)
        target.end()
    finally:
        target.kill()
    return done
