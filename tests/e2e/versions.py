# SPDX-License-Identifier: MIT
"""Captures of two versions of a leaking server, once for all tests of a module."""

import shutil

import pytest

from processes import FIXTURES
from stage import Stage

ADDED = "# the second version begins with\n# three lines\n# more\n"


class Versions:
    """Captures `old` and `new`, where the new version keeps four times as much of each page, and
    `busy`: the old version under more traffic."""

    def __init__(self, stage):
        self.directory = stage.directory
        self.filtrace = stage.filtrace
        self.stage = stage
        self.files, self.lines, self.pages = {}, {}, {}
        self.record("old", "app-v1", 40)
        self.record("new", "app-v2", 40)
        self.record("busy", "app-v1", 160)

    def install(self, version):
        """The server's file in a directory of its own."""
        directory = self.directory / version
        if not directory.exists():
            directory.mkdir()
            shutil.copy(FIXTURES / "support.py", directory)
            source = (FIXTURES / "http_leak.py").read_text(encoding="utf-8")
            if version == "app-v2":
                source = source.replace("import http.server\n", ADDED + "import http.server\n", 1)
                source = source.replace('. " * 8', '. " * 32', 1)
                assert "* 32" in source and ADDED in source
            (directory / "http_leak.py").write_text(source, encoding="utf-8")
        return directory / "http_leak.py"

    def record(self, name, version, rate):
        server = self.stage.start(self.install(version))
        self.stage.traffic(server, seconds=60, rate=rate)
        before = server.truth()
        finished = self.filtrace.run(
            "record", "-p", server.pid, "-o", name, "-d", "4", "--sample-bytes", "1K")
        assert finished.returncode == 0, finished.stderr
        after = server.truth()
        self.files[name], self.lines[name] = after["file"], after["line"]
        self.pages[name] = after["entries"] - before["entries"]
        server.end()

    def diff(self, *arguments):
        finished = self.filtrace.run("diff", *arguments)
        assert finished.returncode == 0, finished.stderr
        return finished.stdout


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    stage = Stage(tmp_path_factory.mktemp("versions"))
    try:
        yield Versions(stage)
    finally:
        problems = stage.end()
    assert not problems, "\n".join(problems)
