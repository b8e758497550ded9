# SPDX-License-Identifier: MIT
"""The page of `report -f html`, driven as a person drives it, in Chromium."""

import json
import pathlib
import re
import shutil
import sqlite3

import pytest

from pages import Page, browser  # noqa: F401  (a fixture)
from recording import recording  # noqa: F401  (a fixture)


@pytest.fixture
def page(browser, recording):  # noqa: F811
    result = Page(browser, recording.write("html"))
    yield result
    assert not result.complaints()


def test_page_shows_the_leaking_line_first(page, recording):  # noqa: F811
    assert f"pid {recording.pid}" in page.text("title")
    total = recording.json["total"]
    assert f"in {total['live_blocks']:,} blocks" in page.text("totals")
    assert page.sites()[0].endswith(f"render (http_leak.py:{recording.line})"), page.sites()


def test_click_zooms_and_shows_the_traceback(page):
    page.click_row(3)
    assert "http" in page.text("trace") or "thread" in page.text("trace")
    lines = page.text("trace").splitlines()
    assert len(lines) == 3
    assert lines[0].endswith(page.text("function"))
    assert page.text("place") in lines[0]
    assert page.text("status").startswith(page.text("figures").split(" live")[0])


def test_inverted_graph_gives_the_suppression_of_the_leak(page, recording):  # noqa: F811
    page.click("invert")
    page.click_row(1)
    assert page.text("function") == "render"
    assert page.text("place") == f"{recording.file}:{recording.line}"
    assert page.value("by_line") == f"leak:^{recording.file}:{recording.line}$"

    suppressions = recording.directory / "known"
    for name in ("by_line", "by_function"):
        suppressions.write_text(page.value(name) + "\n", encoding="utf-8")
        text = recording.write("csv", "--suppressions", suppressions).read_text(encoding="utf-8")
        assert ',"render",' not in text


def test_search_measures_and_keys(page, recording):  # noqa: F811
    page.press("/", "HTTP_LEAK.PY:20")
    live = re.match(r"found [\d.]+ \w+, ([\d.]+)%", page.text("status"))
    site = recording.json["sites"][0]
    listed = sum(stack["live_bytes"] for stack in recording.json["stacks"])
    assert abs(float(live.group(1)) - 100 * site["live_bytes"] / listed) < 0.2

    from selenium.webdriver import Keys
    page.press(Keys.ENTER)
    page.press("2")
    assert re.match(r"found \+[\d.]+ \w+/min, ", page.text("status"))
    assert "growth" in page.text("sites_title")
    page.press("3")
    assert "blocks" in page.text("sites_title")
    page.press(Keys.ESCAPE)
    assert "found" not in page.text("status")

    page.press(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert len(page.text("trace").splitlines()) == 2
    page.press(Keys.ARROW_UP)
    assert len(page.text("trace").splitlines()) == 1


def test_own_code_hides_what_is_the_library_s(page, recording):  # noqa: F811
    page.press("o")
    page.click_row(1)
    assert recording.file in page.text("place")
    page.press("d")
    root = page.browser.find_element("tag name", "html")
    assert "dark" in root.get_attribute("class").split()


def test_page_asks_nobody(recording):  # noqa: F811
    text = recording.write("html").read_text(encoding="utf-8")
    assert not re.search(r"\b(src|href)\s*=|url\(|@import|https?:|fetch\(|XMLHttp", text)
    assert "default-src 'none'" in text
    empty = len(text) - len(text.split('id="data">')[1].split("</script>")[0])
    assert empty < 100_000


def test_source_is_shown_where_it_is_asked_for(browser, recording):  # noqa: F811
    lines = pathlib.Path(recording.file).read_text(encoding="utf-8").splitlines()
    leak = lines[recording.line - 1].strip()
    assert leak not in recording.write("html").read_text(encoding="utf-8")
    page = Page(browser, recording.write("html", "--source"))
    page.click("invert")
    page.click_row(1)
    assert leak in page.text("trace").splitlines()
    assert not page.complaints()


def test_source_is_that_of_python_alone(recording):  # noqa: F811
    path = recording.directory / "curious"
    shutil.copy(recording.directory / "capture", path)
    with sqlite3.connect(path) as database:
        database.execute("update frame set file = '/etc/passwd', line = 1 where frame_id % 2 = 0")
        database.execute("update frame set file = '/proc/self/environ', line = 1"
                         " where frame_id % 4 = 1")
    database.close()
    finished = recording.filtrace.run("report", "curious", "-f", "html", "--source")
    assert finished.returncode == 0, finished.stderr
    data = json.loads(finished.stdout.split('id="data">')[1].split("</script>")[0])
    for (_, file, _), line in zip(data["frames"], data["source"], strict=True):
        assert file.endswith(".py") or not line


def make_large(text, nodes):
    """The same page with a made-up graph of about so many nodes."""
    head, rest = text.split('id="data">', 1)
    data, tail = rest.split("</script>", 1)
    data = json.loads(data)
    data.pop("timeline", None)
    data["frames"] = [[f"function_{i}", f"/srv/shop/module_{i % 90}.py", i % 700 + 1]
                      for i in range(2000)]
    data["stacks"], path, made = [], [], 0
    while made < nodes:
        depth = made % 29 % (len(path) + 1)
        more = [(made * 7 + 13 * i) % 2000 for i in range(12)]
        path = path[:depth] + more
        made += len(more)
        live = 100_000_000 // (1 + made % 5000)
        data["stacks"].append([made % 2, 0, live, live // 100, live // 60, 60, depth, *more])
    return f'{head}id="data">{json.dumps(data)}</script>{tail}'


# What a key costs: the work it does at once, and the drawing in the frame that follows.
COST_OF_KEY = """
const [key, end] = arguments;
let before;
requestAnimationFrame(() => { before = performance.now(); });
const pressed = performance.now();
document.dispatchEvent(new KeyboardEvent("keydown", { key }));
const done = performance.now();
requestAnimationFrame(() => end([done - pressed, performance.now() - before]));
"""


@pytest.mark.alone
def test_fifty_thousand_nodes_are_drawn_within_frames(browser, recording):  # noqa: F811
    path = recording.directory / "large.html"
    path.write_text(make_large(recording.write("html").read_text(encoding="utf-8"), 50_000),
                    encoding="utf-8")
    page = Page(browser, path)
    costs = {}
    for key in ("ArrowDown", "ArrowDown", "Enter", "ArrowRight", "Enter", "Escape", "2", "3", "d",
                "i", "o", "i", "m"):
        done, drawn = browser.execute_async_script(COST_OF_KEY, key)
        costs.setdefault(key, []).append((round(done), round(drawn)))
    print(costs)
    drawings = sorted(drawn for pairs in costs.values() for _, drawn in pairs)
    assert drawings[len(drawings) // 2] < 50 and drawings[-1] < 200, costs
    assert max(done for key in ("ArrowDown", "ArrowRight", "Enter")
               for done, _ in costs[key]) < 50, costs
    assert max(done for pairs in costs.values() for done, _ in pairs) < 1000, costs
    assert not page.complaints()


HOSTILE = ("</script><script>document.title='owned'</script>", "<img src=x onerror=\"owned()\">",
           "<!--<script>", "&lt;b&gt;\\u003c", "${document.title='owned'}", "__proto__")


def test_no_name_becomes_markup(browser, recording):  # noqa: F811
    path = recording.directory / "hostile"
    shutil.copy(recording.directory / "capture", path)
    with sqlite3.connect(path) as database:
        for i, name in enumerate(HOSTILE):
            database.execute("update frame set function = ?, file = ? where frame_id % ? = ?",
                             (name, name, len(HOSTILE), i))
            database.execute("update argument set text = ? where position = ?", (name, i))
            database.execute("update stack set thread = ? where stack_id % ? = ?",
                             (name, len(HOSTILE), i))
    database.close()
    out = recording.directory / "hostile.html"
    finished = recording.filtrace.run("report", "hostile", "-f", "html", "-o", out, "--force")
    assert finished.returncode == 0, finished.stderr
    page = Page(browser, out)
    assert page.browser.title.startswith("filtrace: ")
    assert not page.browser.find_elements("tag name", "img")
    assert len(page.browser.find_elements("tag name", "script")) == 2
    page.click_row(1)
    assert page.text("function") in HOSTILE
    assert set(HOSTILE) & set(page.text("thread").split("\n"))
    assert not page.complaints()
