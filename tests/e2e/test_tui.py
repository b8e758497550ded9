# SPDX-License-Identifier: MIT
"""The live view in a real terminal: quick, right, resizable, and gone without a trace."""

import os
import signal

import pytest

from images import assert_left_alone
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
    terminal.press("g" + "j" * row + "\r")
    terminal.wait_for(" index")  # the caller of render()
    terminal.press("\r")
    terminal.wait_until_gone(" index")
    terminal.press(" ")
    terminal.wait_until_gone("PAUSED")
    terminal.press("q")
    terminal.wait_end().assert_restored()


def test_sigterm_restores_the_terminal_and_the_target(server, leak, open_terminal):
    terminal = open_terminal("-p", server.pid, *GENEROUS)
    terminal.wait_for(leak)
    terminal.signal_filtrace(signal.SIGTERM)
    ending = terminal.wait_end()
    ending.assert_restored()
    assert f"{server.pid} runs on" in ending.farewell
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
