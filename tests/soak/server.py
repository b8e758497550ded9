# SPDX-License-Identifier: MIT
"""Attach and detach, again and again, under a gunicorn worker that serves under full load."""

import contextlib
import importlib.util
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import urllib.request

from images import assert_left_alone, mappings
from interpreters import DEBIAN_PATH
from outcome import Outcome, keep_evidence
from processes import FIXTURES, Filtrace, wait_until

ATTACHES = 1000
SAMPLE_BYTES = "64K"
CONNECTIONS = 8
ANSWER_SECONDS = 10  # wrk counts what takes longer as failed
GROWTH_BYTES_MAX = 256 << 20  # of arenas and stacks; 1000 leaked regions would be 5 GiB
GROWTH_MAPPINGS_MAX = 60


def missing():
    """What is not installed here."""
    finished = subprocess.run([DEBIAN_PATH, "-c", "import gunicorn"], stderr=subprocess.DEVNULL)
    names = [] if finished.returncode == 0 else ["gunicorn"]
    return names if shutil.which("wrk") else [*names, "wrk"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Gunicorn:
    """A server with one worker of several threads."""

    def __init__(self, directory):
        self.url = f"http://127.0.0.1:{free_port()}/"
        self.process = subprocess.Popen(
            [DEBIAN_PATH, "-B", "-m", "gunicorn", "-b", self.url[7:-1], "-w", "1", "-k", "gthread",
             "--threads", "4", "--keep-alive", "60", "--pythonpath", str(FIXTURES),
             "--log-level", "warning", "wsgi_app:application"],
            cwd=directory, stdin=subprocess.DEVNULL)
        wait_until(self.answers, "gunicorn answers")
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        self.worker, = map(int, children.read_text(encoding="ascii").split())

    def answers(self):
        with contextlib.suppress(OSError), urllib.request.urlopen(self.url, timeout=10) as answer:
            return answer.status == 200
        return False

    def end(self):
        """The worker must still be the one that was started; gunicorn replaces one that dies."""
        worker = pathlib.Path(f"/proc/{self.worker}/stat").read_text(encoding="ascii")
        assert int(worker.rpartition(")")[2].split()[1]) == self.process.pid
        self.process.terminate()
        assert self.process.wait(60) == 0

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            if self.process.poll() is None:
                os.kill(self.worker, signal.SIGKILL)
        self.process.kill()
        self.process.wait()


class Load:
    """wrk, until it is told to end; then what it counted."""

    def __init__(self, url, directory):
        self.process = subprocess.Popen(
            ["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", "7200s", "--timeout",
             f"{ANSWER_SECONDS}s", "--latency", url],
            cwd=directory, stdout=subprocess.PIPE, text=True)

    def end(self):
        """(requests, failed requests, the 99th percentile of their time)."""
        self.process.send_signal(signal.SIGINT)
        text = self.process.communicate(timeout=60)[0]
        requests = int(re.search(r"(\d+) requests in", text)[1])
        failed = sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", text)))
        errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), "
                           r"timeout (\d+)", text)
        failed += sum(map(int, errors.groups())) if errors else 0
        return requests, failed, re.search(r"99%\s+(\S+)", text)[1]

    def kill(self):
        self.process.kill()
        self.process.communicate()


def open_files(pid):
    """What the descriptors of a process name; one that is closed meanwhile is not open."""
    directory = pathlib.Path(f"/proc/{pid}/fd")
    for descriptor in directory.iterdir():
        with contextlib.suppress(FileNotFoundError):
            yield os.readlink(descriptor)


class Footprint:
    """What a process has mapped and opened."""

    def __init__(self, pid):
        found = list(mappings(pid))
        self.count = len(found)
        self.size_bytes = sum(mapping.end - mapping.start for mapping in found)
        # The shared pages are made anew each time, in the same place.
        self.ours = [mapping._replace(inode=0) for mapping in found
                     if mapping.is_pad or "memfd:filtrace" in mapping.path]
        self.files = sorted(file for file in open_files(pid) if not file.startswith("socket:"))


def attach_and_detach(server, filtrace):
    finished = filtrace.run("record", "-p", server.worker, "-o", "capture", "--force", "-d",
                            "0.05", "--sample-bytes", SAMPLE_BYTES)
    assert finished.returncode == 0, finished.stderr


def assert_nothing_leaked(server, before):
    after = Footprint(server.worker)
    assert after.ours == before.ours, f"{before.ours} became {after.ours}"
    assert after.files == before.files, f"{before.files} became {after.files}"
    assert after.count - before.count <= GROWTH_MAPPINGS_MAX, (before.count, after.count)
    assert after.size_bytes - before.size_bytes <= GROWTH_BYTES_MAX, (before, after)
    assert_left_alone(server.worker)
    return (f"mappings {before.count}->{after.count}, "
            f"{before.size_bytes >> 20}->{after.size_bytes >> 20} MiB")


def run_attaches(server, load, count, outcome, run):
    filtrace = Filtrace(run.directory)
    attach_and_detach(server, filtrace)
    before = Footprint(server.worker)
    for n in range(count):
        with outcome.guarded(f"attach {n} to gunicorn", run.directory):
            attach_and_detach(server, filtrace)
        if outcome.failed:
            keep_evidence(server.worker, run.directory)
            break
    with outcome.guarded("gunicorn's requests", run.directory):
        requests, failed, latency = load.end()
        assert requests > 0 and failed == 0, f"{failed} of {requests} requests failed"
        outcome.text = f"{count} attaches, {requests} requests, 99% within {latency}; "
    with outcome.guarded("gunicorn's mappings", run.directory):
        outcome.text += assert_nothing_leaked(server, before)
    with outcome.guarded("gunicorn's end", run.directory):
        server.end()


def run(run):
    if names := missing():
        outcome = Outcome(f"skipped: {' and '.join(names)} not installed")
        outcome.skipped += 1
        return outcome
    outcome = Outcome()
    server = Gunicorn(run.directory)
    load = Load(server.url, run.directory)
    try:
        run_attaches(server, load, max(1, round(ATTACHES * run.scale)), outcome, run)
    finally:
        load.kill()
        server.kill()
    return outcome
