# SPDX-License-Identifier: MIT
"""Other tools on the same process and the same C library, in any order: nobody is harmed, and what
was counted is right.

A uprobe stands in every process that has the file mapped: so the target has a libc of its own.
"""

import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from checks import EVERY_BLOCK, assert_equals_truth
from images import assert_left_alone, changed_code, mappings, read_memory
from processes import FILTRACE, Lines, wait_until

UPROBE = os.path.join(os.path.dirname(FILTRACE), "fixtures", "uprobe")
PROBED = ("malloc", "free", "calloc", "realloc")
INT3 = b"\xcc"


def need(tool):
    path = shutil.which(tool)
    if not path:
        pytest.skip(f"{tool} is not installed")
    return path


def libc_of(pid):
    """(path, address of the file's first byte) of the target's libc."""
    return next((m.path, m.start - m.offset) for m in mappings(pid)
                if os.path.basename(m.path).startswith("libc.so"))


def symbol_offsets(path, *names):
    """File offsets of functions, in a library whose code lies in the file as in memory."""
    finished = subprocess.run(["nm", "-D", "--defined-only", path], capture_output=True, text=True,
                              check=True)
    found = {}
    for line in finished.stdout.splitlines():
        address, _, name = line.split()
        found.setdefault(name.split("@")[0], int(address, 16))
    return [found[name] for name in names]


def first_byte(pid, name):
    path, start = libc_of(pid)
    return read_memory(pid, start + symbol_offsets(path, name)[0], 1)


@pytest.fixture
def own_libc(tmp_path):
    """Environment of a process that has a copy of libc, which nobody else has mapped."""
    directory = tmp_path / "lib"
    directory.mkdir()
    with open("/proc/self/maps", encoding="utf-8") as maps:
        path = next(line.split()[-1] for line in maps if "/libc.so" in line or "/libc-" in line)
    shutil.copy(os.path.realpath(path), directory / "libc.so.6")
    return {"LD_LIBRARY_PATH": str(directory)}


@pytest.fixture
def started():
    """start(command, ...): a tool that runs beside the test and ends with it."""
    processes = []

    def start(command, **keywords):
        processes.append(subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, **keywords))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def probes(started):
    """set_probes(pid, offset=0): uprobes on the allocation functions of the target's own libc."""
    if not os.path.exists("/sys/bus/event_source/devices/uprobe/type"):
        pytest.skip("this kernel has no uprobes for perf_event_open")

    def set_probes(pid, names=PROBED, offset=0):
        path, _ = libc_of(pid)
        assert os.stat(path).st_ino != os.stat("/lib/x86_64-linux-gnu/libc.so.6").st_ino
        offsets = [at + offset for at in symbol_offsets(path, *names)]
        process = started([UPROBE, path, *offsets])
        line = Lines(process.stdout).next()
        if line != "ready":
            pytest.skip(f"no uprobe can be set: {line}")
        return process

    return set_probes


def remove(probe):
    """Take the probes out; how often they were hit in all."""
    output = probe.communicate(timeout=30)[0].decode()
    assert probe.returncode == 0, output
    return sum(int(line.split()[1]) for line in output.splitlines())


class Story:
    """What happens to one target, one event a letter:
    S set probes, R remove them, A attach, D detach. A and D count what was allocated between."""

    def __init__(self, target, filtrace, set_probes):
        self.target, self.filtrace, self.set_probes = target, filtrace, set_probes
        self.tracing = self.probe = None
        self.count = 0

    def play(self, letters):
        for letter in letters:
            {"S": self.set, "R": self.remove, "A": self.attach, "D": self.detach}[letter]()
            if not self.tracing or letter == "S":
                self.target.ask("allocate")
        assert_left_alone(self.target.pid)

    def set(self):
        self.probe = self.set_probes(self.target.pid)

    def remove(self):
        assert remove(self.probe) > 0

    def attach(self):
        self.count += 1
        self.target.ask("mark")
        self.tracing = self.filtrace.start("record", "-p", self.target.pid, *EVERY_BLOCK, "-o",
                                           f"c{self.count}", target=self.target)
        # That code differs from its file tells nothing beside probes.
        wait_until(lambda: self.has_ended() or is_armed(self.target.pid), "filtrace attached")

    def has_ended(self):
        assert self.tracing.process.poll() is None, self.tracing.finish().stderr

    def detach(self):
        self.target.ask("allocate")
        truth = self.target.ask("free")
        assert self.tracing.interrupt().returncode == 0
        self.tracing = None
        assert_equals_truth(self.filtrace.report(f"c{self.count}"), truth)


@pytest.mark.parametrize("letters", ["SADR", "SARD", "ASDARD", "ASRD"])
def test_uprobes_come_and_go_in_any_order(letters, start, filtrace, own_libc, probes):
    target = start("known_sizes.py", environment=own_libc)
    Story(target, filtrace, probes).play(letters)


def test_uprobe_where_a_hook_would_go_is_told_and_left_alone(start, filtrace, own_libc, probes):
    target = start("known_sizes.py", environment=own_libc)
    path, _ = libc_of(target.pid)
    entry, = symbol_offsets(path, "malloc")
    code = pathlib.Path(path).read_bytes()[entry:entry + 4]
    second = {0x41: 2, 0x55: 1, 0x53: 1}.get(code[0])  # push %r8..%r15, %rbp, %rbx
    if not second:
        pytest.skip(f"malloc begins with {code.hex()}")
    probe = probes(target.pid, ["malloc"], second)
    finished = filtrace.run("record", "-p", target.pid, "-o", "capture", "-d", "1")
    assert finished.returncode == 7, finished.stderr
    assert "malloc" in finished.stderr and "another tool" in finished.stderr
    target.ask("allocate")
    assert remove(probe) > 0
    assert_left_alone(target.pid)


def start_gdb(started, pid, *commands):
    arguments = [word for command in commands for word in ("-ex", command)]
    environment = {**os.environ, "DEBUGINFOD_URLS": ""}
    return started([need("gdb"), "-nx", "-batch", "-p", pid, *arguments], env=environment)


def test_gdb_breakpoints_on_malloc_and_free_while_traced(start, filtrace, started):
    busy = start("busy.py", "--threads", "4")
    tracing = filtrace.record(busy, "--sample-bytes", "16K")
    gdb = start_gdb(started, busy.pid, "break *malloc", "break *free", "continue", "continue",
                    "continue", "delete", "detach")
    output = gdb.communicate(timeout=60)[0].decode(errors="replace")
    assert output.count("Breakpoint ") >= 4, output
    busy.await_progress()
    assert tracing.interrupt().returncode == 0
    assert filtrace.report()["capture"]["samples"] > 0
    assert_left_alone(busy.pid)


def test_gdb_comes_before_filtrace_and_stays_or_goes(start, filtrace, started):
    target = start("known_sizes.py")
    gdb = start_gdb(started, target.pid, "break *malloc", "ignore 1 100000000", "continue",
                    "delete", "detach")
    wait_until(lambda: first_byte(target.pid, "malloc") == INT3, "breakpoint of gdb")
    finished = filtrace.run("record", "-p", target.pid, "-o", "capture", "-d", "1")
    assert finished.returncode == 3 and "gdb" in finished.stderr, finished.stderr
    gdb.send_signal(signal.SIGINT)
    gdb.communicate(timeout=60)
    Story(target, filtrace, None).play("AD")


def trace_of(started, pid):
    """strace that is attached."""
    strace = started([need("strace"), "-f", "-qq", "-e", "trace=none", "-p", pid])
    wait_until(lambda: f"TracerPid:\t{strace.pid}" in
               pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8"), "strace")
    return strace


def end_strace(strace):
    strace.send_signal(signal.SIGINT)
    strace.communicate(timeout=30)


def test_strace_before_filtrace_is_named(start, filtrace, started):
    target = start("known_sizes.py")
    strace = trace_of(started, target.pid)
    finished = filtrace.run("record", "-p", target.pid, "-o", "capture", "-d", "1")
    assert finished.returncode == 3 and "strace" in finished.stderr, finished.stderr
    end_strace(strace)
    Story(target, filtrace, None).play("AD")


def test_strace_that_comes_and_goes_while_traced_changes_no_count(start, filtrace, started):
    target = start("known_sizes.py")
    story = Story(target, filtrace, None)
    story.attach()
    end_strace(trace_of(started, target.pid))
    strace = trace_of(started, target.pid)
    target.ask("allocate")
    end_strace(strace)
    story.play("D")


def test_detach_waits_for_a_debugger_to_leave(start, filtrace, started):
    target = start("known_sizes.py")
    story = Story(target, filtrace, None)
    story.attach()
    strace = trace_of(started, target.pid)
    story.tracing.process.send_signal(signal.SIGINT)
    wait_until(lambda: not is_armed(target.pid), "disarmed gates")
    target.ask("allocate")  # through gates that nobody serves
    end_strace(strace)
    assert story.tracing.finish().returncode == 0
    assert_left_alone(target.pid)


def test_debugger_that_stays_is_named_and_the_gates_come_out_later(start, filtrace, started):
    target = start("known_sizes.py")
    tracing = filtrace.record(target)
    strace = trace_of(started, target.pid)
    finished = tracing.interrupt()
    assert finished.returncode == 3, finished.stderr
    assert "strace" in finished.stderr and "end that first" in finished.stderr
    assert "detached, " not in finished.stderr  # but nothing worse has happened
    assert f"not wholly detached: {target.pid} runs on" in finished.stderr
    assert target.ask("allocate")["sites"]
    end_strace(strace)
    assert changed_code(target.pid) != []
    Story(target, filtrace, None).play("AD")


CONTROL_BEFORE_SHARED = 0x801000  # region_layout.h: SHARED_OFFSET - CONTROL_OFFSET


def is_armed(pid):
    """Whether the gates of a target take samples."""
    starts = [m.start for m in mappings(pid) if m.path.startswith("/memfd:filtrace")]
    return any(read_memory(pid, start - CONTROL_BEFORE_SHARED, 4) != bytes(4) for start in starts)


def test_py_spy_reads_what_it_wants_meanwhile(start, filtrace):
    py_spy = need("py-spy")
    target = start("known_sizes.py")
    story = Story(target, filtrace, None)
    story.attach()
    target.ask("allocate")
    for _ in range(5):
        finished = subprocess.run([py_spy, "dump", "-p", str(target.pid)], capture_output=True,
                                  text=True, timeout=60)
        assert "known_sizes.py" in finished.stdout, finished.stderr
    story.play("D")


def test_perf_record_meanwhile(start, filtrace, started, tmp_path):
    perf = need("perf")
    busy = start("busy.py", "--threads", "4")
    recorder = started([perf, "record", "-e", "cpu-clock", "-g", "-o", tmp_path / "perf.data",
                        "-p", busy.pid])
    tracing = filtrace.record(busy, "--sample-bytes", "16K")
    busy.await_progress()
    if recorder.poll() is not None:
        pytest.skip("perf cannot record here: " + recorder.communicate()[0].decode())
    recorder.send_signal(signal.SIGINT)
    recorder.communicate(timeout=30)
    busy.await_progress()
    assert tracing.interrupt().returncode == 0
    assert_left_alone(busy.pid)
