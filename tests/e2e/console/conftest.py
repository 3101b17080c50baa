"""One browser for all tests of the page."""

from browser import browser, visit  # noqa: F401
