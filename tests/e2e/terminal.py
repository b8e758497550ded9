# SPDX-License-Identifier: MIT
"""A terminal with a shell in it that runs filtrace, seen as a person sees it."""

import os
import pathlib
import signal

import pexpect
import pyte

from processes import FILTRACE, wait_until

# pyte does not know how xterm repeats a character, and screen does not do it.
TERM = "screen-256color"
SCRIPT = '''
ulimit -c 0
trap : INT
stty -g
"$0" "$@"
echo "status $?"
stty -g
echo the shell is done
'''


class ScrollingScreen(pyte.Screen):
    """pyte's screen, which can also scroll several lines at once (CSI S, CSI T)."""

    def scroll_up(self, count=1):
        self._at_margin(lambda margins: margins.bottom, self.index, count)

    def scroll_down(self, count=1):
        self._at_margin(lambda margins: margins.top, self.reverse_index, count)

    def _at_margin(self, line_of, step, count):
        margins = self.margins or pyte.screens.Margins(0, self.lines - 1)
        line, self.cursor.y = self.cursor.y, line_of(margins)
        for _ in range(count or 1):
            step()
        self.cursor.y = line


class ScrollingStream(pyte.ByteStream):
    csi = {**pyte.ByteStream.csi, "S": "scroll_up", "T": "scroll_down"}
    events = pyte.ByteStream.events | {"scroll_up", "scroll_down"}


class Terminal:
    screen_class = ScrollingScreen

    def __init__(self, *arguments, columns=80, lines=24, directory=None, **environment):
        self.screen = self.screen_class(columns, lines)
        self.stream = ScrollingStream(self.screen)
        self.raw = b""
        self.shell = pexpect.spawn(
            "/bin/sh", ["-c", SCRIPT, FILTRACE, *map(str, arguments)], dimensions=(lines, columns),
            cwd=directory, env={**os.environ, "TERM": TERM, "LC_ALL": "C.UTF-8", **environment})

    def text(self):
        """The screen now, after taking in what was written meanwhile."""
        try:
            while True:
                received = self.shell.read_nonblocking(65536, timeout=0)
                self.raw += received
                self.stream.feed(received)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return "\n".join(self.screen.display)

    def wait_for(self, *words, seconds=15):
        """Wait until all the words are on the screen; return the screen."""
        try:
            wait_until(lambda: all(word in self.text() for word in words), words, seconds)
        except AssertionError as problem:
            raise AssertionError(f"{problem}; the screen is:\n{self.text()}") from None
        return self.text()

    def wait_until_gone(self, word):
        wait_until(lambda: word not in self.text(), f"{word!r} gone from the screen")

    def press(self, keys):
        self.shell.send(keys)

    def click(self, *places, button=0):
        """Press and release a button of the mouse, or turn its wheel (64, 65), at some places, each
        (column, line), all at once."""
        codes = (button, 3) if button < 64 else (button,)
        self.shell.send("".join(
            "\x1b[M" + "".join(chr(32 + number) for number in (code, column + 1, line + 1))
            for column, line in places for code in codes))

    def click_on(self, word):
        line, text = next((n, text) for n, text in enumerate(self.text().splitlines())
                          if word in text)
        self.click((text.index(word), line))

    def resize(self, columns, lines):
        """Give the window another size, and wait until something was drawn in it."""
        self.text()
        drawn = len(self.raw)
        self.screen.resize(lines, columns)
        self.shell.setwinsize(lines, columns)
        wait_until(lambda: self.text() and len(self.raw) > drawn, "a drawing at the new size")

    def filtrace_pid(self):
        """Which process filtrace is: the shell's only child."""
        children = pathlib.Path(f"/proc/{self.shell.pid}/task/{self.shell.pid}/children")
        pid, = children.read_text().split()
        return int(pid)

    def signal_filtrace(self, number=signal.SIGTERM):
        os.kill(self.filtrace_pid(), number)

    def wait_end(self):
        """Wait until the shell is done; return its own output, without the pictures between."""
        self.wait_for("the shell is done")
        wait_until(lambda: not self.shell.isalive(), "end of the shell")
        self.text()
        lines = self.raw.decode().replace("\r", "").splitlines()
        return Ending(lines, self.raw)

    def close(self):
        self.shell.close(force=True)


class Ending:
    """What was in the terminal when all was over."""

    def __init__(self, lines, raw):
        status_at = next(n for n, line in enumerate(lines) if line.startswith("status "))
        self.status = int(lines[status_at].split()[1])
        self.settings_before = lines[0]
        self.settings_after = lines[status_at + 1]
        self.farewell = lines[status_at - 1]
        self.has_left_screen = raw.rfind(b"\x1b[?1049l") > raw.rfind(b"\x1b[?1049h") >= 0
        self.has_mouse = raw.rfind(b"\x1b[?1000h") > raw.rfind(b"\x1b[?1000l")
        self.has_cursor = raw.rfind(b"\x1b[?25h") > raw.rfind(b"\x1b[?25l")

    def assert_restored(self):
        assert self.settings_after == self.settings_before
        assert self.has_left_screen and self.has_cursor and not self.has_mouse
