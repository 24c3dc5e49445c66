"""Two visitors in two browsers: neither sees, guesses, changes or downloads the other's things; unless they share.

One story in order: a run on one visitor's own pictures, which another one tries to get at. What a page does not
offer is tried at the server's raw addresses, with the other one's cookies.
"""

import hashlib
import io
import re
import secrets
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect
from streamlit.runtime.memory_media_file_storage import _calculate_file_id

from core.runs import uploads
from core.runs.kinds.finetuning import control_spec
from core.runs.spec import RunSpec
from core.runs.store.runs import NO_RUN, Store
from core.training.config import FinetuneConfig
from tests.browser import views
from widgets import visitor_cookie
from widgets.runs.visible import GUEST

SECONDS = 1000.0
RUN_MS = 240 * SECONDS  # a busy machine; an idle one needs a small part of it
NAME = "herbarium of Anna"  # what the owner called the pictures; no stranger may read it
TITLE = f"{NAME}: 3 of 5 stages frozen"


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """One browser with its cookie."""

    id: str
    browser: BrowserContext

    def page(self, address: str) -> Page:
        page = self.browser.new_page()
        page.goto(address)
        return page

    def asks(self, method: str, address: str, **more: object) -> requests.Response:
        """Send a request as this browser would, with all its cookies, but without a page."""
        cookies = {one["name"]: one["value"] for one in self.browser.cookies()}
        headers = {"X-Xsrftoken": cookies.get("_streamlit_xsrf", "")}
        return requests.request(method, address, cookies=cookies, headers=headers, timeout=60, **more)


@pytest.fixture(scope="module")
def owner(chromium: object, address: str) -> Iterator[Visitor]:
    yield from _known(chromium, address)


@pytest.fixture(scope="module")
def stranger(chromium: object, address: str) -> Iterator[Visitor]:
    yield from _known(chromium, address)


def _known(chromium: object, address: str) -> Iterator[Visitor]:
    visitor = visitor_cookie.new_visitor()
    browser = chromium.new_context(viewport={"width": 1280, "height": 900})
    browser.set_default_timeout(90 * SECONDS)
    browser.add_cookies([{"name": visitor_cookie.COOKIE, "value": visitor, "url": address}])
    yield Visitor(id=visitor, browser=browser)
    browser.close()


@pytest.fixture(scope="module")
def store(home: Path, address: str) -> Iterator[Store]:
    """The server's own store, once the server is there."""
    opened = Store(home)
    yield opened
    opened.close()


@dataclass(frozen=True, kw_only=True)
class Run:
    """The owner's run, and the upload that it learns from."""

    id: str
    upload: str


@pytest.fixture(scope="module")
def run(store: Store, owner: Visitor) -> Run:
    """A short run on own pictures, with its control."""
    reference = uploads.store(store, owner.id, NAME, _archive())
    config = FinetuneConfig(backbone="tiny_resnet18", freeze_depth=3, epochs=1, image_size=32)
    spec = RunSpec(config=config, data=reference, title=TITLE)
    return Run(id=store.add(spec, owner.id, control_spec(spec)), upload=reference)


def _archive() -> bytes:
    generator, content = np.random.default_rng(0), io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, tint in (("fern", (40, 200, 60)), ("moss", (60, 190, 40))):  # alike: some are mistaken
            for number in range(30):
                archive.writestr(f"{name}/{number}.png", _picture(generator, tint))
    return content.getvalue()


def _picture(generator: np.random.Generator, tint: tuple[int, int, int]) -> bytes:
    pixels = np.clip(np.array(tint) + generator.integers(-40, 40, (32, 32, 3)), 0, 255).astype(np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def _settled(page: Page) -> str:
    """Wait until the page stands still; all its words."""
    views.settled(page)
    return page.get_by_test_id("stMain").inner_text()


@pytest.fixture(scope="module")
def finished(owner: Visitor, run: Run, address: str) -> Iterator[Page]:
    """The owner's page of the run, with its result and that of its control."""
    page = owner.page(f"{address}/run?run={run.id}")
    expect(page.get_by_text("never seen before")).to_be_visible(timeout=RUN_MS)
    expect(page.get_by_text("Against the same network from scratch")).to_be_visible(timeout=RUN_MS)
    expect(page.locator(".st-key-run_heading")).to_contain_text(NAME)
    yield page
    page.close()


def test_a_stranger_neither_lists_nor_opens_the_run(
    stranger: Visitor, finished: Page, run: Run, address: str
) -> None:
    page = stranger.page(f"{address}/runs")
    expect(page.get_by_text("Nothing here yet.")).to_be_visible()
    said = []
    for guess in (run.id, secrets.token_urlsafe(16), run.id[:-1], run.upload):
        page.goto(f"{address}/run?run={guess}")
        expect(page.get_by_test_id("stAlert")).to_be_visible()
        said.append(_settled(page))
    assert set(said) == {said[0]}, "what exists and what does not look the same"
    assert NO_RUN in said[0]
    for view, says in (
        (f"layers?network=run:{run.id}", "which is not here"),
        (f"layers?view=training&run={run.id}", NO_RUN),
        (f"advise?way=pictures&data={run.upload}&pictures=10", "an upload is its owner's alone"),
    ):
        page.goto(f"{address}/{view}")
        expect(page.get_by_text(says)).to_be_visible()
        words = _settled(page)
        assert NAME not in words, view
        assert "fern" not in words, view
    page.close()


def test_pictures_of_a_page_are_served_to_its_browser_alone(
    owner: Visitor, stranger: Visitor, finished: Page, address: str
) -> None:
    pictures = finished.locator(".st-key-gallery img")
    expect(pictures.first).to_be_visible()
    source = pictures.first.get_attribute("src")
    assert source is not None
    picture = source if source.startswith("http") else address + source
    mine = owner.asks("GET", picture)
    assert mine.status_code == 200
    assert mine.headers["Cache-Control"] == "private"
    assert stranger.asks("GET", picture).status_code == 404
    assert stranger.asks("HEAD", picture).status_code == 404
    assert requests.get(picture, timeout=60).status_code == 404, "nor to somebody without any cookie"
    # Who knows a picture, and so the name that Streamlit would give it, cannot find out whether others see it.
    for kind in ("image/png", "image/jpeg"):
        name = _calculate_file_id(mine.content, kind)
        for one in (owner, stranger):
            assert one.asks("GET", f"{address}/media/{name}.png").status_code == 404
    # A stranger's own mark on the owner's name.
    name, _, suffix = picture.rpartition("/")[2].partition(".")
    for mark in (hashlib.sha256(stranger.id.encode()).hexdigest()[:32], stranger.id, "0" * 32, ""):
        assert stranger.asks("GET", f"{address}/media/{name[:-32]}{mark}.{suffix}").status_code == 404


def test_a_download_is_served_to_its_browser_alone(owner: Visitor, stranger: Visitor, finished: Page) -> None:
    finished.get_by_role("tab", name="Downloads").click()
    expect(finished.locator(".st-key-download_zip button")).to_be_visible()
    with finished.expect_download() as download:
        finished.locator(".st-key-download_safetensors button").click()
    assert Path(download.value.path()).stat().st_size > 5_000_000
    assert owner.asks("GET", download.value.url).status_code == 200
    assert stranger.asks("GET", download.value.url).status_code == 404


def test_nobody_sends_files_to_or_takes_them_from_anothers_session(
    owner: Visitor, stranger: Visitor, finished: Page, address: str
) -> None:
    finished.get_by_role("tab", name="Try a picture").click()
    picture = _picture(np.random.default_rng(1), (40, 200, 60))
    with finished.expect_request(re.compile("upload_file")) as sent:
        finished.locator(".st-key-try_file input[type=file]").set_input_files(
            {"name": "leaf.png", "mimeType": "image/png", "buffer": picture}
        )
    expect(finished.get_by_text("It can only name its own classes")).to_be_visible()
    place = sent.value.url
    page = stranger.page(address)  # a session of its own, and a token against forged requests
    _settled(page)
    for where in (place, place.rpartition("/")[0] + "/another"):
        refused = stranger.asks("PUT", where, files={"file": ("x.png", b"not yours", "image/png")})
        assert refused.status_code == 403
        assert stranger.asks("DELETE", where).status_code == 403
    page.close()
    finished.reload()
    expect(finished.get_by_text("never seen before")).to_be_visible()


def test_addresses_that_nobody_needs_give_nothing_away(stranger: Visitor, run: Run, address: str) -> None:
    driven = stranger.asks("POST", f"{address}/_stcore/agent/interact", json={"url": f"/run?run={run.id}"})
    assert driven.status_code >= 400
    assert NAME not in driven.text
    for path in ("runs.sqlite3", f"runs/{run.id}/result.json", f"uploads/{run.upload.partition(':')[2]}.zip"):
        for way in ("", "app/static/", "static/", "media/", "../", "component/../../"):
            found = stranger.asks("GET", f"{address}/{way}{path}")
            # An unknown address is the front page.
            assert found.status_code >= 400 or "<title>Streamlit</title>" in found.text, way + path


def test_a_shared_link_shows_all_and_changes_nothing_until_it_is_withdrawn(
    owner: Visitor, stranger: Visitor, finished: Page, run: Run, address: str
) -> None:
    finished.locator(".st-key-share button").first.click()
    finished.locator(".st-key-share_make button").click()
    link = finished.locator("[data-testid=stPopoverBody] code")
    expect(link).to_contain_text("/run?run=")
    shared = link.inner_text().strip()
    assert run.id not in shared

    page = stranger.page(shared)
    expect(page.get_by_text(GUEST)).to_be_visible()
    expect(page.get_by_text("Against the same network from scratch")).to_be_visible()
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    _settled(page)
    for key in ("stop", "resume", "conclude", "share", "run_buttons"):
        expect(page.locator(f".st-key-{key}")).to_have_count(0)
    for words in ("Train longer", "Seeds"):
        expect(page.get_by_text(words, exact=True)).to_have_count(0)
    page.get_by_role("tab", name="Downloads").click()
    with page.expect_download() as download:
        page.locator(".st-key-download_json button").click()
    told = Path(download.value.path()).read_text(encoding="utf-8")
    assert owner.id not in told
    assert run.id not in told
    expect(page.locator(".st-key-download_zip")).to_have_count(0)  # it holds the owner's pictures
    expect(page.get_by_text("Delete this run")).to_have_count(0)
    page.get_by_role("tab", name="What moved").click()
    page.get_by_role("link", name="See what changed").click()
    expect(page.get_by_text("The first kernels")).to_be_visible()
    expect(page).to_have_url(re.compile(shared.rpartition("=")[2]))
    assert run.id not in page.content()
    page.goto(f"{address}/runs")
    expect(page.get_by_text("Nothing here yet.")).to_be_visible()

    page.goto(shared)
    expect(page.get_by_text(GUEST)).to_be_visible()
    listed = owner.page(f"{address}/runs")
    expect(listed.locator(".st-key-run_list")).to_contain_text("Shared")
    listed.close()
    finished.locator(".st-key-share_stop button").click()
    expect(
        finished.locator(".st-key-share_make button").or_(finished.get_by_text("Make the link")).first
    ).to_be_attached()
    page.get_by_role("tab", name="Cost").click()  # the guest's next click
    expect(page.get_by_text(NO_RUN)).to_be_visible()
    expect(page.get_by_text(NAME)).to_have_count(0)
    page.close()
