# SPDX-License-Identifier: MIT
"""With --sample-bytes 1 every block is seen, once, with its size, until it is freed."""

import pytest

from checks import EVERY_BLOCK, assert_equals_truth, check_exact
from interpreters import each_supported

ROUNDS = 2  # in each, nearly 2,000 blocks are allocated and freed
BLOCKS_OF_ITS_OWN = 200  # which the program keeps or drops besides


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


@each_supported
def test_the_interpreters_own_count_of_blocks_stays_right(known, filtrace):
    def count_after_all_is_freed():
        for _ in range(ROUNDS):
            known.ask("allocate")
            while any(site["blocks"] for site in known.ask("free")["sites"]):
                pass
        return known.ask("blocks")

    before = count_after_all_is_freed()
    tracing = filtrace.record(known, *EVERY_BLOCK)
    during = count_after_all_is_freed()
    assert tracing.interrupt().returncode == 0
    after = count_after_all_is_freed()
    assert abs(during - before) < BLOCKS_OF_ITS_OWN, (before, during, after)
    assert abs(after - during) < BLOCKS_OF_ITS_OWN, (before, during, after)
