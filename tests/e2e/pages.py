# SPDX-License-Identifier: MIT
"""Pages with a flame graph, driven as a person drives them, in Chromium."""

import contextlib

import pytest

from readers import reader

ROW = 19  # pixels, report/html/app.js


@contextlib.contextmanager
def chromium(*arguments):
    """A Chromium without a window, to be driven by Selenium."""
    selenium = pytest.importorskip("selenium.webdriver", reason="selenium: make readers")
    service = pytest.importorskip("selenium.webdriver.chrome.service")
    options = selenium.ChromeOptions()
    options.binary_location = reader("chromium")
    for argument in ("--headless", "--no-sandbox", "--disable-gpu", *arguments):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = selenium.Chrome(
        options=options, service=service.Service(executable_path=reader("chromedriver")))
    driver.set_page_load_timeout(60)
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture(scope="module")
def browser():
    with chromium("--window-size=1300,900") as driver:
        yield driver


class Page:
    """An open report."""

    def __init__(self, browser, path):
        self.browser = browser
        browser.get(path.resolve().as_uri())
        self.settle()

    def settle(self):
        """Drawing waits for the next frame."""
        self.browser.set_script_timeout(30)
        self.browser.execute_async_script(
            "const end = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(end))")

    def text(self, name):
        return self.browser.find_element("id", name).text

    def value(self, name):
        return self.browser.find_element("id", name).get_attribute("value")

    def click(self, name):
        self.browser.find_element("id", name).click()
        self.settle()

    def click_row(self, depth, x=10):
        """Click into the graph: the leftmost frame of a depth, which is the largest."""
        from selenium.webdriver import ActionChains
        canvas = self.browser.find_element("id", "canvas")
        size = canvas.size
        ActionChains(self.browser).move_to_element_with_offset(
            canvas, x - size["width"] // 2, depth * ROW + 5 - size["height"] // 2).click().perform()
        self.settle()

    def press(self, *keys):
        from selenium.webdriver import ActionChains
        ActionChains(self.browser).send_keys(*keys).perform()
        self.settle()

    def screenshot(self, path):
        assert self.browser.save_screenshot(str(path))

    def sites(self):
        return [row.text for row in self.browser.find_elements("css selector", "#sites tr")]

    def complaints(self):
        return [entry["message"] for entry in self.browser.get_log("browser")]
