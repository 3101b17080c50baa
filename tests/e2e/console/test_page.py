"""The page in a real browser, as a person sees it. Needs Chromium; screenshots go to the test's folder."""

import os
import shutil

import playwright.sync_api as sync_api
import pytest
from bad_numbers import PIPELINE, RECORDS
from leat import nowhere, wait_until

CHROMIUM = os.environ.get("LEAT_CHROMIUM") or shutil.which("chromium")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser():
    assert CHROMIUM, "chromium is missing; ./test --all installs it, or name one in LEAT_CHROMIUM"
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def is_fault(line):
    """An error of the page; that leat went away is none."""
    return line.type == "error" and "net::ERR_" not in line.text


@pytest.fixture
def visit(browser, tmp_path):
    """visit(process) opens the page; what the browser complains about fails the test."""
    complaints = []

    def open_page(process, **settings):
        page = browser.new_page(viewport={"width": 1440, "height": 1000}, **settings)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if is_fault(line) else None)
        page.goto(f"http://{process.addresses()['http']}/")
        page.wait_for_selector("body[data-ready]")
        return page

    yield open_page
    for number, page in enumerate(p for context in browser.contexts for p in context.pages):
        page.screenshot(path=tmp_path / f"page{number}.png", full_page=True)
        page.close()
    assert complaints == []


def text(page, selector):
    return " ".join(page.inner_text(selector).split())


def test_the_numbers_that_a_person_looks_for(api, up, visit):
    process = up("--set", 'sources.random_users.schedule="@once"', url=api.url)
    page = visit(process)
    wait_until(lambda: "500 stored" in text(page, "#sum"), "the sum")
    flow = text(page, "#flow")
    for part in ("random_users", "users_created", "created_users", "spark_streams.users_by_country", "lag 0"):
        assert part in flow
    assert "records in 3 partitions" in flow
    assert text(page, "#sum").count("● true") == 2
    assert "● none" in text(page, "#dead")
    assert process.addresses()["kafka"] in text(page, "#about")
    assert "kcat -b" in text(page, "#groups")
    assert "UTC" in text(page, "#clock") and "local" in text(page, "#clock")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_view_is_there_in_200_ms(api, up, visit, scheme):
    page = visit(up(url=api.url), color_scheme=scheme)
    painted = []
    for _ in range(5):  # the best: others use this machine too
        page.reload()
        page.wait_for_selector("body[data-ready]")
        painted.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
    assert min(painted) < 200, painted


def test_an_api_that_is_down_is_named_with_what_to_do(up, visit):
    page = visit(up(url=nowhere()))
    page.wait_for_selector(".notice")
    notice = text(page, "#problems")
    assert "Source random_users" in notice and "could not connect" in notice
    assert "problem" in text(page, "#state")


def test_hostile_names_are_shown_as_they_are(api, up, visit):
    confluent_kafka = pytest.importorskip("confluent_kafka")
    process = up("--set", 'sources.random_users.schedule="@once"', url=api.url)
    name = "<img src=x onerror=document.title='owned'><b>\u202egroup"
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": process.addresses()["kafka"], "group.id": name, "auto.offset.reset": "earliest"}
    )
    consumer.subscribe(["users_created"])
    wait_until(lambda: consumer.poll(0.1), "a record")
    consumer.commit(asynchronous=False)
    page = visit(process)
    page.wait_for_selector("#groups table")
    assert page.evaluate("document.querySelector('#groups tbody td').textContent") == name
    assert page.evaluate("document.querySelectorAll('#groups img, #groups b').length") == 0
    assert "owned" not in page.title()
    consumer.close()


def test_dead_letters_are_grouped_shown_and_tried_again(up, visit, tmp_path):
    (tmp_path / "numbers.jsonl").write_text("\n".join(RECORDS) + "\n")
    (tmp_path / "bad.yaml").write_text(PIPELINE)
    page = visit(up(files=[tmp_path / "bad.yaml"]))
    page.wait_for_selector("#dead button")
    dead = text(page, "#dead")
    assert "missing-key" in dead and "<b>x</b>" in dead
    assert page.evaluate("document.querySelectorAll('#dead b').length") == 0
    page.click("#dead button")
    wait_until(lambda: "0 of 1 passed" in text(page, "#dead"), "what the retry came to")


def test_a_page_that_lost_leat_says_so(api, up, visit):
    process = up(url=api.url)
    page = visit(process)
    process.stop()
    wait_until(lambda: "no word from leat" in text(page, "#state"), "a word about it")
    assert "no contact" in page.title()


def test_narrow_windows_need_no_sideways_scrolling(api, up, visit):
    page = visit(up(url=api.url))
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
