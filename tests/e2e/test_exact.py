# SPDX-License-Identifier: MIT
"""With --sample-bytes 1 every block is seen, once, with its size, until it is freed."""

import pytest

from checks import EVERY_BLOCK, assert_equals_truth, check_exact
from interpreters import each_supported


@pytest.fixture
def known(start, python):
    return start("known_sizes.py", python=python.path)


@each_supported
def test_small_and_large_blocks_count_exactly_once(known, filtrace):
    known.ask("mark")
    tracing = filtrace.record(known, *EVERY_BLOCK)
    truth = known.ask("allocate")
    assert tracing.interrupt().returncode == 0
    assert_equals_truth(filtrace.report(), truth)


@each_supported
def test_freed_blocks_are_gone_and_old_ones_never_count(python, stage):
    check_exact(stage, python)


@each_supported
def test_second_attach_counts_exactly_too(known, filtrace):
    first = filtrace.record(known, *EVERY_BLOCK)
    known.ask("allocate")
    assert first.interrupt().returncode == 0

    known.ask("allocate")
    known.ask("mark")
    second = filtrace.record(known, *EVERY_BLOCK, file="second")
    known.ask("allocate")
    truth = known.ask("free")
    assert second.interrupt().returncode == 0
    assert_equals_truth(filtrace.report("second"), truth)
