# SPDX-License-Identifier: MIT
"""A recording of a leaking server, once for all tests of a module."""

import pytest

from stage import Stage


class Recording:
    """A capture of a leaking server, and where it leaks."""

    def __init__(self, stage):
        server = stage.start("http_leak.py")
        stage.traffic(server, seconds=60, rate=40)
        self.directory = stage.directory
        self.filtrace = stage.filtrace
        self.pid = server.pid
        # Some hundred stops a second: in a second, several samples of the leaking line.
        finished = self.filtrace.run(
            "record", "-p", server.pid, "-o", "capture", "-d", "4", "--sample-bytes", "1K")
        assert finished.returncode == 0, finished.stderr
        truth = server.truth()
        self.file, self.line = truth["file"], truth["line"]
        self.json = self.filtrace.report()

    def write(self, form, *arguments):
        """Write a report in this format into a file; its path."""
        path = self.directory / f"report.{form}"
        finished = self.filtrace.run(
            "report", "capture", "-f", form, "-o", path, "--force", *arguments)
        assert (finished.returncode, finished.stdout) == (0, ""), finished.stderr
        return path


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    stage = Stage(tmp_path_factory.mktemp("formats"))
    try:
        yield Recording(stage)
    finally:
        problems = stage.end()
    assert not problems, "\n".join(problems)
