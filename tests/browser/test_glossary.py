"""A page's words explain themselves: to a mouse, to a finger and to keys; and a link to the view is one press away."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.views import settled
from widgets import glossary

PAGES = ("", "riding?part=why", "advise", "finetune", "techniques")
_MARKED = "() => [...(CSS.highlights.get('glossary') ?? [])].map(range => range.toString())"
# Where a marked word lies, brought into view.
_PLACE = """word => {
  const range = [...CSS.highlights.get('glossary')].find(range => range.toString() === word);
  range.startContainer.parentElement.scrollIntoView({ block: 'center' });
  const box = range.getBoundingClientRect();
  return [box.x + box.width / 2, box.y + box.height / 2];
}"""
# What stands on the page, charts and components included, as the panel itself has to find it.
_TEXT = """() => {
  const read = node => node.nodeType === 3 ? node.data + ' '
    : node.classList?.contains('st-key-page_bar') || ['STYLE', 'SCRIPT', 'PRE', 'CODE'].includes(node.nodeName) ? ' '
    : [...(node.shadowRoot ? [node.shadowRoot] : []), ...node.childNodes].map(read).join('');
  return read(document.querySelector('[data-testid=stMain]'));
}"""


def _open(tab: Page, address: str) -> None:
    tab.goto(address)
    settled(tab)


def _marked(tab: Page) -> list[str]:
    tab.wait_for_function("() => CSS.highlights.get('glossary')?.size > 0")
    return list(tab.evaluate(_MARKED))


@pytest.mark.parametrize("page", PAGES)
def test_all_words_of_a_page_are_listed_and_each_is_marked_once(tab: Page, address: str, page: str) -> None:
    _open(tab, f"{address}/{page}")
    used = {word.word for word in glossary.used(tab.evaluate(_TEXT))}
    tab.get_by_role("button", name="Words", exact=True).click()
    listed = tab.locator("#words dt").all_inner_texts()
    assert used
    assert sorted(listed) == sorted(used)
    known = [glossary.used(text)[0].word for text in _marked(tab)]
    assert len(known) == len(set(known))


def test_a_mouse_sees_the_sentence_and_goes_where_it_can_be_seen(tab: Page, address: str) -> None:
    _open(tab, f"{address}/")
    assert "stem" in _marked(tab)
    tab.mouse.move(*tab.evaluate(_PLACE, "stem"))
    box = tab.locator("#word")
    expect(box).to_be_visible()
    expect(box).to_contain_text("The first stage")
    tab.keyboard.press("Escape")
    expect(box).to_be_hidden()
    tab.mouse.move(2, 2)
    tab.mouse.move(*tab.evaluate(_PLACE, "stem"))
    box.get_by_role("link", name="See it: Layers").click()  # over the gap between the word and its box
    expect(tab).to_have_url(f"{address}/layers?view=filters")
    expect(tab.get_by_role("heading", level=1)).to_have_text("What a network sees")


def test_a_finger_taps_and_taps_elsewhere(chromium: object, address: str) -> None:
    profile = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    phone = profile.new_page()
    _open(phone, f"{address}/")
    assert "stem" in _marked(phone)
    phone.touchscreen.tap(*phone.evaluate(_PLACE, "stem"))
    box = phone.locator("#word")
    expect(box).to_contain_text("The first stage")
    edges = box.bounding_box()
    assert edges["x"] >= 0
    assert edges["x"] + edges["width"] <= 390
    phone.touchscreen.tap(10, 400)
    expect(box).to_be_hidden()
    profile.close()


def test_keys_open_the_words_and_follow_one(tab: Page, address: str) -> None:
    _open(tab, f"{address}/")
    for _ in range(30):
        tab.keyboard.press("Tab")
        if tab.evaluate("() => document.activeElement.shadowRoot?.activeElement?.className === 'open-words'"):
            break
    tab.keyboard.press("Enter")
    expect(tab.locator("#words")).to_be_visible()
    tab.keyboard.press("Tab")
    focused = "() => document.activeElement.shadowRoot.activeElement.textContent"
    assert tab.evaluate(focused).startswith("See it: ")
    tab.keyboard.press("Escape")
    expect(tab.locator("#words")).to_be_hidden()
    tab.wait_for_function("() => document.activeElement.shadowRoot?.activeElement?.textContent === 'Words'")
    tab.keyboard.press("Enter")
    tab.get_by_role("link", name="All words").press("Enter")
    expect(tab).to_have_url(f"{address}/glossary")
    tab.get_by_label("Find a word").fill("adamw")
    tab.keyboard.press("Enter")
    expect(tab.get_by_text("The rule that turns gradients into updates.")).to_be_visible()
    expect(tab.get_by_text("Once through all training pictures.")).to_have_count(0)


def test_the_link_to_a_view_is_copied(chromium: object, address: str) -> None:
    profile = chromium.new_context(viewport={"width": 1280, "height": 900})
    profile.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
    tab = profile.new_page()
    _open(tab, f"{address}/riding?part=why")
    tab.get_by_role("button", name="Copy link").click()
    expect(tab.get_by_text("Copied.")).to_be_visible()
    assert tab.evaluate("() => navigator.clipboard.readText()") == f"{address}/riding?part=why"
    # Without that right, as on an unencrypted address, the old way; the address stands there in any case.
    tab.evaluate("() => Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    tab.keyboard.press("Escape")
    tab.get_by_role("button", name="Copy link").click()
    expect(tab.get_by_label("Address of this view")).to_have_value(f"{address}/riding?part=why")
    expect(tab.get_by_role("status").filter(has_text="Cop")).to_be_visible()
    profile.close()
