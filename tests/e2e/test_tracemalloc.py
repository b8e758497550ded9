# SPDX-License-Identifier: MIT
"""tracemalloc wraps the allocators, and saves what it finds in their place: maybe gates."""

import pytest

from images import InterpreterData, assert_left_alone
from interpreters import each_supported
from test_exact import EVERY_BLOCK, assert_equals_truth


@pytest.fixture
def wrapped(start, python):
    return start("wrapped_sizes.py", python=python.path)


def assert_counts_exactly(wrapped, filtrace):
    """Attach once more: the truth is that of what is allocated from now on."""
    wrapped.ask("mark")
    tracing = filtrace.record(wrapped, *EVERY_BLOCK, file="exact")
    truth = wrapped.ask("allocate")
    assert tracing.interrupt().returncode == 0
    assert_equals_truth(filtrace.report("exact"), truth)
    assert_left_alone(wrapped.pid)


@each_supported
def test_gates_that_tracemalloc_saved_are_taken_out(wrapped, filtrace):
    tracing = filtrace.record(wrapped, *EVERY_BLOCK)
    gated = InterpreterData(wrapped.pid).diverted()
    assert wrapped.ask("start") is True
    assert InterpreterData(wrapped.pid).diverted() not in ([], gated)
    assert tracing.interrupt().returncode == 0
    assert_left_alone(wrapped.pid)

    assert wrapped.ask("stop") is False
    assert_left_alone(wrapped.pid)
    assert_counts_exactly(wrapped, filtrace)


@each_supported
def test_gates_that_tracemalloc_put_back_are_taken_out(wrapped, filtrace):
    assert wrapped.ask("start") is True
    tracing = filtrace.record(wrapped, *EVERY_BLOCK)
    gated = InterpreterData(wrapped.pid).diverted()
    assert wrapped.ask("stop") is False
    assert InterpreterData(wrapped.pid).diverted() not in ([], gated)
    assert tracing.interrupt().returncode == 0
    assert_left_alone(wrapped.pid)
    assert_counts_exactly(wrapped, filtrace)


@each_supported
def test_next_attach_takes_out_what_a_killed_filtrace_left_in_tracemalloc(wrapped, filtrace):
    tracing = filtrace.record(wrapped, *EVERY_BLOCK)
    assert wrapped.ask("start") is True
    tracing.kill()
    assert InterpreterData(wrapped.pid).diverted() != []

    assert filtrace.run("record", "-p", wrapped.pid, "-o", "next", "-d", "1").returncode == 0
    assert_left_alone(wrapped.pid)
    assert wrapped.ask("stop") is False
    assert_left_alone(wrapped.pid)
    assert_counts_exactly(wrapped, filtrace)
