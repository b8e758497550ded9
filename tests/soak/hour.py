# SPDX-License-Identifier: MIT
"""An hour of a busy Flask server in one capture: the size of its file, and how fast it is read."""

import os
import pathlib
import re
import subprocess
import time

from interpreters import DEBIAN_PATH
from outcome import Outcome
from processes import DEADLINE_SECONDS, FILTRACE, IS_SANITIZED
from stage import Stage

HOUR_SECONDS = 3600
RATE = 200  # requests a second, each of another page
PAGES_KEPT = 50_000  # or the machine would be full before the hour is over
FILE_BYTES_MAX = 20 << 20
REPORT_SECONDS_MAX = 1
BUCKETS_MAX = 1024  # profile/capture_past.c: then two and two are merged


def file_bytes(path):
    """What a capture takes while it is written."""
    return sum(os.stat(name).st_size for name in (path, f"{path}-wal") if os.path.exists(name))


def watch(tracing, path, seconds):
    """The size of the capture at each minute, and at the end."""
    sizes, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(max(0, min(60, end - time.monotonic())))
        assert tracing.process.poll() is None, tracing.process.stderr.read()
        sizes.append(file_bytes(path))
    return sizes


def measure_report(path):
    start = time.monotonic()
    subprocess.run([FILTRACE, "report", path], check=True, stdout=subprocess.DEVNULL,
                   timeout=DEADLINE_SECONDS)
    return time.monotonic() - start


def expected_bytes(size, seconds):
    """What a steady server's file comes to in an hour. Until there are as many buckets as there may
    be it grows evenly; from then on hardly, since merged ones make room."""
    return size * max(1, min(HOUR_SECONDS, BUCKETS_MAX) / seconds)


def record(stage, outcome, run):
    seconds = max(20, HOUR_SECONDS * run.scale)
    path = os.path.join(run.directory, "capture")
    life = seconds + 120
    server = stage.start("flask_leak.py", "--bounded", PAGES_KEPT, "--seconds", life,
                         python=DEBIAN_PATH)
    stage.traffic(server, seconds=life, rate=RATE)
    with outcome.guarded("a recording of an hour", run.directory):
        tracing = stage.filtrace.record(server)
        sizes = watch(tracing, path, seconds)
        finished = tracing.interrupt()
        assert finished.returncode == 0, finished.stderr
        size, expected = os.path.getsize(path), expected_bytes(os.path.getsize(path), seconds)
        slowest = max(measure_report(path) for _ in range(3))
        samples = re.search(r", (\S+( M)?) samples", finished.stderr.splitlines()[-1])[1]
        outcome.text = (f"{size / 2**20:.2f} MiB after {seconds / 60:.1f} min and {samples} "
                        f"samples, in an hour {expected / 2**20:.2f} MiB at most; report in "
                        f"{slowest:.2f} s; with its log at most {max(sizes) / 2**20:.1f} MiB")
        assert expected <= FILE_BYTES_MAX, outcome.text
        assert IS_SANITIZED or slowest < REPORT_SECONDS_MAX, outcome.text


def run(run):
    """A server that answers 200 requests a second, and keeps what it made for the last of them."""
    outcome = Outcome()
    if subprocess.run([DEBIAN_PATH, "-c", "import flask"], stderr=subprocess.DEVNULL).returncode:
        outcome.skipped += 1
        outcome.text = "skipped: flask not installed"
        return outcome
    stage = Stage(pathlib.Path(run.directory))
    try:
        record(stage, outcome, run)
    finally:
        problems = stage.end()
    with outcome.guarded("the server's end", run.directory):
        assert not problems, "\n".join(problems)
    return outcome
