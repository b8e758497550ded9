# SPDX-License-Identifier: MIT
"""With --sample-bytes 1 every block is seen, once, with its size, until it is freed."""

import pytest

from interpreters import each_supported

EVERY_BLOCK = ("--sample-bytes", "1")


@pytest.fixture
def known(start, python):
    return start("known_sizes.py", python=python.path)


def measured(report, expected):
    """What the report says of a site of the truth, in the truth's own terms."""
    for site in report["sites"]:
        if (site["file"], site["line"]) == (expected["file"], expected["line"]):
            assert site["live_bytes_error"] == 0
            kinds = {"pymalloc": 0, "malloc": 0, **site["kinds"]}
            return {"function": site["function"], "file": site["file"], "line": site["line"],
                    "blocks": site["live_blocks"], "bytes": site["live_bytes"], "kinds": kinds}
    return None


def assert_equals_truth(report, truth):
    assert report["capture"]["dropped"] == 0
    sites = truth["sites"]
    assert len(sites) > 10 and all(site["blocks"] > 0 for site in sites)
    assert [measured(report, site) for site in sites] == sites


@each_supported
def test_small_and_large_blocks_count_exactly_once(known, filtrace):
    known.ask("mark")
    tracing = filtrace.record(known, *EVERY_BLOCK)
    truth = known.ask("allocate")
    assert tracing.interrupt().returncode == 0
    assert_equals_truth(filtrace.report(), truth)


@each_supported
def test_freed_blocks_are_gone_and_old_ones_never_count(known, filtrace):
    known.ask("allocate")
    known.ask("mark")
    tracing = filtrace.record(known, *EVERY_BLOCK)
    before = known.ask("allocate")
    truth = known.ask("free")
    assert tracing.interrupt().returncode == 0
    assert sum(s["blocks"] for s in truth["sites"]) < sum(s["blocks"] for s in before["sites"])
    assert_equals_truth(filtrace.report(), truth)


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
