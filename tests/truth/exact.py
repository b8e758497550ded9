# SPDX-License-Identifier: MIT
"""With --sample-bytes 1 every figure is the truth itself."""

from mixture import Options, run_mixture
from row import Row

LIGHT = ("--load", "0.01", "--blocks-per-second", "200")
EVERY_BLOCK = Options("--sample-bytes 1", ("--sample-bytes", "1"), LIGHT)
GROWTH_ERROR = 0.01  # a batch has one time, and the stop before its end has no part in it


class Exact(Row):
    name = "exact"
    title = "the same lightly, every allocation stopped: figures equal the truth"
    share = 0.05

    def run(self, stage, seed, seconds):
        return run_mixture(stage, seed, seconds, EVERY_BLOCK)

    def brief(self, run):
        return f"{run.capture.meta['samples']} samples"

    def kept(self, run):
        return {"seed": run.seed, "figures": [figure._asdict() for figure in run.figures]}

    def report(self, runs):
        problems = [problem for run in runs for problem in self.problems_of(run)]
        sites = sum(len(run.truths) for run in runs)
        errors = [abs(figure.relative_error) for run in runs for figure in run.figures
                  if figure.what == "growth" and figure.truth]
        print(f"{sites} sites; {len(problems)} differ; the most that growth is off: "
              f"{100 * max(errors):.3f}%")
        return problems

    def problems_of(self, run):
        for truth in run.truths:
            site = run.capture.site(truth)
            seen = (site["live"], site["live_low"], site["live_high"], site["live_blocks"])
            real = truth.live_bytes()
            if seen != (real, real, real, truth.live_blocks()):
                yield (f"seed {run.seed}, {truth.name}: {real} bytes in {truth.live_blocks()} "
                       f"blocks, seen {seen}")
            if abs(site["growth"] - truth.growth()) > GROWTH_ERROR * abs(truth.growth()):
                yield f"seed {run.seed}, {truth.name}: grows {truth.growth()}, {site['growth']}"
