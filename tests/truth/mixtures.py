# SPDX-License-Identifier: MIT
"""Mixtures of leaks and churn: are figures unbiased, and do intervals hold the truth?"""

from figures import Group, grouped, samples_class
from mixture import Options, options_of, run_mixture
from row import Row

BIAS = 0.01
COVERAGE = (0.93, 0.97)
SAMPLES_MIN = 3  # below, what is hardly ever sampled is missed or far too large


class Mixtures(Row):
    name = "mixtures"
    title = "3 to 8 leaking lines beside churn, against what the target counted"

    def run(self, stage, seed, seconds):
        record, target = self.arguments.record, self.arguments.target
        options = options_of(seed)
        if record or target:
            options = Options(" ".join([*(record or []), *(target or [])]),
                              tuple(record or ()), tuple(target or ()))
        return run_mixture(stage, seed, seconds, options)

    def brief(self, run):
        capture = run.capture
        return (f"{run.options.name}, {run.bytes_per_second() / 1e6:.0f} MB/s, "
                f"T {capture.interval:.0f}, {capture.meta['samples']} samples, "
                f"{capture.meta['dropped']} dropped, "
                f"{sum(figure.is_covered for figure in run.figures)} of {len(run.figures)} hold")

    def kept(self, run):
        return {"seed": run.seed, "options": run.options.name, "meta": run.capture.meta,
                "bytes_per_second": run.bytes_per_second(),
                "figures": [figure._asdict() for figure in run.figures]}

    def report(self, runs):
        rates = sorted(run.bytes_per_second() / 1e6 for run in runs)
        lost = sum(run.capture.meta["dropped"] for run in runs)
        samples = sum(run.capture.meta["samples"] for run in runs)
        print(f"allocating {rates[0]:.0f} to {rates[-1]:.0f} MB/s, median "
              f"{rates[len(rates) // 2]:.0f}; {samples} samples, {lost} lost")
        problems = []
        for what in ("live", "growth", "total"):
            problems += report_figures(
                what, [figure for run in runs for figure in run.figures if figure.what == what])
        return problems


def report_figures(what, figures):
    """Print the groups of one kind of figure, and give what speaks against filtrace."""
    judged = [figure for figure in figures
              if figure.is_sampled and figure.samples >= SAMPLES_MIN]
    print(f"\n{Group.HEAD}")
    everything = Group(f"{what}, all", figures)
    print(everything.row())
    if not judged:
        return []
    group = Group(f"{what}, judged", judged)
    print(group.row())
    for part in (grouped("  samples: ", figures, samples_class)
                 + grouped("  judged, samples: ", judged, samples_class)
                 + grouped("  judged, at ", judged, lambda figure: figure.site)
                 + grouped("  judged, ", judged, lambda figure: figure.options)):
        print(part.row())
    found = [everything.bias_problem(BIAS), group.coverage_problem(*COVERAGE)]
    return [problem for problem in found if problem]
