# SPDX-License-Identifier: MIT
"""filtrace view: a walk through a capture, in a real terminal."""

import re

import pytest

from phases import phases, walk  # noqa: F401
from terminal import Terminal


@pytest.fixture
def terminal(phases):
    opened = Terminal("view", "capture", directory=phases.directory)
    opened.wait_for("at 00:00:", "time")
    yield opened
    opened.close()


def live_bytes(screen, line):
    """What the table says that a line keeps; 0 if it has no row there."""
    units = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20}
    for row in screen.splitlines():
        found = re.search(r"[▸▾ ]\s*([\d.]+) (B|KiB|MiB) ", row)
        if found and line in row:
            return float(found.group(1)) * units[found.group(2)]
    return 0


def test_each_line_leads_while_it_leaks(phases, terminal):
    end = terminal.text()
    assert live_bytes(end, phases.early) == pytest.approx(phases.bytes, rel=0.1)
    assert live_bytes(end, phases.late) == 0
    late = walk(terminal, ",", phases.late_seconds)
    assert live_bytes(late, phases.late) == pytest.approx(phases.bytes, rel=0.1)
    early = walk(terminal, ",", phases.early_seconds)
    assert live_bytes(early, phases.early) == pytest.approx(phases.bytes, rel=0.1)
    assert live_bytes(early, phases.late) == 0


def test_what_grew_since_the_baseline_leads(phases, terminal):
    walk(terminal, ",", phases.early_seconds)
    terminal.press("b")
    terminal.wait_for("since 00:00:")
    walk(terminal, ".", phases.late_seconds)
    terminal.press("6")
    first = terminal.wait_for("▾CHANGE").splitlines()[5]
    assert phases.late in first, terminal.text()
    assert re.search(r"\+\d\.\d MiB", first)


def test_view_ends_as_it_came(phases, terminal):
    terminal.press("q")
    terminal.wait_for("status 0", "the shell is done")
    settings = re.findall(rb"^[0-9a-f]+(?::[0-9a-f]+){8,}", terminal.raw, re.M)
    assert len(settings) == 2 and settings[0] == settings[1]
    assert terminal.raw.count(b"\x1b[?1049h") == terminal.raw.count(b"\x1b[?1049l") == 1


def test_instant_that_is_shown_can_be_exported(phases, terminal):
    walk(terminal, ",", phases.late_seconds)
    terminal.press("e")
    terminal.wait_for("file:")
    terminal.press("\x15then.csv\r")
    terminal.wait_for("exported: then.csv")
    name, _, line = phases.late.partition(":")
    rows = (phases.directory / "then.csv").read_text(encoding="utf-8").splitlines()
    assert any(f'{name}",{line},' in row for row in rows), rows


def test_view_into_a_pipe_is_the_report(phases):
    finished = phases.filtrace.run("view", "capture")
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == phases.filtrace.run("report", "capture").stdout


def test_view_of_what_is_no_capture_is_refused(phases):
    (phases.directory / "text").write_text("nothing of ours", encoding="utf-8")
    for arguments, status in ((["text"], 8), (["missing"], 8), ([], 2), (["a", "b"], 2)):
        assert phases.filtrace.run("view", *arguments).returncode == status, arguments
