# SPDX-License-Identifier: MIT
"""Of filtrace alone: its cost under each interpreter, its own memory, and its live view."""

import os
import pathlib
import re
import statistics
import subprocess
import tempfile

import machine
from compare import MIB, measure_pairs
from interpreters import DEBIAN_PATH, SUPPORTED
from peers import PEERS
from processes import BUILD, Filtrace, Target, start_traffic
from stopped import told
from subjects import WORKLOADS
from table import spread

FILTRACE_PEER = next(peer for peer in PEERS if peer.name == "filtrace")
VERSION_PAIRS = 3
REFRESH_NODES = (1_000, 100_000, 1_000_000)


def stop_figures(pairs):
    """How long stops took, in the median of all runs; and the longest of all."""
    stops = [told(pair.told.stderr)[0] for pair in pairs]
    return [f"{statistics.median([stop.p50 for stop in stops]) * 1e6:.0f} us",
            f"{statistics.median([stop.p99 for stop in stops]) * 1e6:.0f} us",
            f"{max(stop.longest for stop in stops) * 1e3:.2f} ms"]


def stop_rate(pairs):
    rates = [told(pair.told.stderr)[0].count / pair.during.wall_seconds for pair in pairs]
    return f"{statistics.median(rates):.0f}"


def bench_versions(_python, settings, table):
    table.part("filtrace, small objects", "CPU, target and tool", "by the clock", "stops/s",
               "a stop: median", "99%", "longest")
    workload = WORKLOADS[0]
    for python in SUPPORTED:
        pairs, _ = measure_pairs(FILTRACE_PEER, workload, python,
                                 min(settings.pairs, VERSION_PAIRS), settings.seconds)
        table.row(f"CPython {python.label}", spread([pair.cpu for pair in pairs]),
                  spread([pair.wall for pair in pairs]), stop_rate(pairs), *stop_figures(pairs))


def bench_memory(_python, settings, table):
    """A server that is busy, but not as busy as can be."""
    with tempfile.TemporaryDirectory() as directory:
        server = Target("flask_leak.py", ["--seconds", settings.serve + 60], DEBIAN_PATH, directory)
        filtrace = Filtrace(directory)
        traffic = None
        try:
            server.wait_ready()
            traffic = start_traffic(server.facts["url"], settings.serve, directory, rate=300)
            tracing = filtrace.record(server, "--force")
            before = machine.peak_bytes(tracing.process.pid)
            traffic.lines.next(settings.serve + 60)
            after = machine.peak_bytes(tracing.process.pid)
            size = os.path.getsize(os.path.join(directory, "capture"))
            assert tracing.interrupt().returncode == 0
            server.end()
        finally:
            for process in filter(None, (traffic, server)):
                process.kill()
            filtrace.end_all()
    table.part(f"filtrace's own memory, {settings.serve} s", "at attach", "peak", "capture")
    table.row("Flask, 300 requests/s",
              *(f"{value / MIB:.2f} MiB" for value in (before, after, size)))


def bench_refresh(_python, _settings, table):
    """The live view over made-up call trees; CPU time, on a terminal of 120x40."""
    program = pathlib.Path(BUILD) / "tests" / "bench" / "refresh"
    table.part("live view, per refresh", "describe", "rows", "draw", "together", "sent")
    for nodes in REFRESH_NODES:
        text = subprocess.run([program, str(nodes)], check=True, timeout=600, text=True,
                              stdout=subprocess.PIPE).stdout
        sent = re.search(r"sent: (\d+) bytes", text)[1]
        for page, *times in re.findall(
                r"\d+ (.+): describe (.+ ms), rows (.+ ms), draw (.+ ms), together (.+ ms)", text):
            table.row(f"{nodes:,} nodes, {page}", *times, f"{sent} B" if page == "sites" else "")
