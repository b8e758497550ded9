# SPDX-License-Identifier: MIT
"""Compare what filtrace says of a leaking server with what the server says of itself."""

import time
from typing import NamedTuple


class Interval(NamedTuple):
    low: float
    high: float

    def overlaps(self, other):
        return self.low <= other.high and other.low <= self.high


def kept_between(first, last):
    """Bytes that the leaking line allocated between two truths and that are still there.

    The dict's table moves whenever it grows, and then counts whole: it is a new block.
    """
    strings = last["string_bytes"] - first["string_bytes"]
    has_moved = last["dict_bytes"] != first["dict_bytes"]
    return strings + (last["dict_bytes"] - last["empty_dict_bytes"] if has_moved else 0)


class Watched(NamedTuple):
    """One recording of a leaking server under traffic."""

    report: dict
    truth: Interval
    line: tuple  # (file, line) of the leak

    @property
    def leak(self):
        """The leaking line's site in the report."""
        return next(site for site in self.report["sites"] if place(site) == self.line)

    @property
    def agrees(self):
        """Within the printed error: 19 times of 20."""
        return self.within(1)

    def within(self, errors):
        """Within so many errors of the truth. With 3, which are nearly six standard deviations,
        less than one right measurement in a million is refused."""
        error = errors * self.leak["live_bytes_error"]
        live = self.leak["live_bytes"]
        return Interval(live - error, live + error).overlaps(self.truth)

    def fastest_growing(self):
        """The line of Python that grows most: a server in C has buffers of its own besides."""
        lines = [site for site in self.report["sites"] if site["line"]]
        return max(lines, key=lambda site: site["growth_bytes_per_second"])


def place(site):
    return site["file"], site["line"]


def watch(server, filtrace, seconds, *options):
    """Record a server that is under traffic, reading its truth around attach and detach."""
    before = server.truth()
    tracing = filtrace.record(server, "-d", seconds, *options)
    attached = server.truth()
    time.sleep(max(0, seconds - 1))  # no readiness: a moment shortly before the recording's end
    nearly = server.truth()
    finished = tracing.finish()
    after = server.truth()
    assert finished.returncode == 0, finished.stderr
    truth = Interval(kept_between(attached, nearly), kept_between(before, after))
    return Watched(filtrace.report(), truth, (before["file"], before["line"]))
