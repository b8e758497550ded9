# SPDX-License-Identifier: MIT
"""tracemalloc wraps the allocators, and saves what it finds in their place: maybe gates."""

from checks import (
    EVERY_BLOCK, assert_counts_exactly, check_tracemalloc_started_and_stopped,
    check_tracemalloc_stopped, check_under_tracemalloc)
from images import InterpreterData, assert_left_alone
from interpreters import each_supported


@each_supported
def test_gates_that_tracemalloc_saved_are_taken_out(python, stage):
    check_tracemalloc_started_and_stopped(stage, python)


@each_supported
def test_gates_that_tracemalloc_put_back_are_taken_out(python, stage):
    check_tracemalloc_stopped(stage, python)


@each_supported
def test_blocks_under_tracemalloc_count_once_besides_its_own(python, stage):
    check_under_tracemalloc(stage, python)


@each_supported
def test_next_attach_takes_out_what_a_killed_filtrace_left_in_tracemalloc(python, start, filtrace):
    wrapped = start("wrapped_sizes.py", python=python.path)
    tracing = filtrace.record(wrapped, *EVERY_BLOCK)
    assert wrapped.ask("start") is True
    tracing.kill()
    assert InterpreterData(wrapped.pid).diverted() != []

    assert filtrace.run("record", "-p", wrapped.pid, "-o", "next", "-d", "1").returncode == 0
    assert_left_alone(wrapped.pid)
    assert wrapped.ask("stop") is False
    assert_left_alone(wrapped.pid)
    assert_counts_exactly(wrapped, filtrace)
