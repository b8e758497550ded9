#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What filtrace costs its target, as one table.

Slowdown: the same process before and during, in interleaved pairs, so that a machine whose speed
drifts does not matter; the ratio of each pair, and the median of the ratios. Target and filtrace
are both counted, in CPU time. Stops: how long all threads stood still at attach and detach, as
filtrace measured it. Memory: filtrace's own peak while it watches a busy server. Refresh: the live
view over large call trees.
"""

import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from interpreters import DEBIAN_PATH, SUPPORTED
from processes import FILTRACE, Filtrace, Target, start_traffic

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """User and system time of a living process."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def peak_mib(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return int(re.search(r"VmHWM:\s*(\d+)", status.read())[1]) / 1024


def row(what, *figures):
    print(f"{what:44}", *(f"{figure:>14}" for figure in figures), flush=True)


def start(name, directory, *arguments, python=DEBIAN_PATH, seconds=3600):
    target = Target(name, ["--seconds", seconds, *arguments], python, directory)
    target.wait_ready()
    return target


def slowdown(python, filtrace, directory, pairs, seconds):
    """Ratios of CPU time per iteration, during to before; and the samples a second."""
    target = start("loop.py", directory, python=python.path)
    ratios, rates = [], []
    for number in range(pairs + 1):
        free = target.ask(f"measure {seconds}")
        tracing = filtrace.record(target, "--force")
        before = cpu_seconds(tracing.process.pid)
        traced = target.ask(f"measure {seconds}")
        helper = (cpu_seconds(tracing.process.pid) - before) / traced["cpu_seconds"]
        assert tracing.interrupt().returncode == 0
        speed = traced["iterations_per_cpu_second"] / free["iterations_per_cpu_second"]
        if number:  # the first pair warms up
            ratios.append((1 + helper) / speed)
            rates.append(filtrace.report()["capture"]["stops_per_second"])
    target.end()
    return ratios, rates


def bench_slowdown(filtrace, directory, arguments):
    row("slowdown, small objects (tight loop)", "median", "lowest", "highest", "stops/s")
    for python in SUPPORTED:
        ratios, rates = slowdown(python, filtrace, directory, arguments.pairs, arguments.seconds)
        row(f"  CPython {python.label}", f"{statistics.median(ratios):.3f}", f"{min(ratios):.3f}",
            f"{max(ratios):.3f}", f"{statistics.median(rates):.0f}")


def stopped_ms(text):
    """The two figures that `filtrace record -v` prints at its end."""
    found = re.search(r"stood still for ([0-9.]+) ms at attach, ([0-9.]+) ms at detach", text)
    assert found, text
    return float(found[1]), float(found[2])


def bench_stops(filtrace, directory, arguments):
    target = start("busy.py", directory, "--threads", 8)
    figures = []
    for _ in range(arguments.attaches):
        tracing = filtrace.record(target, "--force", "-v")
        time.sleep(0.3)  # some stops and frees between attach and detach
        figures.append(stopped_ms(tracing.interrupt().stderr))
    target.end()
    row(f"all threads stopped, 8 busy, {arguments.attaches} times", "median", "95%", "highest")
    for name, values in zip(("attach", "detach"), zip(*figures)):
        values = sorted(values)
        row(f"  {name}", f"{statistics.median(values):.2f} ms",
            f"{values[int(len(values) * 0.95)]:.2f} ms", f"{values[-1]:.2f} ms")


def bench_memory(filtrace, directory, arguments):
    server = start("flask_leak.py", directory, seconds=arguments.serve + 60)
    traffic = start_traffic(server.facts["url"], arguments.serve, directory, rate=300)
    tracing = filtrace.record(server, "--force")
    before = peak_mib(tracing.process.pid)
    traffic.lines.next(arguments.serve + 60)
    after = peak_mib(tracing.process.pid)
    size = os.path.getsize(os.path.join(directory, "capture")) / (1 << 20)
    assert tracing.interrupt().returncode == 0
    traffic.kill()
    server.end()
    row(f"filtrace's own memory, Flask, {arguments.serve} s", "at attach", "peak", "capture")
    row("  resident", f"{before:.1f} MiB", f"{after:.1f} MiB", f"{size:.1f} MiB")


def bench_refresh(filtrace, directory, arguments):
    """The live view over made-up call trees; CPU time, on a terminal of 120x40."""
    program = pathlib.Path(FILTRACE).parent / "tests" / "bench" / "refresh"
    row("live view, per refresh", "describe", "rows", "draw", "sent")
    for nodes in (1_000, 100_000, 1_000_000):
        text = subprocess.run([program, str(nodes)], check=True, timeout=600, text=True,
                              stdout=subprocess.PIPE).stdout
        sent = re.search(r"sent: (\d+) bytes", text)[1]
        for page, *times in re.findall(
                r"\d+ (.+): describe (.+ ms), rows (.+ ms), draw (.+ ms)", text):
            row(f"  {nodes:,} nodes, {page}", *times, f"{sent} B" if page == "sites" else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=9, help="pairs for the slowdown (9)")
    parser.add_argument("--seconds", type=float, default=2, help="CPU time of one run (2)")
    parser.add_argument("--attaches", type=int, default=50, help="for the stops (50)")
    parser.add_argument("--serve", type=int, default=60, help="seconds under traffic (60)")
    parser.add_argument("--only", choices=("slowdown", "stops", "memory", "refresh"))
    arguments = parser.parse_args()
    parts = {"slowdown": bench_slowdown, "stops": bench_stops, "memory": bench_memory,
             "refresh": bench_refresh}
    with tempfile.TemporaryDirectory() as directory:
        for name, part in parts.items():
            if arguments.only in (None, name):
                part(Filtrace(directory), directory, arguments)


if __name__ == "__main__":
    main()
