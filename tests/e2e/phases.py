# SPDX-License-Identifier: MIT
"""A recording of a program in which one line leaks first, and another one later."""

import os
import re

import pytest

from processes import wait_until
from stage import Stage


class Phases:
    """A capture, and where in it which line leaked: seconds since the attach."""

    def __init__(self, stage):
        target = stage.start("phases.py")
        self.directory = stage.directory
        self.filtrace = stage.filtrace
        tracing = stage.filtrace.record(target, "--sample-bytes", "1K", "--budget", "20")
        self.early_seconds = self.obey(target, "grow early")
        self.late_seconds = self.obey(target, "grow late")
        self.obey(target, "drop late")
        finished = tracing.interrupt()
        assert finished.returncode == 0, finished.stderr
        self.bytes = int(target.facts["block_bytes"])
        self.early, self.late = (
            f"{os.path.basename(target.facts['file'])}:{target.facts[line]}"
            for line in ("early", "late"))

    def seconds(self):
        return self.filtrace.report()["capture"]["seconds"]

    def obey(self, target, command):
        """Have the target do something, and the capture see some seconds of what came of it: at
        the time that is returned it had come."""
        target.ask(command)
        answered = self.seconds()
        wait_until(lambda: self.seconds() > answered + 2.5, "more snapshots in the capture")
        return self.seconds()


@pytest.fixture(scope="module")
def phases(tmp_path_factory):
    stage = Stage(tmp_path_factory.mktemp("phases"))
    try:
        yield Phases(stage)
    finally:
        problems = stage.end()
    assert not problems, "\n".join(problems)


def walk(terminal, keys, seconds):
    """Walk until the header says an instant at `seconds` or later (or before: `keys` is , then)."""
    for _ in range(200):
        found = re.search(r"at (\d\d):(\d\d):(\d\d) of", terminal.text())
        hours, minutes, now = map(int, found.groups())
        now += 60 * (minutes + 60 * hours)
        if now >= seconds if keys == "." else now <= seconds:
            return terminal.text()
        terminal.press(keys)
        terminal.wait_until_gone(found.group(0))
    raise AssertionError(f"no instant at {seconds} s:\n{terminal.text()}")
