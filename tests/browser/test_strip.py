"""The stage strip in a real browser: clicks, arrow keys and dragging set the freeze depth."""

import re

from playwright.sync_api import Locator, Page, expect


def _open(tab: Page, address: str) -> tuple[Locator, Locator]:
    tab.goto(address)
    strip = tab.locator(".st-key-home_stages")
    return strip.locator(".handle"), strip.locator(".stage")


def _are(blocks: Locator, states: list[str]) -> None:
    expect(blocks).to_have_count(len(states))
    for number, state in enumerate(states):
        expect(blocks.nth(number)).to_have_attribute("data-state", state)


def test_a_click_freezes_up_to_a_stage_or_thaws_from_it(tab: Page, address: str) -> None:
    handle, blocks = _open(tab, address)
    expect(handle).to_have_attribute("aria-valuenow", "3")
    blocks.nth(3).click()
    expect(handle).to_have_attribute("aria-valuenow", "4")
    _are(blocks, ["ice"] * 4 + ["fire"] * 3)
    blocks.nth(0).click()
    expect(handle).to_have_attribute("aria-valuenow", "0")
    _are(blocks, ["fire"] * 7)


def test_arrow_keys_move_the_boundary_and_the_sentence_says_so(tab: Page, address: str) -> None:
    handle, _ = _open(tab, address)
    expect(handle).to_have_attribute("aria-valuenow", "3")
    handle.focus()
    handle.press("ArrowRight")
    expect(handle).to_have_attribute("aria-valuenow", "4")
    expect(handle).to_have_attribute("aria-valuetext", re.compile("4 of 6 stages frozen"))
    handle.press("Home")
    expect(handle).to_have_attribute("aria-valuetext", re.compile("Nothing is frozen"))
    handle.press("End")
    handle.press("ArrowRight")
    expect(handle).to_have_attribute("aria-valuenow", "6")


def test_dragging_the_handle_sets_the_depth(tab: Page, address: str) -> None:
    handle, blocks = _open(tab, address)
    expect(handle).to_have_attribute("aria-valuenow", "3")
    start, goal = handle.bounding_box(), blocks.nth(1).bounding_box()
    assert start is not None
    assert goal is not None
    tab.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    tab.mouse.down()
    tab.mouse.move(goal["x"], goal["y"] + goal["height"] / 2, steps=8)
    tab.mouse.up()
    expect(handle).to_have_attribute("aria-valuenow", "1")


def test_shares_of_the_sentence_make_a_whole_and_none_is_rounded_away(tab: Page, address: str) -> None:
    tab.goto(f"{address}/finetune?frozen=1")
    sentence = tab.locator(".st-key-stages .sentence")
    expect(sentence).to_contain_text("1 of 6 stages frozen")
    found = re.search(
        r"([\d.]+) % of [\d.]+ M parameters stay as they are; ([\d.]+) % learn", sentence.inner_text()
    )
    assert found is not None
    stay, learn = map(float, found.groups())
    assert 0 < stay < 1
    assert round(stay + learn, 4) == 100
