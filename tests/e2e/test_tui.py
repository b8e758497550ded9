# SPDX-License-Identifier: MIT
"""The live view in a real terminal: quick, right, resizable, and gone without a trace."""

import os
import pathlib
import re
import signal
import time

import pytest

from images import assert_left_alone
from processes import Filtrace, wait_until
from terminal import Terminal

GENEROUS = ("--budget", "10")  # so that seconds suffice whatever the machine's load


@pytest.fixture
def server(start, traffic):
    result = start("flask_leak.py")
    traffic(result, seconds=60, rate=100)
    return result


@pytest.fixture
def leak(server):
    """How the leaking line is written on the screen."""
    truth = server.truth()
    return f"{os.path.basename(truth['file'])}:{truth['line']}"


@pytest.fixture
def open_terminal():
    opened = []

    def open_one(*arguments, **size):
        opened.append(Terminal(*arguments, **size))
        return opened[-1]

    yield open_one
    for terminal in opened:
        terminal.close()


@pytest.mark.alone
def test_leaking_line_appears_within_seconds(server, leak, open_terminal):
    terminal = open_terminal("-p", server.pid, *GENEROUS)
    terminal.wait_for(str(server.pid), "CPython 3.", "attached", "RSS", seconds=5)
    terminal.wait_for(leak, seconds=10)
    terminal.press("q")
    ending = terminal.wait_end()
    ending.assert_restored()
    assert ending.status == 0
    assert f"{server.pid} runs on" in ending.farewell
    assert_left_alone(server.pid)


def test_resized_window_shows_the_same(server, leak, open_terminal):
    terminal = open_terminal("-p", server.pid, *GENEROUS)
    terminal.wait_for(leak)
    for columns, lines in ((120, 40), (40, 10), (80, 24)):
        terminal.resize(columns, lines)
        terminal.wait_for(str(server.pid), "flask_leak.py", "?:help")
    terminal.resize(1, 1)
    terminal.resize(80, 24)
    terminal.wait_for("filtrace", leak)
    terminal.press("q")
    terminal.wait_end().assert_restored()


def test_storm_of_sizes_ends_in_the_right_picture(server, leak, open_terminal):
    terminal = open_terminal("-p", server.pid, *GENEROUS)
    terminal.wait_for(leak)
    for step in range(300):
        terminal.shell.setwinsize(1 + 7 * step % 60, 1 + 37 * step % 200)
        os.write(terminal.shell.child_fd, b"j*"[step % 2:])  # at once, as press() does not
        terminal.text()
    terminal.resize(80, 24)
    terminal.wait_for("filtrace", leak, "?:help")
    terminal.press("q")
    terminal.wait_end().assert_restored()


def test_screen_that_takes_nothing_holds_nobody_up(server, leak, open_terminal):
    terminal = open_terminal("-p", server.pid, *GENEROUS, columns=200, lines=60)
    terminal.wait_for(leak)
    call = pathlib.Path(f"/proc/{terminal.filtrace_pid()}/syscall")

    def is_stuck():
        terminal.press("*")
        return call.read_text().startswith("1 ")  # write(2), which nobody reads

    wait_until(lambda: is_stuck() and is_stuck() and is_stuck(), "a screen that takes no more")
    for number in range(200):
        server.get(f"/stuck-{number}")
    assert is_stuck()
    terminal.wait_for(leak)
    terminal.press("q")
    terminal.wait_end().assert_restored()


@pytest.mark.alone
def test_refresh_sends_less_than_a_fifth_of_a_screen(server, leak, open_terminal):
    terminal = open_terminal("-p", server.pid, *GENEROUS, columns=120, lines=40)
    terminal.wait_for(leak)
    terminal.press("*")  # rows enough
    begun, before = time.monotonic(), terminal.text() and len(terminal.raw)
    wait_until(lambda: time.monotonic() > begun + 8 and terminal.text(), "eight seconds")
    refreshes = 2 * (time.monotonic() - begun)
    assert (len(terminal.raw) - before) / refreshes < 120 * 40 / 5
    terminal.press("q")
    terminal.wait_end().assert_restored()


def test_help_lists_keys_and_goes_back(server, leak, open_terminal):
    terminal = open_terminal(server.pid, *GENEROUS)
    terminal.wait_for(leak)
    terminal.press("?")
    terminal.wait_for("sort by growth", "detach; the target runs on")
    terminal.press("x")
    assert "sort by growth" not in terminal.wait_for(leak)
    terminal.press("q")
    terminal.wait_end().assert_restored()


def test_keys_sort_fold_and_pause(server, leak, open_terminal):
    terminal = open_terminal("-p", server.pid, *GENEROUS, columns=120, lines=40)
    terminal.wait_for(leak, "▾LIVE")
    for key, mark in (("2", "▾GROWTH"), ("3", "▾BLOCKS"), ("4", "▾AGE"), ("<", "▾BLOCKS"),
                      (">", "▾AGE"), ("I", "▴AGE"), ("2", "▾GROWTH")):
        terminal.press(key)
        terminal.wait_for(mark)
    terminal.press(" ")
    held = terminal.wait_for("PAUSED", leak)
    sites = [line for line in held.splitlines() if line.startswith(("▸", "▾"))]
    row = next(n for n, line in enumerate(sites) if leak in line)
    terminal.press("g" + "j" * row + "+")
    terminal.wait_for(" index")  # the caller of render()
    terminal.press("-")
    terminal.wait_until_gone(" index")
    terminal.press(" ")
    terminal.wait_until_gone("PAUSED")
    terminal.press("q")
    terminal.wait_end().assert_restored()


def test_leak_is_found_by_search_and_explained(server, leak, open_terminal, tmp_path):
    terminal = open_terminal("-p", server.pid, *GENEROUS, directory=tmp_path)
    terminal.wait_for(leak)
    terminal.press("/RENDER")
    terminal.wait_for("/RENDER", "Enter:keep")
    terminal.press("\r")
    terminal.wait_for(leak, "Enter:details")
    terminal.press("\r")
    details = terminal.wait_for("Traceback", "live ", "growth ", "blocks ", "cache[page] = ")
    assert details.split()[0] == "render"
    terminal.press("G")
    terminal.wait_for("Block sizes", f"{leak}$", "leak:^render$")
    terminal.press("x")
    terminal.wait_for(leak, "SITE")
    terminal.press("b")
    terminal.wait_for("CHANGE", "baseline")
    terminal.press("\\flask_leak\r")
    terminal.wait_for("shown: \\flask_leak", leak)
    terminal.press("t")
    terminal.wait_for("CALL", "shown:")
    terminal.press("o")
    terminal.wait_for("▾", "└")
    terminal.press("w")
    terminal.wait_for("written: filtrace-")
    terminal.press("q")
    terminal.wait_end().assert_restored()
    assert_left_alone(server.pid)
    written, = tmp_path.glob(f"filtrace-{server.pid}-*.filtrace")
    report = Filtrace(tmp_path).run("report", written)
    assert report.returncode == 0 and leak in report.stdout


def test_mouse_sorts_folds_selects_and_turns_pages(server, leak, open_terminal):
    terminal = open_terminal("-p", server.pid, *GENEROUS)
    terminal.wait_for(leak, "▾LIVE")
    terminal.click_on("GROWTH/min")
    terminal.wait_for("▾GROWTH")
    terminal.click_on("Tree")
    terminal.wait_for("CALL")
    terminal.click_on("Sites")
    terminal.wait_for("SITE", leak)
    terminal.press(" ")  # rows stay where they are
    screen = terminal.wait_for("PAUSED", leak)
    line = next(n for n, text in enumerate(screen.splitlines()) if leak in text)
    terminal.click((0, line))
    terminal.wait_for(" index")  # the caller of render()
    terminal.click((60, line + 1), (60, line))
    terminal.wait_for(f" {line - 4}/")
    terminal.click((60, line + 1), (60, line), (60, line))
    assert terminal.wait_for("Traceback", "cache[page] = ").split()[0] == "render"
    terminal.click((60, line), button=65)
    terminal.wait_until_gone("render  /")
    terminal.press("x")
    terminal.wait_for("SITE", leak)
    terminal.press("q")
    terminal.wait_end().assert_restored()
    assert b"\x1b[?1000h" in terminal.raw


def test_export_is_a_report_and_overwrites_nothing_unasked(server, leak, open_terminal, tmp_path):
    terminal = open_terminal("-p", server.pid, *GENEROUS, directory=tmp_path, columns=120)
    terminal.wait_for(leak)
    terminal.press("e")
    terminal.wait_for("file: filtrace-%p-%t.html")
    terminal.press("\r")
    terminal.wait_for(f"exported: filtrace-{server.pid}-", ".html")
    page, = tmp_path.glob("*.html")
    assert "flask_leak.py" in page.read_text()
    kept = tmp_path / "kept.csv"
    kept.write_text("precious")
    terminal.press("e\x15kept.csv\r")
    terminal.wait_for("exists: kept.csv")
    terminal.press("n")
    terminal.wait_for("not exported")
    assert kept.read_text() == "precious"
    terminal.press("e\x15kept.csv\ry")
    terminal.wait_for(" exported: kept.csv")
    assert "flask_leak.py" in kept.read_text()
    terminal.press("e\x15kept\r")
    terminal.wait_for("must end in .html")
    terminal.press("q")
    terminal.wait_end().assert_restored()


def test_pages_follow_each_other(server, leak, open_terminal):
    terminal = open_terminal("-p", server.pid, *GENEROUS)
    terminal.wait_for(leak, "SITE")
    for words in (("CALL",), ("THREAD",), ("of the budget", "How long a stop takes", "us "),
                  ("attached to",), ("SITE", leak)):
        terminal.press("\t")
        terminal.wait_for(*words)
    terminal.press("\x1b[Z")  # Shift-Tab
    terminal.wait_for("attached to")
    terminal.press("q")
    terminal.wait_end().assert_restored()


def test_terminal_without_utf8_or_colours_is_sent_neither(server, leak, open_terminal):
    terminal = open_terminal("-p", server.pid, *GENEROUS, LC_ALL="C", NO_COLOR="1")
    terminal.wait_for(leak, "vLIVE", "TREND")
    terminal.press("q")
    terminal.wait_end().assert_restored()
    pictures = terminal.raw[terminal.raw.find(b"\x1b[?1049h"):terminal.raw.rfind(b"\x1b[?1049l")]
    assert pictures.isascii()
    assert not re.search(rb"\x1b\[[0-9;]*(3|4)[0-8][;m]", pictures)


def test_terminal_of_many_colours_shows_heat(server, leak, open_terminal):
    terminal = open_terminal("-p", server.pid, *GENEROUS)
    terminal.wait_for(leak)
    wait_until(lambda: not terminal.text().rstrip().endswith("1/1"), "a second row")
    terminal.press("G")  # the selected row has no heat
    wait_until(lambda: terminal.text() and b"38;5;160" in terminal.raw,
               "the red of what holds half of all")
    terminal.press("q")
    terminal.wait_end().assert_restored()


def test_terminal_of_eight_colours_shows_the_same(server, leak, open_terminal):
    terminal = open_terminal("-p", server.pid, *GENEROUS, TERM="screen")
    terminal.wait_for(leak, "▾LIVE", "TREND")
    terminal.press("q")
    terminal.wait_end().assert_restored()
    assert b"\x1b[36m" in terminal.raw  # cyan of the eight
    assert b"38;5" not in terminal.raw


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signal_restores_the_terminal_and_the_target(server, leak, open_terminal, number):
    terminal = open_terminal("-p", server.pid, *GENEROUS)
    terminal.wait_for(leak)
    terminal.signal_filtrace(number)
    ending = terminal.wait_end()
    ending.assert_restored()
    assert f"{server.pid} runs on" in ending.farewell
    assert_left_alone(server.pid)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
def test_crash_restores_the_terminal_and_spares_the_target(server, leak, open_terminal, tmp_path,
                                                            number):
    terminal = open_terminal("-p", server.pid, *GENEROUS)
    terminal.wait_for(leak)
    terminal.signal_filtrace(number)
    ending = terminal.wait_end()
    ending.assert_restored()
    assert ending.status == 128 + number
    undone = Filtrace(tmp_path).run("unstick", "-p", server.pid)
    assert undone.returncode == 0, undone
    assert_left_alone(server.pid)


def test_ctrl_c_quits_like_q(server, leak, open_terminal):
    terminal = open_terminal("-p", server.pid, *GENEROUS)
    terminal.wait_for(leak)
    terminal.press("\x03")
    ending = terminal.wait_end()
    ending.assert_restored()
    assert f"{server.pid} runs on" in ending.farewell


def test_target_that_ends_stays_on_the_screen(start, open_terminal):
    target = start("known_sizes.py")
    terminal = open_terminal("-p", target.pid, "--sample-bytes", "1")
    terminal.wait_for("CPython 3.")
    target.ask("allocate")
    terminal.wait_for("known_sizes.py")
    target.kill()  # without freeing anything
    terminal.wait_for("exited", "known_sizes.py")
    terminal.press("q")
    terminal.wait_end().assert_restored()
