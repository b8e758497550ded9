# SPDX-License-Identifier: MIT
"""What is measured: programs of fixtures/ that work on command, and how fast they are."""

import json
import os
import re
import signal
import subprocess
import time
from typing import NamedTuple

import machine
from processes import BUILD, FIXTURES, Missing, Target, environment_of

PULSE = BUILD / "tests/soak/pulse.so"
WRK_CONNECTIONS = 8
WARM_SECONDS = 1
LINES_MAX = 1000  # that a tool may print before the target's own
LOG = "stderr.log"
# glibc gives memory back and asks for it again as chance will have it: runs of the same process
# then differ by half. So it keeps what it has, with and without a tool.
STEADY = {"MALLOC_TRIM_THRESHOLD_": "1000000000", "MALLOC_MMAP_THRESHOLD_": "1000000000"}


class Speed(NamedTuple):
    """Of one run."""

    iterations: float  # or requests
    cpu_seconds: float  # of the target
    wall_seconds: float
    p99_seconds: float = None  # of a request


class Subject(Target):
    """A program that works on command, perhaps started by a tool, which may print lines too.

    `command` stands for the interpreter, and is followed by the program and its arguments.
    """

    def __init__(self, name, arguments, python, directory, command=None):
        arguments = [*arguments, "--pulse", PULSE, "--seconds", 600]
        command = [*(command or [python.path]), str(FIXTURES / name), *map(str, arguments)]
        with open(os.path.join(directory, LOG), "a", encoding="utf-8") as log:
            process = subprocess.Popen(
                command, cwd=directory, env=environment_of(python, STEADY), stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=log)
        self.adopt(name, process)

    def next_line(self, is_ours):
        for _ in range(LINES_MAX):
            line = self.lines.next()
            if is_ours(line):
                return line
        raise AssertionError(f"{self.name} says only other things")

    def wait_ready(self):
        line = self.next_line(lambda line: line.startswith(("ready ", "missing ")))
        if line.startswith("missing "):
            raise Missing(f"it needs {line.partition(' ')[2]}")
        self.facts = dict(fact.split("=", 1) for fact in line.split()[1:])
        self.pid = int(self.facts["pid"])

    def ask(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.lines.next())

    def end(self):
        """Let the target end, and assert that it finds itself unharmed."""
        self.has_ended = True
        self.process.stdin.close()
        self.next_line(lambda line: line.startswith("unharmed"))
        self.process.stdout.read()
        status = self.process.wait(60)
        assert status == 0, f"{self.name} ended with {status}"

    def kept_out(self):
        """Resident memory without what the leaking line keeps."""
        memory = self.ask("memory")
        return memory["rss_bytes"] - memory["leaked_bytes"]

    def longest_gap(self, act):
        """How long a thread that always looks at the clock stood still while the target worked and
        `act` went on; and what that returned."""
        assert self.ask("watch") == "watching"
        result = act()
        return max(self.ask("still"), default=0), result

    def fate(self):
        """What a tool has made of the target, if that is no longer there."""
        try:
            status = self.process.wait(1)
        except subprocess.TimeoutExpired:
            return ""
        return f"target died of {signal.Signals(-status).name}" if status < 0 else "target ended"


class Workload(NamedTuple):
    """A kind of work: what does it, and how its speed is taken."""

    key: str
    title: str
    fixture: str
    kind: str

    @property
    def is_service(self):
        return self.fixture == "services.py"

    def start(self, python, directory, arguments=(), command=None):
        """A target of this kind that has worked a little."""
        subject = Subject(self.fixture, [self.kind, *arguments], python, directory, command)
        try:
            subject.wait_ready()
            self.measure(subject, WARM_SECONDS)
        except BaseException:
            subject.kill()
            raise
        return subject

    def measure(self, subject, seconds):
        return (measure_service if self.is_service else measure_loop)(subject, seconds)


def measure_loop(subject, seconds):
    told = subject.ask(f"measure {seconds}")
    return Speed(told["iterations"], told["cpu_seconds"], told["wall_seconds"])


def measure_service(subject, seconds):
    """Let wrk ask for pages that nobody asked for before, over connections that stay open."""
    command = ["wrk", "-t1", f"-c{WRK_CONNECTIONS}", f"-d{max(1, round(seconds))}s", "--latency",
               "-s", os.path.join(os.path.dirname(__file__), "pages.lua"),
               f"http://{subject.facts['address']}/", "--", str(time.monotonic_ns())]
    before, start = machine.cpu_seconds(subject.pid), time.monotonic()
    text = subprocess.run(command, check=True, timeout=seconds + 60, text=True,
                          stdout=subprocess.PIPE).stdout
    cpu_seconds = machine.cpu_seconds(subject.pid) - before
    assert not re.search("Non-2xx|Socket errors", text), text
    requests = int(re.search(r"(\d+) requests in", text)[1])
    assert requests > 0, text
    return Speed(requests, cpu_seconds, time.monotonic() - start, latency(text))


def latency(text):
    """wrk's 99th percentile, in seconds."""
    found = re.search(r"99%\s+([0-9.]+)(us|ms|s|m)\n", text)
    return float(found[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}[found[2]]


WORKLOADS = [
    Workload("w1", "small objects", "workloads.py", "small"),
    Workload("w2", "json", "workloads.py", "json"),
    Workload("w3", "bytes of 1 to 64 KiB", "workloads.py", "bytes"),
    Workload("w4", "Flask under wrk", "services.py", "flask"),
    Workload("w5", "numpy arrays", "workloads.py", "numpy"),
    Workload("w6", "asyncio under wrk", "services.py", "asyncio"),
    Workload("w7", "Django under wrk", "services.py", "django"),
]
