# SPDX-License-Identifier: MIT
"""Start targets and filtrace itself, talk to them, and see them end as promised.

Nobody sleeps to wait for something: every wait has a condition and a deadline.
"""

import json
import os
import pathlib
import re
import select
import signal
import subprocess
import time
import urllib.request

from images import is_gated
from interpreters import DEBIAN_PATH, Interpreter

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures"
FILTRACE = os.path.abspath(os.environ.get("FILTRACE", ROOT / "build" / "filtrace"))
BUILD = pathlib.Path(FILTRACE).parent
IS_SANITIZED = os.path.exists(FILTRACE) and bool(
    re.search(rb"__[at]san_init", pathlib.Path(FILTRACE).read_bytes()))
DEADLINE_SECONDS = float(os.environ.get("DEADLINE_SECONDS", "60"))


def wait_until(condition, what, seconds=DEADLINE_SECONDS, pause=0.02):
    """Wait until `condition()` is true, and return what it gave."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(pause)


def address_sanitizer(option):
    """What a filtrace that may have been built with it is told besides what we were."""
    return {"ASAN_OPTIONS": ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), option)))}


class Lines:
    """Lines of a pipe, each read with a deadline."""

    def __init__(self, pipe):
        self.fd = pipe.fileno()
        self.pending = b""

    def next(self, seconds=DEADLINE_SECONDS):
        deadline = time.monotonic() + seconds
        while b"\n" not in self.pending:
            left = max(0, deadline - time.monotonic())
            assert select.select([self.fd], [], [], left)[0], f"no line within {seconds} s"
            received = os.read(self.fd, 65536)
            assert received, f"output ended after {self.pending!r}"
            self.pending += received
        line, self.pending = self.pending.split(b"\n", 1)
        return line.decode()


def last_descendant(pid):
    """What a program that runs another one as its only child has come to; else the process."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    comm = pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="utf-8")
    return last_descendant(int(children[0])) if comm == "unshare\n" and children else pid


class Missing(Exception):
    """A target cannot run here: its interpreter lacks something, which is named."""


def environment_of(python, added):
    """Our environment, the interpreter's own settings, and what is added."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **python.settings, **(added or {})}


def can_be_had(*prefix):
    """Whether commands can be run so: not all namespaces can be had in containers and chroots."""
    return subprocess.run([*prefix, "true"], capture_output=True).returncode == 0


class Target:
    """A program of fixtures/, from its `ready` to its `unharmed`.

    `python` is the path of an interpreter, or an Interpreter; `environment` is added to ours.
    `prefix` is a program and arguments that run it, as the same process or as a child.
    """

    def __init__(self, name, arguments, python, directory, environment=None, prefix=()):
        python = Interpreter(python, "") if isinstance(python, str) else python
        command = [*prefix, *python.command(directory), str(FIXTURES / name), *map(str, arguments)]
        process = subprocess.Popen(
            command, cwd=directory, env=environment_of(python, environment),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.adopt(name, process, (environment or {}).get("LD_PRELOAD", "/libc"))

    def adopt(self, name, process, allocator="/libc"):
        """Speak for a process that was just started."""
        self.name = name
        self.process = process
        self.pid = process.pid
        self.allocator = os.path.realpath(allocator)
        self.lines = Lines(process.stdout)
        self.facts = {}
        self.has_ended = False

    def wait_ready(self):
        word, *facts = self.lines.next().split()
        if word == "missing":
            self.has_ended = True
            raise Missing(f"{self.name} needs {' '.join(facts)}")
        assert word == "ready", f"{self.name} says {word!r}"
        self.facts = dict(fact.split("=", 1) for fact in facts)
        self.pid = last_descendant(self.process.pid)

    def ask(self, command):
        """Send a command; return the JSON of its answer."""
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.lines.next())

    def get(self, path):
        """Ask a server for a page."""
        with urllib.request.urlopen(self.facts["url"] + path, timeout=10) as response:
            return response.read().decode()

    def truth(self):
        """What a leaking server says of its own leak."""
        return json.loads(self.get("/truth"))

    def is_running(self):
        return self.process.poll() is None

    def progress(self):
        """[[name, rounds], ...] of every activity of busy.py, thread of alloc_target, or the whole
        of lively.py."""
        answer = self.ask("progress")
        return answer if isinstance(answer, list) else [[self.name, answer]]

    def await_progress(self, seconds=DEADLINE_SECONDS):
        """Wait until everything gets further that tells of its progress."""
        before = self.progress()

        def who_stands():
            return [name for (name, rounds), (_, earlier) in zip(self.progress(), before)
                    if rounds <= earlier]

        try:
            wait_until(lambda: not who_stands(), f"progress of {self.name}", seconds)
        except AssertionError as problem:
            raise AssertionError(f"{problem}; no progress: {who_stands()}") from problem

    def end(self):
        """Let the target end, once, and assert that it finds itself unharmed."""
        if self.has_ended:
            return
        self.has_ended = True
        assert self.is_running(), f"{self.name} died with {self.process.returncode}"
        self.process.stdin.close()
        if "url" in self.facts:  # a server: it reads no commands
            self.process.terminate()
        word = self.lines.next().split()[0]
        status = self.process.wait(DEADLINE_SECONDS)
        assert (word, status) == ("unharmed", 0), f"{self.name} said {word!r}, status {status}"

    def kill(self):
        """Make sure that the target is gone, whatever happened."""
        self.has_ended = True
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                pipe.close()
            except BrokenPipeError:
                pass


class Tracing:
    """A filtrace that runs beside the test."""

    def __init__(self, arguments, directory, target=None, program=FILTRACE, prefix=(),
                 **environment):
        self.target = target
        self.process = subprocess.Popen(
            [*prefix, program, *map(str, arguments)], cwd=directory, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, **environment})

    def wait_attached(self):
        """Wait until all gates are planted, which filtrace then says: from then on every allocation
        is seen, and a signal to end does not come too early."""
        def is_attached():
            assert self.process.poll() is None, "filtrace ended: " + self.process.stderr.read()
            has_said = select.select([self.process.stderr], [], [], 0)[0]
            return has_said and is_gated(self.target.pid, self.target.allocator)

        wait_until(is_attached, f"filtrace attached to {self.target.pid}")
        return self

    def finish(self, seconds=DEADLINE_SECONDS):
        """Wait for the end. Returns status, standard output, standard error."""
        stdout, stderr = self.process.communicate(timeout=seconds)
        return subprocess.CompletedProcess(
            self.process.args, self.process.returncode, stdout, stderr)

    def interrupt(self):
        """Ask for the end as Ctrl-C does, and wait for it."""
        self.process.send_signal(signal.SIGINT)
        return self.finish()

    def kill(self):
        """End filtrace with SIGKILL, from which it cannot clean up."""
        self.process.kill()
        self.process.communicate()


class Filtrace:
    """Runs filtrace in a test's directory."""

    def __init__(self, directory):
        self.directory = directory
        self.started = []
        self.recording = []  # further arguments of every recording

    def command(self, arguments):
        added = self.recording if arguments[:1] == ("record",) else []
        return list(map(str, [*arguments, *added]))

    def run(self, *arguments, seconds=60, **keywords):
        """Run to the end; the keywords are those of subprocess.run()."""
        return subprocess.run(
            [FILTRACE, *self.command(arguments)], cwd=self.directory, text=True, timeout=seconds,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **keywords)

    def start(self, *arguments, target=None, prefix=()):
        """Start it, as the command that the prefix runs."""
        tracing = Tracing(self.command(arguments), self.directory, target, prefix=prefix)
        self.started.append(tracing)
        return tracing

    def record(self, target, *arguments, file="capture"):
        """Start recording the target, and return once the gates are planted."""
        tracing = self.start("record", "-p", target.pid, "-o", file, *arguments, target=target)
        return tracing.wait_attached()

    def report(self, file="capture", *arguments):
        """The JSON report of a capture."""
        finished = self.run("report", file, "-f", "json", *arguments)
        assert finished.returncode == 0, finished.stderr
        return json.loads(finished.stdout)

    def end_all(self):
        for tracing in self.started:
            if tracing.process.poll() is None:
                tracing.kill()


def start_traffic(url, seconds, directory, rate=60):
    """Random requests to a server, from another process."""
    traffic = Target("traffic.py", ["--url", url, "--seconds", seconds, "--rate", rate],
                     DEBIAN_PATH, directory)
    traffic.wait_ready()
    return traffic
