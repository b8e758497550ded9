# SPDX-License-Identifier: MIT
"""A terminal in a picture looks as the terminal did; `make pictures` makes them."""

import pathlib
import sys
from xml.etree import ElementTree

import pytest

from terminal import ScrollingStream

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1] / "pictures"))

from screen_page import CELL, COLOURS, INK, PAPER, FaintScreen, line, screen_page  # noqa: E402

COLUMNS = 12


def spans(sent):
    """What the first line is drawn as: elements, without the blank rest of the line."""
    screen = FaintScreen(COLUMNS, 2)
    ScrollingStream(screen).feed(sent.encode())
    drawn = line([screen.buffer[0][x] for x in range(COLUMNS)])
    found = ElementTree.fromstring(f"<pre>{drawn}</pre>")
    widths = [int(style(span)["width"].removesuffix("px")) for span in found]
    assert sum(widths) == COLUMNS * CELL
    return [span for span in found if "".join(span.itertext()).strip() or len(span)]


def style(element):
    return dict(part.split(":") for part in element.get("style").split(";"))


@pytest.mark.parametrize("attributes, ink, paper, weight", [
    ("36", COLOURS["cyan"], PAPER, None),
    ("1;31", COLOURS["red"], PAPER, "bold"),
    ("2", INK, PAPER, "faint"),
    ("30;46", COLOURS["black"], COLOURS["cyan"], None),
    ("7", PAPER, INK, None),
    ("38;5;166", "#d75f00", PAPER, None),
    ("38;5;2", "#00cd00", PAPER, None),  # the 2 is no faint text
    ("2;22;1", INK, PAPER, "bold"),
])
def test_text_has_the_colours_and_the_weight_that_the_terminal_shows(
        attributes, ink, paper, weight):
    before, text, after = spans(f"a\x1b[{attributes}mtext\x1b[0;4mz")
    assert [span.text for span in (before, text, after)] == ["a", "text", "z"]
    assert style(text).get("color", INK) == ink
    assert style(text).get("background", PAPER) == paper
    assert text.get("class") == weight
    assert (before.get("class"), after.get("class")) == (None, "under")
    assert "color" not in style(before) and "color" not in style(after)


@pytest.mark.parametrize("text, size", [
    ("▁", "100% 12.5%"), ("▄", "100% 50.0%"), ("█", "100% 100.0%"),
    ("▉", "87.5% 100%"), ("▌", "50.0% 100%"), ("▏", "12.5% 100%"),
])
def test_bar_is_drawn_as_large_as_it_is(text, size):
    span, = spans(f"\x1b[36m{text}")
    bar, = span
    assert (bar.tag, style(bar)) == ("i", {"background-size": size})
    assert style(span)["color"] == COLOURS["cyan"]


def test_text_of_a_screen_is_no_markup():
    screen = FaintScreen(COLUMNS, 1)
    ScrollingStream(screen).feed(b"<script>&")
    page = screen_page(screen, "<title>")
    assert "<script" not in page and "&lt;script&gt;&amp;" in page and "&lt;title&gt;" in page
