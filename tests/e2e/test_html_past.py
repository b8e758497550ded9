# SPDX-License-Identifier: MIT
"""The chart of `report -f html`: a range of time that the flame graph then shows."""

import re

import pytest

from pages import Page, browser  # noqa: F401  (a fixture)
from phases import phases  # noqa: F401  (a fixture)


@pytest.fixture
def page(browser, phases):  # noqa: F811
    path = phases.directory / "report.html"
    finished = phases.filtrace.run("report", "capture", "-f", "html", "-o", path, "--force")
    assert finished.returncode == 0, finished.stderr
    result = Page(browser, path)
    yield result
    assert not result.complaints()


@pytest.fixture
def seconds(phases):  # noqa: F811
    """How long the capture is."""
    return phases.seconds()


def drag(page, seconds, begin, end):
    """Choose a range on the chart with the mouse."""
    from selenium.webdriver import ActionChains
    chart = page.browser.find_element("id", "chart")
    width = chart.size["width"]
    begin, end = (round(width * (at / seconds - 0.5)) for at in (begin, end))
    page.browser.execute_script("window.scrollTo(0, 0)")
    ActionChains(page.browser).move_to_element_with_offset(chart, begin, 0).click_and_hold() \
        .move_to_element_with_offset(chart, (begin + end) // 2, 3) \
        .move_to_element_with_offset(chart, end, 0).release().perform()
    page.settle()


def test_line_that_leaked_in_the_range_leads(page, phases, seconds):  # noqa: F811
    assert phases.early in page.sites()[0]
    assert not any(phases.late in site for site in page.sites())
    drag(page, seconds, phases.early_seconds, phases.late_seconds)
    first = page.sites()[0]
    assert phases.late in first, page.sites()
    assert float(re.match(r"\+([\d.]+) MiB", first).group(1)) == pytest.approx(
        phases.bytes / 2**20, rel=0.1)
    assert not any(phases.early in site for site in page.sites())
    assert re.search(r"from 00:00:\d\d to 00:00:\d\d: live \+[\d.]+ MiB, RSS [+-]",
                     page.text("range_text"))
    assert "growth in the range" in page.text("sites_title")
    page.screenshot(phases.directory / "range.png")

    drag(page, seconds, 0, phases.early_seconds)
    assert phases.early in page.sites()[0], page.sites()
    assert not any(phases.late in site for site in page.sites())


def test_details_tell_the_growth_in_the_range(page, phases, seconds):  # noqa: F811
    drag(page, seconds, phases.early_seconds, phases.late_seconds)
    page.click("invert")
    page.click_row(1)
    assert page.text("place").endswith(phases.late)
    assert re.search(r"\+[\d.]+ MiB in the range", page.text("figures"))


def test_keys_choose_a_range_and_give_it_up(page, phases):  # noqa: F811
    from selenium.webdriver import ActionChains, Keys
    page.press("r")
    before = page.text("range_text")
    page.press(*[Keys.ARROW_LEFT] * 3)
    assert "from 00:00:00 to" in page.text("range_text")
    ActionChains(page.browser).key_down(Keys.SHIFT).send_keys(
        Keys.ARROW_RIGHT, Keys.ARROW_RIGHT).key_up(Keys.SHIFT).perform()
    page.settle()
    assert "from 00:00:00 to" not in page.text("range_text")
    assert "growth in the range" in page.text("sites_title")
    page.press(Keys.ESCAPE)
    assert page.text("range_text") == before
    assert "live bytes" in page.text("sites_title")
    page.press("4")
    assert phases.early in page.sites()[0]


def test_click_gives_the_range_up(page, phases, seconds):  # noqa: F811
    drag(page, seconds, phases.early_seconds, phases.late_seconds)
    page.click("chart")
    assert "live bytes" in page.text("sites_title")
    assert "drag to choose" in page.text("range_text")


def choose(page, name, text):
    """Take one of a list's choices."""
    options = page.browser.find_element("id", name).find_elements("tag name", "option")
    next(option for option in options if option.text == text).click()
    page.settle()


def test_a_thread_and_a_kind_can_be_chosen_within_the_range(page, phases, seconds):  # noqa: F811
    drag(page, seconds, phases.early_seconds, phases.late_seconds)
    choose(page, "thread", "MainThread")
    assert not any(phases.late in site for site in page.sites())
    choose(page, "thread", "all threads")
    choose(page, "kind", "malloc")
    assert phases.late in page.sites()[0]
    choose(page, "kind", "pymalloc")
    assert not any(phases.late in site for site in page.sites())


def test_keys_choose_a_kind_a_thread_and_a_line(page, phases):  # noqa: F811
    from selenium.webdriver import Keys
    page.press("4", "k", "pym", Keys.ESCAPE)
    assert page.value("kind") == "0"
    assert not any(phases.early in site for site in page.sites())
    page.press("k", Keys.HOME, Keys.ESCAPE)
    assert page.value("kind") == "" and phases.early in page.sites()[0]
    options = page.browser.find_element("id", "thread").find_elements("tag name", "option")
    other = next(option.text for option in options[1:] if option.text != "MainThread")
    page.press("t", other, Keys.ESCAPE)
    assert not any(phases.early in site for site in page.sites())
    page.press("t", Keys.HOME, Keys.ESCAPE, Keys.TAB)
    assert "found" not in page.text("status")
    page.press(Keys.ENTER)
    assert page.value("search").endswith(phases.early) and "found" in page.text("status")


def test_filters_hold_for_the_past_too(browser, phases, seconds):  # noqa: F811
    path = phases.directory / "filtered.html"
    finished = phases.filtrace.run(
        "report", "capture", "-f", "html", "-o", path, "--exclude", "keep_late", "--redact")
    assert finished.returncode == 0, finished.stderr
    page = Page(browser, path)
    drag(page, seconds, phases.early_seconds, phases.late_seconds)
    assert not any(phases.late in site for site in page.sites())
    assert str(phases.directory) not in path.read_text(encoding="utf-8")
    assert not page.complaints()
