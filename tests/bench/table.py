# SPDX-License-Identifier: MIT
"""Rows as they come, on the terminal and at the end as Markdown; medians with their spread."""

import statistics

WIDTHS = (34, 22, 22, 10, 10, 13, 11, 16, 20, 24, 18)


class Table:
    """Prints parts of rows at once, and remembers them."""

    def __init__(self):
        self.lines = []  # of Markdown
        self.columns = 0

    def note(self, text):
        """A line between the tables."""
        print(text, flush=True)
        self.lines += ["", text, ""]

    def part(self, title, *columns):
        """Begin a table."""
        print(flush=True)
        self.show(title, columns)
        self.columns = len(columns)
        self.lines += ["", cells(title, columns), cells("---", ["---:"] * len(columns))]

    def row(self, name, *figures):
        self.show("  " + name, figures)
        self.lines.append(cells(name, [*figures, *[""] * (self.columns - len(figures))]))

    def show(self, name, figures):
        words = [str(figure).ljust(width) for figure, width in zip(figures, WIDTHS[1:])]
        print(name.ljust(WIDTHS[0]), *words, flush=True)

    def write(self, path):
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(self.lines).strip() + "\n")


def cells(name, figures):
    return "| " + " | ".join([name, *map(str, figures)]) + " |"


def spread(values, form="{:.3f}"):
    """The median, and from where to where."""
    if not values:
        return "-"
    low, middle, high = map(form.format, (min(values), statistics.median(values), max(values)))
    return f"{middle} ({low}..{high})" if len(values) > 1 else middle


def median(values, form):
    """The median of those that are known."""
    known = [value for value in values if value is not None]
    return form.format(statistics.median(known)) if known else "-"


def high_end(values, form):
    """Median, 95% and the largest."""
    values = sorted(values)
    return [form.format(value) for value in (
        statistics.median(values), values[int(len(values) * 0.95)], values[-1])]
