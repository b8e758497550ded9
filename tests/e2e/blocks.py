# SPDX-License-Identifier: MIT
"""What a leaking line of seeded_leaks.py really held, and how far estimates of it may stray.

The definitions are those of profile/estimate.h.
"""

import math
from typing import NamedTuple

STRETCHES_MAX = 16
STRETCH_SECONDS_MIN = 1 / 16


class Batch(NamedTuple):
    """Blocks that were born, and maybe freed, together; seconds since attach."""

    born: float
    died: float  # or None
    blocks: int
    bytes: int

    def end(self, now):
        return now if self.died is None else min(self.died, now)

    def gain(self, now):
        """What a byte of it contributes to the slope over [0, now]."""
        end = self.end(now)
        return 6 / now ** 3 * (end - self.born) * (end + self.born - now)


def probability(size, interval):
    return 1.0 if interval <= 1 else -math.expm1(-size / interval)


class Moments(NamedTuple):
    """What to expect of samples of some blocks, per byte of them."""

    samples: float
    variance: float  # of the estimate of their bytes

    @staticmethod
    def of(sizes, interval):
        """`sizes`: pairs of a size and how many blocks have it."""
        total = sum(size * count for size, count in sizes)
        samples = variance = 0.0
        for size, count in sizes:
            p = probability(size, interval)
            samples += count * p
            variance += count * size * size * (1 - p) / p
        return Moments(samples / total, variance / total)


class Truth:
    """One leaking line, at the instant `now`."""

    def __init__(self, site, start, now):
        self.now = now
        self.name = site["function"]
        self.line = site["line"]
        self.file = site["file"]
        self.sizes = [(size, count) for size, count in site["sizes"] if size > 0]
        self.batches = [
            Batch(born - start, None if died is None else died - start, blocks, size)
            for born, died, blocks, size in site["batches"] if size > 0]

    def live(self):
        return [batch for batch in self.batches if batch.died is None]

    def live_bytes(self):
        return sum(batch.bytes for batch in self.live())

    def live_blocks(self):
        return sum(batch.blocks for batch in self.live())

    def growth(self):
        return sum(batch.bytes * batch.gain(self.now) for batch in self.batches)

    def moments(self, interval):
        """The moments of each batch. A block that is alone is known by its size."""
        common = Moments.of(self.sizes, interval)
        return [Moments.of([(batch.bytes, 1)], interval) if batch.blocks == 1 else common
                for batch in self.batches]

    def samples(self, interval):
        """How many live blocks are sampled, on average."""
        return sum(batch.bytes * moments.samples
                   for batch, moments in zip(self.batches, self.moments(interval))
                   if batch.died is None)

    def live_variance(self, interval):
        return sum(batch.bytes * moments.variance
                   for batch, moments in zip(self.batches, self.moments(interval))
                   if batch.died is None)

    def growth_variance(self, interval):
        return sum(batch.bytes * moments.variance * batch.gain(self.now) ** 2
                   for batch, moments in zip(self.batches, self.moments(interval)))

    def course(self):
        """Byte-seconds of each stretch of time that filtrace looks at, and its length."""
        stretch = STRETCH_SECONDS_MIN
        while self.now > stretch * STRETCHES_MAX:
            stretch *= 2
        count = math.ceil(self.now / stretch)
        areas = [0.0] * count
        for batch in self.batches:
            end = batch.end(self.now)
            for i in range(int(batch.born / stretch), min(int(end / stretch), count - 1) + 1):
                lived = min(end, (i + 1) * stretch) - max(batch.born, i * stretch)
                areas[i] += batch.bytes * lived
        return [(i * stretch, min(stretch, self.now - i * stretch), area)
                for i, area in enumerate(areas)]

    def fit_variance(self):
        """The variance of the slope that comes of live bytes being no straight line."""
        course = self.course()
        mean = sum(area for _, _, area in course) / self.now
        time_square = product = bytes_square = 0.0
        for start, seconds, area in course:
            time = start + seconds / 2 - self.now / 2
            size = area / seconds - mean
            time_square += time * time * seconds
            product += time * size * seconds
            bytes_square += size * size * seconds
        residual = max(bytes_square - product * product / time_square, 0)
        return residual / time_square / (len(course) - 4) if len(course) > 4 else 0.0
