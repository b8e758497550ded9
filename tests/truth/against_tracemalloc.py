# SPDX-License-Identifier: MIT
"""The same run seen by tracemalloc and by filtrace."""

import math

from mixture import Options, run_mixture
from row import Row

# What tracemalloc remembers of a block comes from the C allocator, at the block's own line: pairs
# of filtrace's column and tracemalloc's lines are compared where that makes no difference.
ENTRY_BYTES = 100
ENTRIES_SHARE = 0.01
TRACED = Options("tracemalloc", ("--sample-bytes", "16384"),
                 ("--load", "0.1", "--blocks-per-second", "5000"))
SIGMAS = 5.5


class AgainstTracemalloc(Row):
    name = "tracemalloc"
    title = "what tracemalloc traced at a line, and what filtrace estimates"
    share = 0.1

    def run(self, stage, seed, seconds):
        return run_mixture(stage, seed, seconds, TRACED, is_traced=True)

    def brief(self, run):
        return f"{len(run.traced)} lines traced"

    def kept(self, run):
        return {"seed": run.seed, "traced": run.traced,
                "figures": [figure._asdict() for figure in run.figures]}

    def report(self, runs):
        traced = estimated = truth_bytes = variance = 0
        sites = 0
        for run in runs:
            for truth in run.truths:
                size, blocks = run.traced[str(truth.line)]
                column = self.column(truth, size, blocks)
                if not column:
                    continue
                sites += 1
                traced += size
                truth_bytes += truth.live_bytes()
                estimated += run.capture.site(truth)[column]
                variance += truth.live_variance(run.capture.interval)
        if not sites:
            return ["no line can be compared"]
        error = estimated / traced - 1
        deviation = math.sqrt(variance) / traced
        print(f"{sites} lines, {traced / 1e6:.0f} MB traced, {truth_bytes / 1e6:.0f} MB in truth; "
              f"filtrace {100 * error:+.2f}% +- {100 * deviation:.2f}%")
        is_right = abs(error) <= ENTRIES_SHARE + SIGMAS * deviation
        return [] if is_right else [f"{100 * error:.2f}% off what tracemalloc says"]

    def column(self, truth, size, blocks):
        """Where filtrace shows the same blocks as tracemalloc; None if it shows others too."""
        if truth.name in ("small_strings", "handed_small"):
            return "pymalloc_bytes"
        return "live" if ENTRY_BYTES * blocks < ENTRIES_SHARE * size else None
