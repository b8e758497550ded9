# SPDX-License-Identifier: MIT
"""The page of `diff -f html`, driven as a person drives it, in Chromium."""

import re
import shutil
import sqlite3

import pytest

from pages import ROW, Page, browser  # noqa: F401  (a fixture)
from versions import versions  # noqa: F401  (a fixture)


def write(versions, old, new, *arguments):  # noqa: F811
    path = versions.directory / f"{old}-{new}.html"
    versions.diff(old, new, "-f", "html", "-o", path, "--force", *arguments)
    return path


@pytest.fixture
def page(browser, versions):  # noqa: F811
    result = Page(browser, write(versions, "old", "new"))
    yield result
    assert not result.complaints()


def colour_at(page, depth, x=10):
    """What is painted in a row of the graph, as "red", "blue" or "grey"."""
    red, green, blue, _ = page.browser.execute_script(
        "const pen = document.getElementById('canvas').getContext('2d');"
        "const scale = window.devicePixelRatio || 1;"
        "return [...pen.getImageData(arguments[0] * scale, arguments[1] * scale, 1, 1).data]",
        x, depth * ROW + 2)
    if abs(red - blue) < 20:
        return "grey"
    return "red" if red > blue else "blue"


def test_page_answers_and_names_the_line_that_got_worse(page, versions):  # noqa: F811
    headline = versions.diff("old", "new").splitlines()[0].removeprefix("filtrace diff: ")
    assert page.text("title") == headline
    assert "app-v1" in page.text("totals") and "app-v2" in page.text("capture")
    first = page.browser.find_element("css selector", "#sites tr")
    assert first.get_attribute("class") == "worse"
    assert first.text.endswith(f"render (http_leak.py:{versions.lines['new']})")
    assert versions.files["old"] in first.get_attribute("title")
    assert not page.browser.find_element("id", "blocks").is_displayed()


def test_more_is_red_less_is_blue_and_chance_is_grey(browser, versions):  # noqa: F811
    page = Page(browser, write(versions, "old", "new"))
    page.press("i")
    assert colour_at(page, 1) == "red"
    page.screenshot(versions.directory / "red.png")
    page = Page(browser, write(versions, "new", "old"))
    page.press("i")
    assert colour_at(page, 1) == "blue"
    page = Page(browser, write(versions, "old", "old"))
    page.press("i")
    assert colour_at(page, 1) == "grey"
    assert not page.complaints()


def test_a_frame_of_both_versions_is_one_with_both_figures(page, versions):  # noqa: F811
    page.click("invert")
    page.click_row(1)
    assert page.text("function") == "render"
    assert page.text("place") == versions.files["new"]
    figures = page.text("figures")
    assert re.search(r"[\d.]+ [KM]iB/min growth now\n[\d.]+ [KM]iB/min growth before\n"
                     r"\+[\d.]+ ±[\d.]+ [KM]iB/min change\n", figures), figures
    assert "live before" in figures
    assert page.value("by_function") == "leak:^render$"
    assert not page.browser.find_element("id", "by_line").is_displayed()


def width_text(page):
    """What the whole graph is as wide as, in KiB."""
    number, unit = re.match(r"([\d.]+) (\w+)/", page.text("status")).groups()
    return float(number) * {"B": 1 / 1024, "KiB": 1, "MiB": 1024}[unit]


def test_widths_are_those_of_the_new_one_or_the_old_one(page):
    now = width_text(page)
    page.press("w")
    assert page.browser.find_element("id", "old").get_attribute("aria-pressed") == "true"
    assert width_text(page) < now
    page.press("1")
    assert "/captured min" in page.text("status")
    page.click("old")
    assert page.browser.find_element("id", "old").get_attribute("aria-pressed") == "false"


def test_a_click_on_a_line_finds_its_frames(page):
    page.browser.find_element("css selector", "#sites tr").click()
    page.settle()
    assert page.text("status").startswith("found ")
    assert "found 0" not in page.text("status")


def test_operations_are_the_page_s_unit(browser, versions):  # noqa: F811
    page = Page(browser, write(versions, "old", "new", "--ops", "150,150"))
    assert "/op more than before" in page.text("title")
    assert "/op" in page.text("status") and "min" not in page.text("status")
    assert not page.complaints()


def test_page_asks_nobody(versions):  # noqa: F811
    text = write(versions, "old", "new").read_text(encoding="utf-8")
    assert not re.search(r"\b(src|href)\s*=|url\(|@import|https?:|fetch\(|XMLHttp", text)
    assert "default-src 'none'" in text


HOSTILE = ("</script><script>document.title='owned'</script>", "<img src=x onerror=\"owned()\">",
           "__proto__", "${document.title='owned'}")


def test_no_name_becomes_markup(browser, versions):  # noqa: F811
    for side in ("old", "new"):
        path = versions.directory / f"hostile-{side}"
        shutil.copy(versions.directory / side, path)
        with sqlite3.connect(path) as database:
            for i, name in enumerate(HOSTILE):
                database.execute("update frame set function = ?, file = ? where frame_id % ? = ?",
                                 (name, name, len(HOSTILE), i))
                database.execute("update argument set text = ? where position = ?", (name, i))
        database.close()
    page = Page(browser, write(versions, "hostile-old", "hostile-new"))
    assert page.browser.title.startswith("filtrace diff: ")
    assert not page.browser.find_elements("tag name", "img")
    assert len(page.browser.find_elements("tag name", "script")) == 2
    page.click_row(1)
    assert page.text("function") in HOSTILE
    assert not page.complaints()
