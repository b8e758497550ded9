# SPDX-License-Identifier: MIT
"""A terminal's screen as a page of HTML, in its colours.

A cell is 8 by 16 pixels, so that an eighth of it is a whole number of them at any scale. What is
made of eighths, as bars and sparklines are, is not left to the font: it is drawn as a terminal
draws it, and joins what is beside and below.
"""

import html
import itertools

from terminal import ScrollingScreen, Terminal

CELL, LINE = 8, 16  # pixels
PAPER, INK = "#16181d", "#d6d9df"
COLOURS = {
    "default": INK, "black": "#101216", "red": "#f0646c", "green": "#8cc473", "brown": "#e3b94f",
    "blue": "#6ba4f0", "magenta": "#c58be3", "cyan": "#56bdcb", "white": INK,
}
BOLD, FAINT, ITALICS, NORMAL, NO_ITALICS = 1, 2, 3, 22, 23  # ECMA-48, SELECT GRAPHIC RENDITION
LOWER_EIGHTH, FULL, LEFT_EIGHTH = 0x2581, 0x2588, 0x258F  # with seven of each kind between

STYLE = f"""
body {{ margin: 0; }}
#window {{ display: inline-block; overflow: hidden; background: {PAPER}; color: {INK};
  border: 1px solid #3b3f49; border-radius: 8px; }}
#title {{ position: relative; height: 28px; background: #2a2d35; text-align: center; color: #a4a8b2;
  font: 13px/28px "DejaVu Sans", sans-serif; }}
#title i {{ position: absolute; top: 9px; width: 10px; height: 10px; border-radius: 5px;
  background: #555a66; }}
pre {{ margin: 8px 6px; font: 13.3px/{LINE}px "DejaVu Sans Mono", monospace; }}
pre span {{ display: inline-block; height: {LINE}px; vertical-align: top; overflow: hidden;
  letter-spacing: calc({CELL}px - 1ch); }}
pre i {{ display: inline-block; width: {CELL}px; height: {LINE}px; vertical-align: top;
  background: linear-gradient(currentColor, currentColor) left bottom no-repeat; }}
.bold {{ font-weight: 700; }}
.faint {{ opacity: 0.6; }}
.under {{ text-decoration: underline; }}
"""


def split_faint(attributes):
    """The attributes, with italics for faint."""
    rest = iter(attributes)
    for attribute in rest:
        if attribute in (38, 48):  # a colour by its number, or by three
            kind = next(rest, 5)
            yield from (attribute, kind, *itertools.islice(rest, 1 if kind == 5 else 3))
        elif attribute == FAINT:
            yield ITALICS
        elif attribute == NORMAL:
            yield from (NORMAL, NO_ITALICS)
        else:
            yield attribute


class FaintScreen(ScrollingScreen):
    """pyte knows no faint text: italics stand for it, which filtrace never uses."""

    def select_graphic_rendition(self, *attributes):
        super().select_graphic_rendition(*split_faint(attributes))


class PictureTerminal(Terminal):
    screen_class = FaintScreen


def colour(name):
    return COLOURS.get(name, f"#{name}")


def glyph(text):
    """What stands in a cell."""
    code = ord(text[0]) if text else 0
    if LOWER_EIGHTH <= code <= FULL:
        return f'<i style="background-size:100% {12.5 * (code - LOWER_EIGHTH + 1)}%"></i>'
    if FULL < code <= LEFT_EIGHTH:
        return f'<i style="background-size:{12.5 * (LEFT_EIGHTH - code + 1)}% 100%"></i>'
    return html.escape(text)


def span(look, cells):
    """Neighbours that look alike."""
    ink, paper = colour(look.fg), PAPER if look.bg == "default" else colour(look.bg)
    if look.reverse:
        ink, paper = paper, ink
    styles = [f"width:{CELL * len(cells)}px"]
    styles += [f"color:{ink}"] if ink != INK else []
    styles += [f"background:{paper}"] if paper != PAPER else []
    names = [name for name, is_so in (("bold", look.bold), ("faint", look.italics),
                                      ("under", look.underscore)) if is_so]
    classes = f' class="{" ".join(names)}"' if names else ""
    text = "".join(glyph(cell.data) for cell in cells)
    return f'<span{classes} style="{";".join(styles)}">{text}</span>'


def line(cells):
    runs = itertools.groupby(cells, key=lambda cell: cell._replace(data=""))
    return "".join(span(look, list(run)) for look, run in runs)


def screen_page(screen, title):
    """The page: a window with this title, and in it the screen."""
    lines = (line([screen.buffer[y][x] for x in range(screen.columns)])
             for y in range(screen.lines))
    buttons = "".join(f'<i style="left:{10 + 17 * i}px"></i>' for i in range(3))
    return (f'<!DOCTYPE html><meta charset="utf-8"><style>{STYLE}</style><div id="window">'
            f'<div id="title">{buttons}{html.escape(title)}</div>'
            f'<pre>{chr(10).join(lines)}</pre></div>\n')
