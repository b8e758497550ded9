# SPDX-License-Identifier: MIT
"""The tools that are measured side by side: how each begins, ends, and tells where the leak is.

PEERS is the table. Kinds: ATTACH joins a running target, INSIDE is switched on in the target by
itself, LAUNCH starts the target.
"""

import functools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
from typing import Callable, NamedTuple

import machine
import packages
import processes
from processes import Filtrace

OURS = ("nothing", "filtrace")
ATTACH, INSIDE, LAUNCH = "attach", "inside", "launch"
STREAM, SUMMARY = "every allocation", "a summary"
TOOL_SECONDS = 60
NO_PYTHON = "no: no Python frames"
COMPLAINT = re.compile(r"Couldn't|not permitted|[Cc]annot|Error:")

MEMRAY_TOP = """
import collections, json, sys
import memray

sizes = collections.Counter()
for record in memray.FileReader(sys.argv[1]).get_leaked_allocation_records(merge_threads=True):
    frames = record.stack_trace(1)
    if frames:
        sizes[frames[0][1:]] += record.size
json.dump([place for place, _ in sizes.most_common(1)], sys.stdout)
"""


class Stage(NamedTuple):
    """Where a tool works: its directory, and what it looks at."""

    directory: pathlib.Path
    subject: object  # None if it is to be started by the tool

    @property
    def capture(self):
        return self.directory / "capture"


class Peer(NamedTuple):
    name: str
    kind: str
    why_not: Callable  # () -> why it cannot be had, or ""
    start: Callable  # ATTACH, INSIDE: (stage) -> its process, or None. LAUNCH: (stage) -> command
    stop: Callable  # (stage, process); not of LAUNCH, which ends with its target
    top: Callable  # (stage) -> places [file, line] it shows first, or why it names none
    writes: str = SUMMARY

    @property
    def is_ours(self):
        """Must not fail, and is measured more often."""
        return self.name in OURS


def tool(*command):
    """Run a tool's command; its output. If it is too slow, it is ended with all it started."""
    with subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          start_new_session=True) as process:
        try:
            text, problems = process.communicate(timeout=TOOL_SECONDS)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    assert process.returncode == 0, " ".join(map(str, command[1:4])) + ": " + complaint(
        problems + text)
    return text


def complaint(text):
    """What a failed tool said that tells most: a line about an error, or its last one."""
    lines = text.strip().splitlines() or ["it said nothing"]
    telling = [line for line in lines if COMPLAINT.search(line)]
    return (telling or lines)[0 if telling else -1].strip()[:100]


def program(name):
    return lambda: "" if shutil.which(name) else f"no {name} here"


def package(name):
    return lambda: packages.install(name)


def in_venv(name):
    return packages.DIRECTORY / "bin" / name


# -- filtrace --

def filtrace_start(stage, *options):
    return Filtrace(stage.directory).record(stage.subject, "-v", "--force", *options)


def filtrace_stop(_stage, tracing):
    finished = tracing.interrupt()
    assert finished.returncode == 0, finished.stderr
    return finished


def filtrace_top(stage):
    """Of the lines of Python, what keeps most and what grows fastest."""
    sites = [site for site in Filtrace(stage.directory).report()["sites"] if site["line"]]
    tops = [max(sites, key=lambda site: site[figure]) for figure in
            ("live_bytes", "growth_bytes_per_second") if sites]
    return [[top["file"], top["line"]] for top in tops]


# -- tracemalloc --

def tracemalloc_of(frames):
    def start(stage):
        stage.subject.ask(f"tracemalloc {frames}")

    def stop(stage, _process):
        stage.subject.ask("tracemalloc 0")

    return Peer(f"tracemalloc, {frames} frame{'s' * (frames > 1)}", INSIDE, lambda: "", start,
                stop, lambda stage: [stage.subject.ask("top")])


# -- memray --

def memray_with(name, *options):
    def start(stage):
        tool(in_venv("memray"), "attach", "--method", memray_debugger()[0], *options, "-f", "-o",
             stage.capture, stage.subject.pid)

    def stop(stage, _process):
        tool(in_venv("memray"), "detach", "--method", memray_debugger()[0], stage.subject.pid)

    return Peer(name, ATTACH, lambda: packages.install("memray") or memray_debugger()[1], start,
                stop, memray_top, STREAM)


@functools.lru_cache(None)
def memray_debugger():
    """The debugger with which it can attach here, found by trying; and why none can."""
    problems = []
    for name in ("gdb", "lldb"):
        try:
            assert shutil.which(name), f"no {name} here"
            rehearse(name)
            return name, ""
        except (AssertionError, subprocess.TimeoutExpired) as problem:
            problems.append(str(problem))
    return None, "; ".join(problems)


def rehearse(debugger):
    """Let memray attach to a program that does little."""
    program = "while True: [str(n) for n in range(1000)]"
    with tempfile.TemporaryDirectory() as directory, subprocess.Popen(
            [packages.PYTHON, "-c", program], stderr=subprocess.DEVNULL) as target:
        try:
            processes.wait_until(lambda: machine.cpu_seconds(target.pid) > 0.3, "a busy program")
            tool(in_venv("memray"), "attach", "--verbose", "--method", debugger, "-o",
                 pathlib.Path(directory) / "capture", target.pid)
        finally:
            target.kill()


def memray_top(stage):
    return json.loads(tool(packages.PYTHON, "-c", MEMRAY_TOP, stage.capture))


# -- those that start the target --

def heaptrack_start(stage):
    """Later ones would show what they recorded, if not told otherwise."""
    options = [option for option in ("--record-only",) if option in tool("heaptrack", "--help")]
    return ["heaptrack", *options, "-o", str(stage.capture), str(packages.PYTHON)]


def fil_start(stage):
    return [str(in_venv("fil-profile")), "--no-browser", "-o", str(stage.capture), "run"]


def fil_top(stage):
    """The line that kept most at the peak, in collapsed stacks."""
    sizes = {}
    for profile in stage.capture.glob("*/peak-memory.prof"):
        for line in profile.read_text(encoding="utf-8").splitlines():
            found = re.search(r"([^;]+):(\d+) \([^;]*\) (\d+)$", line)
            if found:
                place = found[1], int(found[2])
                sizes[place] = sizes.get(place, 0) + int(found[3])
    return [list(place) for place in sorted(sizes, key=sizes.get)[-1:]]


def scalene_start(stage):
    return [str(in_venv("scalene")), "run", "-o", f"{stage.capture}.json"]


def scalene_top(stage):
    capture = pathlib.Path(f"{stage.capture}.json")
    files = json.loads(capture.read_text(encoding="utf-8"))["files"]
    lines = [(line["n_growth_mb"], name, line["lineno"]) for name, file in files.items()
             for line in file["lines"]]
    return [list(place) for _, *place in sorted(lines)[-1:]]


def end_with_target(_stage, _process):
    """There is nothing to stop."""


PEERS = [
    Peer("nothing", INSIDE, lambda: "", lambda stage: None, end_with_target,
         lambda stage: "-"),
    Peer("filtrace", ATTACH, lambda: "", filtrace_start, filtrace_stop, filtrace_top),
    tracemalloc_of(1),
    tracemalloc_of(25),
    memray_with("memray"),
    memray_with("memray, Python's", "--trace-python-allocators"),
    Peer("heaptrack", LAUNCH, program("heaptrack"), heaptrack_start, end_with_target,
         lambda stage: NO_PYTHON, STREAM),
    Peer("Fil", LAUNCH, package("filprofiler"), fil_start, end_with_target, fil_top),
    Peer("scalene", LAUNCH, package("scalene"), scalene_start, end_with_target, scalene_top),
]
