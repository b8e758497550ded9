# SPDX-License-Identifier: MIT
"""Application servers that serve fixtures/wsgi_leak.py."""

import os
import re
import subprocess
import urllib.error

from processes import DEADLINE_SECONDS, FIXTURES, Target, wait_until
from suites import FetchError

ANY_PORT = "127.0.0.1:0"


class Server:
    """How a server is started; `prefix` is the command that runs it elsewhere."""

    end_status = 0
    settings = {"PYTHONDONTWRITEBYTECODE": "1"}

    def __init__(self, prefix, version):
        self.prefix = prefix
        self.version = version
        self.check_presence()

    def check_presence(self):
        finished = subprocess.run([*self.prefix, *self.presence], capture_output=True, text=True)
        if finished.returncode != 0:
            raise FetchError(f"{self.name} is not installed there")

    def disturb(self, directory):
        pass


class Gunicorn(Server):
    name = "gunicorn"
    presence = ["/usr/bin/python3", "-c", "import gunicorn"]
    port = re.compile(r"Listening at: http://127\.0\.0\.1:(\d+)")

    def command(self):
        return [*self.prefix, "/usr/bin/python3", "-m", "gunicorn", "--chdir", str(FIXTURES),
                "--workers", "1", "--bind", ANY_PORT, "wsgi_leak:application"]


class Uwsgi(Server):
    name = "uwsgi"
    end_status = 30  # UWSGI_END_CODE
    presence = ["uwsgi", "--plugin", "python3", "--version"]
    port = re.compile(r"bound to TCP address 127\.0\.0\.1:(\d+)")

    def command(self):
        return [*self.prefix, "uwsgi", "--plugin", "python3", "--chdir", str(FIXTURES),
                "--http-socket", ANY_PORT, "--module", "wsgi_leak", "--die-on-term",
                "--disable-logging"]


# x86-64: poll, select, epoll_wait, pselect6, ppoll, epoll_pwait
WAITING_CALLS = ("7", "23", "232", "270", "271", "281")


class ServerTarget(Target):
    """A server from its first answer on. What is traced is the process that answers."""

    def __init__(self, server, directory):
        self.port = server.port
        self.end_status = server.end_status
        self.adopt(server.name, subprocess.Popen(
            server.command(), cwd=directory, env={**os.environ, **server.settings},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))

    def wait_ready(self):
        while not (found := self.port.search(self.lines.next())):
            pass
        self.facts = {"url": f"http://127.0.0.1:{found.group(1)}"}
        self.pid = wait_until(self.first_answer, "an answer")["pid"]

    def first_answer(self):
        try:
            return self.truth()
        except (urllib.error.URLError, ConnectionError):
            assert self.is_running(), f"{self.name} died with {self.process.returncode}"
            return None

    def waits_for_requests(self):
        """Whether the process that answers is in poll, select or epoll_wait, of whatever kind."""
        with open(f"/proc/{self.pid}/syscall", encoding="ascii") as call:
            return call.read().split()[0] in WAITING_CALLS

    def end(self):
        """uWSGI does not finalise Python if it is told to end while it comes from a request."""
        if self.has_ended:
            return
        self.has_ended = True
        assert self.is_running(), f"{self.name} died with {self.process.returncode}"
        wait_until(self.waits_for_requests, "the server to be idle")
        self.process.terminate()
        while not self.lines.next().startswith("unharmed"):
            pass
        self.process.stdout.close()
        status = self.process.wait(DEADLINE_SECONDS)
        assert status == self.end_status, f"{self.name} ended with {status}"
