#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Make the pictures in docs/images again, from real runs: nothing in them is made up.

A leaking Flask server under traffic is traced, recorded and compared; terminals are drawn as pages
(screen_page.py), and pages are taken in Chromium (camera.py). What a terminal showed is written as
text to build/pictures/NAME.txt too, for the manual. What cannot be had is skipped, by name. A busy
machine lengthens stops, and errors with them: look at the figures, too. Needs root, or a machine
that lets users have namespaces of their own.
"""

import argparse
import contextlib
import functools
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[1:1] = [str(TESTS / "e2e"), str(TESTS / "soak")]

import pytest  # noqa: E402

from camera import Camera  # noqa: E402
from interpreters import DEBIAN_PATH, Interpreter  # noqa: E402
from pages import Page, chromium  # noqa: E402
from phases import walk  # noqa: E402
from processes import BUILD, FIXTURES, ROOT, wait_until  # noqa: E402
from readers import reader, speedscope_url  # noqa: E402
from screen_page import PictureTerminal, screen_page  # noqa: E402
from server import free_port  # noqa: E402
from stage import Stage  # noqa: E402

IMAGES = ROOT / "docs" / "images"
TEXTS = BUILD / "pictures"
SERVERS = pathlib.Path("/srv")
FLAMEGRAPH = pathlib.Path("/usr/share/perl5/Devel/NYTProf/flamegraph.pl")  # Debian's
COLUMNS, LINES = 108, 26  # of terminals; the command line of the server is just not cut
MANUAL_COLUMNS = 100
PAGE = (1180, 640)  # pixels
READER_PAGE = (1100, 490)


def enter_namespace():
    """Go on in a mount namespace of our own, whose /srv is ours: pictures are not to show where
    this machine keeps things."""
    if "--in-namespace" not in sys.argv:
        user = [] if os.geteuid() == 0 else ["--map-root-user"]
        os.execvp("unshare", ["unshare", "--mount", *user, "--propagation", "private",
                              sys.executable, "-B", *sys.argv, "--in-namespace"])
    subprocess.run(["mount", "-t", "tmpfs", "pictures", SERVERS], check=True)


class Debian(Interpreter):
    """As `make demo` starts it."""

    def command(self, _directory):
        return [self.path, "-B"]


class Studio:
    """Servers to be traced, terminals and a browser to look into."""

    def __init__(self, stage, browser):
        self.stage = stage
        self.directory = stage.directory
        self.browser = browser
        self.camera = Camera(browser)

    def start(self, fixture, path, edit=lambda source: source):
        """A fixture, perhaps edited, as a program of this path."""
        path.parent.mkdir(exist_ok=True)
        shutil.copy(FIXTURES / "support.py", path.parent)
        path.write_text(edit((FIXTURES / fixture).read_text(encoding="utf-8")), encoding="utf-8")
        return self.stage.start(path, python=Debian(DEBIAN_PATH, ""))

    @contextlib.contextmanager
    def server(self, path, edit=lambda source: source):
        """A Flask server that leaks, under traffic."""
        server = self.start("flask_leak.py", path, edit)
        traffic = self.stage.traffic(server, seconds=300)
        yield server
        traffic.kill()
        server.end()

    def run(self, *arguments):
        finished = self.stage.filtrace.run(*arguments)
        assert finished.returncode == 0, finished.stderr

    def record(self, server, file):
        self.run("record", "-p", server.pid, "-d", "30", "--sample-bytes", "8K", "-o", file)

    @contextlib.contextmanager
    def terminal(self, *arguments, columns=COLUMNS, lines=LINES):
        """A terminal in which filtrace runs, and ends as it should."""
        terminal = PictureTerminal(*arguments, columns=columns, lines=lines,
                                   directory=self.directory)
        try:
            yield terminal
            terminal.press("q")
            terminal.wait_for("status 0", "the shell is done")
        finally:
            terminal.close()

    def shoot_terminal(self, name, terminal, title):
        write_text(name, terminal)
        path = self.directory / "screen.html"
        path.write_text(screen_page(terminal.screen, title), encoding="utf-8")
        self.open(path.as_uri(), (1200, 1400))
        self.keep(name, self.camera.take_element("window"))

    def open(self, url, size):
        self.camera.fit(*size)
        self.browser.get(url)

    def shoot_page(self, name, size=PAGE):
        self.keep(name, self.camera.take_page(*size))

    def keep(self, name, taken):
        path = IMAGES / f"{name}.png"
        self.camera.write(taken, path)
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} KB", flush=True)


def write_text(name, terminal):
    """The screen between two drawings, as text."""
    seen = -1

    def is_still():
        nonlocal seen
        terminal.text()
        before, seen = seen, len(terminal.raw)
        return before == seen

    wait_until(is_still, "a pause between two drawings", pause=0.1)
    lines = [line.rstrip() for line in terminal.screen.display]
    (TEXTS / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


# -- terminals --

def await_more(terminal, is_there):
    """Give what comes and goes beside the leak some time to be on the screen."""
    with contextlib.suppress(AssertionError):
        wait_until(lambda: is_there(terminal.text()), "more rows", 20)


def live(studio):
    """The live view: the sites, all about the first of them, what the target pays."""
    with studio.server(SERVERS / "app" / "flask_leak.py") as server, \
            studio.terminal("-p", server.pid) as terminal:
        title = f"filtrace -p {server.pid}"
        wait_until(lambda: re.search(r"attached 00:00:(2[5-9]|[345])", terminal.text()), "25 s", 60)
        await_more(terminal, lambda text: text.count("▸") >= 3)
        terminal.press("go")
        terminal.wait_for("└", "index")
        studio.shoot_terminal("live", terminal, title)
        terminal.press("\r")
        terminal.wait_for("Traceback", "cache[page] = ")
        terminal.resize(COLUMNS, 60)
        terminal.wait_for("Lines for a suppressions file")
        studio.shoot_terminal("details", terminal, title)
        terminal.press("x")
        terminal.resize(COLUMNS, LINES)
        terminal.wait_for("SITE")
        terminal.click_on("Stops")
        terminal.wait_for("How long a stop takes")
        studio.shoot_terminal("stops", terminal, title)
        terminal.click_on("Tree")
        terminal.wait_for("CALL")
        terminal.press("go")
        await_more(terminal, lambda text: "├" in text)
        terminal.press("go")
        studio.shoot_terminal("tree", terminal, title)
        terminal.resize(MANUAL_COLUMNS, LINES)
        write_text("tree-manual", terminal)
        terminal.click_on("Stops")
        terminal.wait_for("How long a stop takes")
        write_text("stops-manual", terminal)


def view(studio):
    """A capture in which one line leaked, then another one, at what the second one added."""
    target = studio.start("phases.py", SERVERS / "app" / "phases.py")
    filtrace = studio.stage.filtrace
    tracing = filtrace.record(target, "--sample-bytes", "4K", file="leak.filtrace")

    def now():
        return filtrace.report("leak.filtrace")["capture"]["seconds"]

    for _ in range(3):
        target.ask("grow early")
    middle = now()
    for _ in range(3):
        target.ask("grow late")
    end = now()
    wait_until(lambda: now() > end + 3, "more of the capture")
    assert tracing.interrupt().returncode == 0
    with studio.terminal("view", "leak.filtrace", columns=118, lines=16) as terminal:
        terminal.wait_for("at 00:00:")
        walk(terminal, ",", middle + 1)  # of which the report was not quite the last word
        terminal.press("b")
        terminal.wait_for("since 00:00:")
        walk(terminal, ".", end - 1)
        terminal.press("6")
        terminal.wait_for("▾CHANGE")
        terminal.press("go")
        terminal.wait_for("└")
        studio.shoot_terminal("view", terminal, "filtrace view leak.filtrace")


# -- pages --

@functools.cache
def capture(studio):
    """A capture of a server that leaks."""
    with studio.server(SERVERS / "app" / "flask_leak.py") as server:
        studio.record(server, "app.filtrace")
    return "app.filtrace"


def report(studio, form, *arguments):
    """A report on that capture."""
    path = studio.directory / f"app.{form}"
    studio.run("report", capture(studio), "-f", form, "-o", path, "--force", *arguments)
    return path


def choose(page, function):
    """Go down the widest frames to a function."""
    from selenium.webdriver import Keys
    for _ in range(100):
        page.press(Keys.ARROW_DOWN)
        if page.text("function") == function:
            return
    raise AssertionError(f"no {function} in the graph")


def html_report(studio):
    path = report(studio, "html", "--source")
    studio.camera.fit(*PAGE)
    page = Page(studio.browser, path)
    choose(page, "render")
    studio.shoot_page("report-html")


def replaced(source, *pairs):
    for old, new in pairs:
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    return source


def release_41(source):
    """The server, which also remembers every visit."""
    return replaced(
        source,
        ("cache = {}\n", "cache = {}\nvisits = []\n"),
        ("def render(page):\n",
         "def remember(page):\n    visits.append(f\"{page} \" * 240)\n\n\ndef render(page):\n"),
        ("        text = render(page)\n", "        remember(page)\n        text = render(page)\n"))


def release_42(source):
    """Pages of twice the size, a third of what is remembered, and lines that have shifted."""
    return replaced(release_41(source), ("* 90  # an ordinary page: 4 KB", "* 180"),
                    ("* 240", "* 80"), ("import logging\n", "# Release 42.\n\nimport logging\n"))


def html_diff(studio):
    for release, edit in (("41", release_41), ("42", release_42)):
        with studio.server(SERVERS / f"shop-{release}" / "shop.py", edit) as server:
            studio.record(server, f"release-{release}")
    path = studio.directory / "diff.html"
    studio.run("diff", "release-41", "release-42", "-f", "html", "-o", path)
    studio.run("diff", "release-41", "release-42", "-o", TEXTS / "diff.txt", "--force")
    studio.camera.fit(*PAGE)
    page = Page(studio.browser, path)
    choose(page, "render")
    studio.shoot_page("diff-html")


def speedscope(studio):
    studio.open(speedscope_url(report(studio, "speedscope"), studio.directory), READER_PAGE)

    is_tab = "//div[text()='Left Heavy']"
    tab, = wait_until(lambda: studio.browser.find_elements("xpath", is_tab), "a profile's tabs")
    tab.click()
    studio.shoot_page("speedscope", READER_PAGE)


@contextlib.contextmanager
def pprof_server(path):
    """`go tool pprof` as a server, which is a child of go."""
    url = f"http://127.0.0.1:{free_port()}/ui/"
    process = subprocess.Popen(
        [reader("go"), "tool", "pprof", f"-http={url[7:-4]}", "-no_browser", path],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True)

    def answers():
        assert process.poll() is None, "go tool pprof ended"
        with contextlib.suppress(OSError), urllib.request.urlopen(url + "flamegraph", timeout=10):
            return True

    try:
        wait_until(answers, "go tool pprof serves")
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def pprof(studio):
    with pprof_server(report(studio, "pprof")) as url:
        studio.open(url + "flamegraph", READER_PAGE)
        studio.shoot_page("pprof", READER_PAGE)


def flamegraph(studio):
    if not FLAMEGRAPH.exists():
        pytest.skip("flamegraph.pl is not installed: libdevel-nytprof-perl has it")
    image = subprocess.run(
        [reader("perl"), FLAMEGRAPH, "--countname", "bytes", "--colors", "mem", "--inverted",
         "--title", "Live bytes", "--width", str(READER_PAGE[0]), "--fontsize", "13",
         report(studio, "collapsed")],
        check=True, capture_output=True, timeout=60).stdout
    path = studio.directory / "app.svg"
    path.write_bytes(image)
    studio.open(path.as_uri(), READER_PAGE)
    height = studio.browser.find_element("tag name", "svg").size["height"]
    studio.shoot_page("flamegraph", (READER_PAGE[0], min(height, READER_PAGE[1])))


PARTS = {"live": live, "view": view, "report": html_report, "diff": html_diff,
         "speedscope": speedscope, "pprof": pprof, "flamegraph": flamegraph}


def make(names, directory):
    stage = Stage(directory)
    TEXTS.mkdir(exist_ok=True)
    try:
        with chromium("--hide-scrollbars") as browser:
            studio = Studio(stage, browser)
            for name in names:
                try:
                    PARTS[name](studio)
                except pytest.skip.Exception as why:
                    print(f"{name} is skipped: {why}", flush=True)
    finally:
        problems = stage.end()
    assert not problems, "\n".join(problems)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART",
                        help=f"some of {', '.join(PARTS)}")
    parser.add_argument("--in-namespace", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    enter_namespace()
    with tempfile.TemporaryDirectory() as name:
        try:
            make(arguments.only, pathlib.Path(name))
        except pytest.skip.Exception as why:
            sys.exit(f"no pictures: {why}")


if __name__ == "__main__":
    main()
