"""Chromium for the page's tests: opens it, collects what it complains about, keeps screenshots."""

import os
import shutil

import playwright.sync_api as sync_api
import pytest
from leat import WAIT_S, wait_until

CHROMIUM = os.environ.get("LEAT_CHROMIUM") or shutil.which("chromium")


@pytest.fixture(scope="session")
def browser():
    assert CHROMIUM, "chromium is missing; ./test --all installs it, or name one in LEAT_CHROMIUM"
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def is_fault(line):
    """An error of the page; that leat went away, or refused a request as the test wanted, is none."""
    return line.type == "error" and "net::ERR_" not in line.text and "the server responded with a status of" not in line.text


class Page:
    """A page of the console as a person uses it."""

    def __init__(self, page, base):
        self.page = page
        self.base = base

    def go(self, place):
        self.page.goto(f"{self.base}/#/{place}")
        self.page.wait_for_selector("body[data-ready]")

    def text(self, selector="#main"):
        return " ".join(self.page.inner_text(selector).split())

    def sees(self, *wanted, within="#main", timeout_s=WAIT_S):
        """Waits until all of these words stand there."""

        def there():
            text = self.text(within)
            return all(part in text for part in wanted)

        try:
            wait_until(there, f"{wanted} in {within}", timeout_s)
        except AssertionError as failure:
            raise AssertionError(f"{failure}\nthere stands: {self.text(within)[:3000]}") from None

    def click(self, name, role="button", within=None):
        place = self.page.locator(within) if within else self.page
        place.get_by_role(role, name=name).first.click()

    def fill(self, label, value, within="#main"):
        self.page.locator(within).get_by_label(label).first.fill(value)

    def count(self, selector):
        return self.page.locator(selector).count()


@pytest.fixture
def visit(browser, tmp_path):
    """visit(process, place) opens the console; what the browser complains about fails the test."""
    complaints = []
    contexts = []

    def open_page(process, place="", **settings):
        context = browser.new_context(viewport={"width": 1440, "height": 900}, **settings)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if is_fault(line) else None)
        opened = Page(page, f"http://{process.addresses()['http']}")
        opened.go(place)
        return opened

    yield open_page
    for number, page in enumerate(page for context in contexts for page in context.pages):
        page.screenshot(path=tmp_path / f"page{number}.png", full_page=True)
    for context in contexts:
        context.close()
    assert complaints == []
