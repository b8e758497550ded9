# SPDX-License-Identifier: MIT
"""Whatever a target says of itself: filtrace ends in time, stays small, and shows nothing of it
that could do harm; and the target, which is only a liar, runs on."""

import os
import re
import subprocess

import pytest

import hostile
from hostile import (FILES, FRESH_NAMES, JOURNAL, MARK, NAMES, OFFER, POSTS, SHARED, STRUCTURES,
                     THREAD_LIST)
from images import assert_left_alone
from processes import FILTRACE
from terminal import Terminal

# What ncurses writes for TERM=screen-256color.
SEQUENCES = re.compile(rb"\x1b(\[[?>]?[0-9;]*[A-Za-z@`]|[()][0AB]|[=>78MDEHc])")


@pytest.fixture
def start_hostile(tmp_path):
    targets = []

    def start(minor=11, seed=1):
        targets.append(hostile.Hostile(tmp_path / f"target-{len(targets)}", seed, minor))
        return targets[-1]

    yield start
    for target in targets:
        target.end()
        target.kill()


@pytest.mark.parametrize("minor", hostile.MINORS)
def test_corrupt_structures_are_survived(minor, start_hostile, tmp_path):
    target = start_hostile(minor)
    assert hostile.count_read(target, tmp_path, 1, STRUCTURES, NAMES) > 60
    assert_left_alone(target.pid)


def test_honest_interpreter_is_read_right(start_hostile, tmp_path):
    """Else all that is said here of the others says nothing."""
    report = hostile.record(start_hostile(), tmp_path, 1)
    frames = report["stacks"][0]["frames"]
    assert len(frames) == 20
    assert frames[0] == {"function": "function_3", "file": "/srv/hostile/module_3.py", "line": 1}


def test_corrupt_shared_pages_are_survived(start_hostile, tmp_path):
    target = start_hostile()
    assert hostile.record(target, tmp_path, 1, SHARED, POSTS, NAMES) is not None
    assert hostile.record(target, tmp_path, 1, SHARED) is not None
    assert_left_alone(target.pid)


def test_stopped_time_that_the_target_makes_up_stays_possible(start_hostile, tmp_path):
    target = start_hostile()
    threads = len(os.listdir(f"/proc/{target.pid}/task"))
    capture = hostile.record(target, tmp_path, 1, SHARED)["capture"]
    possible = 1.001 * capture["seconds"]  # figures are rounded
    assert 0 <= capture["longest_stop_seconds"] <= possible
    assert 0 <= capture["stopped_seconds"] <= possible * threads


def test_corrupt_journal_does_not_keep_gates_in(start_hostile, tmp_path):
    target = start_hostile()
    assert hostile.record(target, tmp_path, 1, JOURNAL) is not None
    assert_left_alone(target.pid)


def test_wrong_offers_are_refused_or_survived(start_hostile, tmp_path):
    target = start_hostile()
    hostile.record(target, tmp_path, 0.1)  # from now on, the region is known to the target
    hostile.attach_often(target, tmp_path, 8, OFFER)
    assert_left_alone(target.pid)


def test_files_that_change_while_they_are_read_are_survived(start_hostile, tmp_path):
    hostile.attach_often(start_hostile(), tmp_path, 6, FILES)


def test_names_without_end_take_no_memory_without_end(start_hostile, tmp_path):
    assert hostile.record(start_hostile(), tmp_path, 1, FRESH_NAMES) is not None


def test_endless_lists_and_posts_end_in_time(start_hostile, tmp_path):
    hostile.record(start_hostile(), tmp_path, 1, THREAD_LIST, POSTS)


def test_endless_command_line_is_cut(start_hostile, tmp_path):
    target = start_hostile()
    target.ask("command 50000000")
    report = hostile.record(target, tmp_path, 0.5)
    assert len(report["target"]["command"]) <= 4096
    finished = subprocess.run([FILTRACE, "ps"], stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=60)
    assert finished.returncode == 0
    assert hostile.harmful(finished.stdout.decode()) == []


def test_nothing_escapes_into_the_terminal(start_hostile):
    target = start_hostile()
    terminal = Terminal("-p", target.pid, "--sample-bytes", "1", columns=120, lines=40)
    try:
        terminal.wait_for(str(target.pid), "module_3.py")
        target.do(STRUCTURES, NAMES)
        for key in "\rjj\rG\r2\r3\rg\r?x":
            terminal.press(key)
        terminal.wait_for("script", MARK)  # harmless parts of harmful names are shown
        target.do()
        terminal.press("q")
        terminal.wait_end().assert_restored()
    finally:
        terminal.close()
    rest = SEQUENCES.sub(b"", terminal.raw).decode()
    assert [c for c in hostile.harmful(rest) if c not in "\r\b\t\x0e\x0f"] == []
    assert not re.search(rb"\x1b[^a-zA-Z]*" + MARK.encode(), terminal.raw)
