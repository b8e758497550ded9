# SPDX-License-Identifier: MIT
"""Tools side by side, over kinds of work: what each costs, and whether it finds the leaking line.

Of each pair of runs, one is without and one with the tool. A tool that attaches gets a new target
for each pair: the same process during, and before and after, which count together, for a program
does not stay as fast as it was. For a tool that starts the program, two targets run in turn. Cost
is what an iteration took with the tool to what it took without: in CPU time of target and tool
together, and by the clock.
"""

import functools
import pathlib
import subprocess
import tempfile
import time
from typing import NamedTuple

import machine
from peers import ATTACH, INSIDE, LAUNCH, STREAM, Stage
from processes import Missing
from table import median, spread

MIB = 1 << 20
HARMFUL = set()  # names of peers that failed to detach


class Pair(NamedTuple):
    """One run with a tool, compared with one without."""

    cpu: float  # ratios, during to before
    wall: float
    before: object  # Speeds
    during: object
    attach_gap: float = None  # seconds
    detach_gap: object = None  # seconds, or what went wrong
    target_bytes: int = 0  # that the target has more
    tool_bytes: int = 0  # peak of the tool's own processes
    capture_bytes: int = 0
    is_found: object = None  # or a reason
    told: object = None  # what the tool's stop returned


def tool_processes(subject, process):
    """The processes that are the tool's, not the target's."""
    root = process.process.pid if process else subject.process.pid
    return [pid for pid in machine.tree(root) if pid != subject.pid]


def compare(before, during, tool_cpu_seconds, **others):
    def per_iteration(speed, seconds):
        return seconds / speed.iterations

    cpu = (per_iteration(during, during.cpu_seconds + tool_cpu_seconds)
           / per_iteration(before, before.cpu_seconds))
    wall = (per_iteration(during, during.wall_seconds)
            / per_iteration(before, before.wall_seconds))
    return Pair(cpu, wall, before, during, **others)


def together(before, after):
    """Two runs as one."""
    if after is None:
        return before
    p99 = before.p99_seconds and (before.p99_seconds + after.p99_seconds) / 2
    return before._replace(iterations=before.iterations + after.iterations,
                           cpu_seconds=before.cpu_seconds + after.cpu_seconds,
                           wall_seconds=before.wall_seconds + after.wall_seconds,
                           p99_seconds=p99)


def size_of(path):
    """Of a file, its companions, or a directory."""
    files = [file for found in path.parent.glob(path.name + "*")
             for file in ([found] if found.is_file() else found.rglob("*"))]
    return sum(file.stat().st_size for file in files if file.is_file())


def is_leak(top, leak):
    return top if isinstance(top, str) else leak in top


class Traced(NamedTuple):
    """What is seen of a run with a tool, before that ends."""

    speed: object
    cpu_seconds: float
    tool_bytes: int


def run_traced(measure, subject, process):
    pids = tool_processes(subject, process)

    def spent():
        return sum(map(machine.cpu_seconds, pids))

    before = spent()
    speed = measure(subject)
    return Traced(speed, spent() - before, sum(map(machine.peak_bytes, pids)))


def pair_attached(peer, start, measure, directory):
    """The same process before, during and after."""
    subject = start()
    process = None
    try:
        stage = Stage(directory, subject)
        before = measure(subject)
        kept_out = subject.kept_out()
        attach_gap, process = subject.longest_gap(lambda: peer.start(stage))
        traced = run_traced(measure, subject, process)
        kept_out = subject.kept_out() - kept_out
        leak = subject.ask("leak")
        top = peer.top(stage) if peer.kind == INSIDE else None
        detach_gap, told, after = detach(peer, stage, process, measure)
        top = top or ask_top(peer, stage)
    finally:
        subject.kill()
        if process and process.process.poll() is None:
            process.kill()
    return compare(together(before, after), traced.speed, traced.cpu_seconds, attach_gap=attach_gap,
                   detach_gap=detach_gap, target_bytes=kept_out, tool_bytes=traced.tool_bytes,
                   capture_bytes=size_of(stage.capture), is_found=is_leak(top, leak), told=told)


def detach(peer, stage, process, measure):
    """End a tool, and the target: the longest gap meanwhile, or what went wrong; what stop() gave;
    the speed after that, if there is one.

    A peer that fails in this has been measured before. It is not asked for it again: its targets
    end with it.
    """
    gap = told = after = None
    try:
        if peer.name not in HARMFUL:
            gap, told = stage.subject.longest_gap(lambda: peer.stop(stage, process))
            after = measure(stage.subject)
        stage.subject.end()
    except Exception as error:
        if peer.is_ours:
            raise
        HARMFUL.add(peer.name)
        return stage.subject.fate() or first_line(error), None, None
    return gap, told, after


def ask_top(peer, stage):
    """The lines that a tool names, which it may be unable to if it failed."""
    try:
        return peer.top(stage)
    except AssertionError:
        if peer.is_ours:
            raise
        return "not told"


def pair_launched(peer, start, measure, directory):
    """One process without and one with the tool, measured in turn."""
    free = start()
    try:
        stage = Stage(directory, None)
        subject = start(command=peer.start(stage))
        try:
            before = measure(free)
            traced = run_traced(measure, subject, None)
            kept_out = subject.kept_out() - free.kept_out()
            leak = subject.ask("leak")
            subject.end()
        finally:
            end_tree(subject)
        free.end()
    finally:
        free.kill()
    return compare(before, traced.speed, traced.cpu_seconds, target_bytes=kept_out,
                   tool_bytes=traced.tool_bytes, capture_bytes=size_of(stage.capture),
                   is_found=is_leak(peer.top(stage), leak))


def end_tree(subject):
    """End what a tool has started, too, if the tool would not."""
    if subject.is_running():
        for pid in machine.tree(subject.process.pid)[:0:-1]:
            subprocess.run(["kill", "-KILL", str(pid)], check=False)
    subject.kill()


def measure_pairs(peer, workload, python, count, seconds, arguments=()):
    """So many pairs, each with new processes in a directory of its own; and why others failed."""
    measure = functools.partial(workload.measure, seconds=seconds)
    pair = pair_launched if peer.kind == LAUNCH else pair_attached
    pairs, problems = [], []
    for _ in range(count):
        with tempfile.TemporaryDirectory() as name:
            directory = pathlib.Path(name)
            start = functools.partial(workload.start, python, directory, arguments)
            try:
                pairs.append(pair(peer, start, measure, directory))
            except Missing:
                raise
            except Exception as error:  # whatever befalls a peer is not to end the others
                if peer.is_ours:
                    raise
                problems.append(first_line(error))
    return pairs, problems


# -- rows --

def columns(is_service):
    last = ("requests/s", "p99 before, during") if is_service else ()
    return ("CPU, target and tool", "by the clock", "attach", "detach", "in the target",
            "tool itself", "capture", "leaking line", *last)


def figures(peer, pairs, is_service):
    def known(name):
        return [getattr(pair, name) for pair in pairs]

    def gap(name):
        gaps = [value for value in known(name) if value is not None]
        wrong = [value for value in gaps if isinstance(value, str)]
        if wrong:
            return f"{wrong[0]}, {len(wrong)} of {len(gaps)}"
        if not gaps and peer.kind == ATTACH:
            return "not tried again"
        return median([value * 1e3 for value in gaps], "{:.1f} ms")

    def mib(values):
        return median([value / MIB for value in values], "{:.1f} MiB")

    result = [spread(known("cpu")), spread(known("wall")), gap("attach_gap"), gap("detach_gap"),
              mib(known("target_bytes")), mib(known("tool_bytes")), capture(peer, pairs),
              found(known("is_found"))]
    return [*result, *service_figures(pairs)] if is_service else result


def capture(peer, pairs):
    """What a stream of allocations comes to in a minute; else what is written at the end."""
    if not any(pair.capture_bytes for pair in pairs):
        return "-"
    scales = [60 / pair.during.wall_seconds if peer.writes == STREAM else 1 for pair in pairs]
    return median([pair.capture_bytes / MIB * scale for pair, scale in zip(pairs, scales)],
                  "{:.2f} MiB" + ("/min" if peer.writes == STREAM else ""))


def service_figures(pairs):
    rates = [pair.during.iterations / pair.during.wall_seconds
             / (pair.before.iterations / pair.before.wall_seconds) for pair in pairs]
    p99 = [median([getattr(pair, name).p99_seconds * 1e3 for pair in pairs], "{:.1f}")
           for name in ("before", "during")]
    return [f"x {spread(rates)}", f"{p99[0]}, {p99[1]} ms"]


def found(answers):
    if all(isinstance(answer, str) for answer in answers):
        return answers[0]
    return f"{sum(answer is True for answer in answers)} of {len(answers)}"


def bench_workload(workload, peers, python, settings, table):
    """One table: a row for each tool."""
    is_service = workload.is_service
    table.part(f"{workload.key} {workload.title}", *columns(is_service))
    for peer in peers:
        start = time.monotonic()
        why_not = peer.why_not()
        if why_not:
            table.row(peer.name, f"skipped: {why_not}")
            continue
        count, seconds = ((settings.pairs, settings.seconds) if peer.is_ours else
                          (settings.peer_pairs, settings.peer_seconds))
        try:
            pairs, problems = measure_pairs(peer, workload, python, count, seconds)
        except Missing as missing:
            table.note(f"  {workload.key} is skipped: {missing}")
            return
        if pairs:
            table.row(peer.name, *figures(peer, pairs, is_service))
        if problems:
            table.row(peer.name, f"failed {len(problems)} of {count} times: {problems[0]}")
        settings.log(f"{peer.name}: {time.monotonic() - start:.1f} s")


def first_line(error):
    return (str(error).strip() or type(error).__name__).splitlines()[0][:120]
