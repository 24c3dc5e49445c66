"""The main job in a real browser: one click on the defaults, the link to it, own pictures, runs side by side.

One story in order, since each part stands on the run that the first has made.
"""

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser import views

SECONDS = 1000.0
RUN_MS = 240 * SECONDS  # a busy machine; an idle one needs a small part of it


@pytest.fixture(scope="module")
def story() -> dict[str, str]:
    """What later tests need from earlier ones."""
    return {}


def _needed(story: dict[str, str], name: str) -> str:
    if name not in story:
        pytest.skip(f"needs {name}, which an earlier test of this file makes")
    return story[name]


def _choose(tab: Page, key: str, text: str) -> None:
    """Choose an option of a select box by its text."""
    tab.locator(f".st-key-{key} input").fill(text)
    tab.get_by_role("option", name=text).first.click()


def test_one_click_on_the_defaults_ends_in_a_finished_run(
    tab: Page, address: str, story: dict[str, str]
) -> None:
    tab.goto(address)
    tab.locator(".st-key-first_button button").click()
    tab.locator(".st-key-start button").click()
    expect(tab).to_have_url(re.compile(r"/run\?run=[\w-]+"))
    story["run"] = tab.url.split("run=")[1]
    expect(tab.get_by_text("never seen before")).to_be_visible(timeout=RUN_MS)
    accuracy = float(tab.get_by_test_id("stMetricValue").first.inner_text().split()[0])
    # Twelve classes, an eighth by chance; a pretrained network that has learned anything is far above.
    assert 70 < accuracy <= 100
    tab.get_by_role("tab", name="What moved").click()
    expect(tab.get_by_text("✓ identical")).to_have_count(3)


def test_a_link_to_a_run_works_as_the_first_request_to_a_fresh_server(
    chromium: object, visitor: BrowserContext, fresh_server: Callable[[], object], story: dict[str, str]
) -> None:
    run = _needed(story, "run")
    with fresh_server() as other:
        page = visitor.new_page()
        page.goto(f"{other}/run?run={run}")
        expect(page.get_by_text("never seen before")).to_be_visible()
        expect(page.get_by_role("link", name="Fine-tune")).to_be_visible()  # the frame is there too
        page.close()
        # Somebody else neither opens the run nor finds it among their own; test_isolation.py tries harder.
        stranger = chromium.new_context()
        stranger.set_default_timeout(RUN_MS)
        page = stranger.new_page()
        page.goto(f"{other}/run?run={run}")
        expect(page.get_by_text("There is no run with this address")).to_be_visible()
        page.goto(f"{other}/runs")
        expect(page.get_by_text("Nothing here yet.")).to_be_visible()
        stranger.close()


def test_the_strip_decides_what_the_run_freezes(tab: Page, address: str) -> None:
    tab.goto(f"{address}/finetune")
    blocks = tab.locator(".st-key-stages .stage")
    blocks.nth(1).click()
    expect(tab.locator(".st-key-launch")).to_contain_text("1 of 6 stages frozen")
    tab.locator(".st-key-stages .handle").press("ArrowRight")
    expect(tab.locator(".st-key-launch")).to_contain_text("2 of 6 stages frozen")
    blocks.nth(5).click()  # all frozen: that is a linear probe
    expect(tab.locator(".st-key-launch")).to_contain_text("Linear probe")
    tab.locator(".st-key-stages .handle").press("Home")
    expect(tab.locator(".st-key-launch")).to_contain_text("Full fine-tuning")


def _archive(path: Path) -> Path:
    """Write a ZIP of two classes that anybody can tell apart, one file that is no picture, hostile names."""
    generator = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for name, tint in (("*warm* <b>", (255, 90, 30)), ("cold_$1$", (30, 90, 255))):
            for number in range(16):
                noise = generator.integers(0, 80, (40, 40, 3))
                pixels = np.clip(np.array(tint) - noise, 0, 255).astype(np.uint8)
                content = io.BytesIO()
                Image.fromarray(pixels).save(content, format="PNG")
                archive.writestr(f"{name}/{number}.png", content.getvalue())
        archive.writestr("cold_$1$/readme.png", b"<html>not a picture</html>")
    return path


def test_own_pictures_from_a_zip_to_their_mistakes(
    tab: Page, address: str, story: dict[str, str], tmp_path: Path
) -> None:
    tab.goto(f"{address}/finetune")
    tab.get_by_role("radio", name="My own pictures").click()
    tab.locator(".st-key-own_zip input[type=file]").set_input_files(_archive(tmp_path / "colours.zip"))
    expect(tab.get_by_text("32 pictures · 2 classes")).to_be_visible()
    expect(tab.get_by_text("1 file was left out")).to_be_visible()
    tab.get_by_text("Look at the classes").click()
    # Names from outside mean themselves: no Markdown, no HTML, no LaTeX.
    expect(tab.get_by_text("*warm* <b>", exact=True).first).to_be_visible()
    tab.locator(".st-key-stages .stage").nth(5).click()
    expect(tab.locator(".st-key-launch")).to_contain_text("Linear probe")
    tab.locator(".st-key-start button").click()
    expect(tab.get_by_text("never seen before")).to_be_visible(timeout=RUN_MS)
    story["own"] = tab.url.split("run=")[1]
    drag = tab.locator(".st-key-confusion .nsewdrag").first
    drag.scroll_into_view_if_needed()
    box = drag.bounding_box()
    assert box is not None
    drag.click(position={"x": box["width"] / 4, "y": box["height"] / 4})  # the first class, recognised
    expect(tab.get_by_text(", recognised: 4")).to_be_visible()
    expect(tab.locator(".st-key-gallery img")).to_have_count(4)
    tab.get_by_role("tab", name="Downloads").click()
    with tab.expect_download() as download:
        tab.locator(".st-key-download_safetensors button").click()
    assert Path(download.value.path()).stat().st_size > 5_000_000


def test_a_run_can_be_stopped_and_go_on(tab: Page, address: str) -> None:
    tab.goto(f"{address}/finetune")
    tab.locator(".st-key-choose_lfw-faces button").click()
    expect(tab.locator(".st-key-launch")).to_contain_text("Face or no face")
    tab.locator(".st-key-start button").click()
    tab.locator(".st-key-stop button").click()
    expect(tab.get_by_text("Stopped")).to_be_visible()
    tab.locator(".st-key-resume button").click()
    expect(tab.locator(".st-key-stop button")).to_be_visible()
    tab.locator(".st-key-stop button").click()
    expect(tab.get_by_text("Stopped")).to_be_visible()


def test_runs_lie_side_by_side(tab: Page, address: str, story: dict[str, str]) -> None:
    first, second = _needed(story, "run"), _needed(story, "own")
    tab.goto(f"{address}/runs")
    for run in (first, second):
        tab.locator(f".st-key-pick_{run} label").click()
    expect(tab.get_by_text("Is the difference real?")).to_be_visible()
    expect(tab.get_by_text("answer different questions")).to_be_visible()


def test_no_page_scrolls_sideways_on_a_phone(
    visitor: BrowserContext, address: str, story: dict[str, str]
) -> None:
    page = visitor.new_page()
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("/", "/finetune", "/runs", f"/run?run={_needed(story, 'run')}"):
        page.goto(address + path)
        views.settled(page)
        width = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
        assert width <= 390, path
    page.close()
