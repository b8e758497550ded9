# SPDX-License-Identifier: MIT
"""What many figures beside their truths say about the statistics."""

import math

CHANCE = 1e-6  # that a right filtrace is refused


def binomial_tail(count, most, p):
    """The probability of at most so many of `count`."""
    logs = [math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1)
            + k * math.log(p) + (count - k) * math.log1p(-p) for k in range(most + 1)]
    return min(sum(map(math.exp, logs)), 1.0)


class Group:
    """Figures that are looked at together."""

    def __init__(self, name, figures):
        self.name = name
        self.figures = figures
        self.count = len(figures)

    def bias(self):
        """The weighted mean relative error, and its standard error: as the errors show it or as
        sampling has it, whichever is more, for errors show little where few figures weigh much."""
        known = [figure for figure in self.figures if figure.truth and figure.deviation]
        if not known:
            return 0.0, math.inf
        total = sum(figure.weight for figure in known)
        mean = sum(figure.weight * figure.relative_error for figure in known) / total
        seen = sum((figure.weight * (figure.relative_error - mean)) ** 2 for figure in known)
        expected = sum((figure.weight * figure.deviation / figure.truth) ** 2 for figure in known)
        return mean, math.sqrt(max(seen, expected)) / total

    def covered(self):
        return sum(figure.is_covered for figure in self.figures)

    def width(self):
        """The median: figures whose sampling is nearly exact have intervals far too wide."""
        widths = sorted(figure.width for figure in self.figures if figure.deviation)
        return widths[len(widths) // 2] if widths else math.nan

    def row(self):
        bias, error = self.bias()
        coverage = self.covered() / self.count
        coverage_error = math.sqrt(max(coverage * (1 - coverage), 0.25 / self.count) / self.count)
        return (f"{self.name:34} {self.count:7} {100 * bias:+8.2f}% {100 * error:7.2f}% "
                f"{100 * coverage:8.1f}% {100 * coverage_error:6.1f}% {self.width():7.2f}")

    HEAD = (f"{'figures':34} {'count':>7} {'bias':>9} {'+-':>8} {'coverage':>9} {'+-':>7} "
            f"{'width':>7}")

    def bias_problem(self, most):
        bias, error = self.bias()
        if abs(bias) <= most + 5.5 * error:
            return None
        return f"{self.name}: a bias of {100 * bias:.2f} +- {100 * error:.2f}%"

    def coverage_problem(self, low, high):
        """Tell of a coverage that would be a millionth chance if the true one were in bounds."""
        covered = self.covered()
        missed = self.count - covered
        if (binomial_tail(self.count, covered, low) >= CHANCE
                and binomial_tail(self.count, missed, 1 - high) >= CHANCE):
            return None
        return f"{self.name}: {covered} of {self.count} intervals hold the truth"


def samples_class(figure):
    if figure.samples < 3:
        return "below 3"
    return "3 to 20" if figure.samples < 20 else "20 to 200" if figure.samples < 200 else "more"


def grouped(name, figures, key):
    """One group for each value of a key."""
    parts = {}
    for figure in figures:
        parts.setdefault(key(figure), []).append(figure)
    return [Group(f"{name}{value}", part) for value, part in sorted(parts.items())]
