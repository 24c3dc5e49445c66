"""By keyboard alone: a fine-tuning, a look at Layers and a ride, from the address to the result on screen.

Nothing here clicks, fills or sets the focus: Tab goes to a thing, and its keys work it.
"""

import re

from playwright.sync_api import Page, expect

from tests.browser import views

SECONDS = 1000.0
RUN_MS = 240 * SECONDS  # a busy machine; an idle one needs a small part of it
MOST_TABS = 80

# Whether the element that has the focus, within the shadow roots of components, too, lies in all that a selector names;
# and whether anything on it or near it shows so.
_AT = """selector => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  const path = [];
  for (let one = at; one; one = one.parentElement ?? one.getRootNode().host) path.push(one);
  return selector.split(" ").every((part) => path.some((one) => one.matches(part)));
}"""
_SHOWN = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  const near = [at, ...at.children, at.parentElement, at.parentElement?.parentElement].filter(Boolean);
  near.push(...(at.closest('[class*="st-key-card_"]') ? [at.closest('[class*="st-key-card_"]')] : []));
  return near.some((one) => {
    const look = getComputedStyle(one);
    return look.boxShadow !== "none" || (look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 2);
  });
}"""


def _at(tab: Page, selector: str) -> bool:
    return bool(tab.evaluate(_AT, selector))


def _stays(tab: Page, selector: str) -> None:
    """See that what ``selector`` names has the focus, once the answer to the last key has been drawn."""
    tab.wait_for_function(_AT, arg=selector)


def _reach(tab: Page, selector: str, key: str = "Tab") -> None:
    """Press ``key`` until what ``selector`` names has the focus, and see that it shows."""
    expect(tab.locator(selector).first).to_be_attached()
    for _ in range(MOST_TABS):
        tab.keyboard.press(key)
        if _at(tab, selector):
            assert tab.evaluate(_SHOWN), f"one cannot see that {selector} has the focus"
            return
    raise AssertionError(f"{selector} was not reached by {MOST_TABS} times {key}")


def _open(tab: Page, address: str) -> None:
    tab.goto(address)
    views.settled(tab)


def test_a_fine_tuning(tab: Page, address: str) -> None:
    _open(tab, f"{address}/finetune")
    # Pictures: the card is chosen and keeps the focus.
    _reach(tab, ".st-key-card_lfw-faces .stButton")
    tab.keyboard.press("Enter")
    expect(tab.locator(".st-key-launch")).to_contain_text("Face or no face")
    expect(tab.locator(".st-key-chosen_lfw-faces")).to_be_visible()
    _stays(tab, ".st-key-choose_lfw-faces")
    # The strip, and what it says aloud.
    _reach(tab, ".st-key-stages .handle")
    handle = tab.locator(".st-key-stages .handle")
    tab.keyboard.press("Home")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowRight")
    expect(handle).to_have_attribute("aria-valuetext", re.compile("^2 of 6 stages frozen"))
    expect(tab.locator(".st-key-launch")).to_contain_text("2 of 6 stages frozen")
    _stays(tab, ".st-key-stages .handle")
    # All frozen: a probe, with a result at once.
    tab.keyboard.press("End")
    expect(tab.locator(".st-key-launch")).to_contain_text("Linear probe")
    _reach(tab, ".st-key-start")
    tab.keyboard.press("Enter")
    # With its control, since the page is drawn anew when that comes.
    expect(tab.get_by_text("Against the same network from scratch")).to_be_visible(timeout=RUN_MS)
    # Its numbers, and the pictures of a cell of the confusion matrix.
    _reach(tab, ".st-key-numbers_headline summary")
    tab.keyboard.press("Enter")
    expect(tab.locator(".st-key-numbers_headline canvas").first).to_be_visible()
    _stays(tab, ".st-key-numbers_headline")
    tab.keyboard.press("Enter")
    _reach_choice(tab, '[class*="st-key-confusion_cell_"]')
    options = tab.get_by_role("option")
    for _ in range(3):  # Streamlit's list sometimes opens at the second press only
        if not options.count():
            tab.keyboard.press("ArrowDown")
            tab.wait_for_timeout(500)
    expect(options.first).to_be_visible()
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    chosen = re.compile(r", (recognised|taken for .*): \d+$")
    expect(tab.locator("[data-testid=stMarkdownContainer] p", has_text=chosen)).to_be_visible()
    expect(tab.locator(".st-key-gallery img").first).to_be_visible()


def _reach_choice(tab: Page, selector: str) -> None:
    """Go to a select box; its frame changes colour, which Streamlit draws further out than `_reach` looks."""
    expect(tab.locator(selector).first).to_be_attached()
    for _ in range(MOST_TABS):
        tab.keyboard.press("Tab")
        if _at(tab, selector):
            return
    raise AssertionError(f"{selector} was not reached")


def test_a_look_at_layers(tab: Page, address: str) -> None:
    _open(tab, f"{address}/layers?network=tiny_resnet18&view=channels&order=number&stage=stem")
    expect(tab.get_by_text("stem · channel 0", exact=True)).to_be_visible()
    _reach(tab, ".st-key-layers_pictures .frame")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("Enter")
    expect(tab).to_have_url(re.compile("picture=coffee"))
    _reach(tab, ".st-key-layers_strip .stage:nth-child(3)")
    tab.keyboard.press("Enter")
    expect(tab.get_by_text("layer2 · channel 0", exact=True)).to_be_visible()
    _stays(tab, ".st-key-layers_strip .stage:nth-child(3)")
    _reach(tab, ".st-key-layers_sheet .frame")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("Enter")
    expect(tab.get_by_text("layer2 · channel 1", exact=True)).to_be_visible()
    _stays(tab, ".st-key-layers_sheet")  # the sheet keeps the focus, for the next one
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    expect(tab.get_by_text("layer2 · channel 9", exact=True)).to_be_visible()
    expect(tab).to_have_url(re.compile("channel=9"))


def test_a_ride(tab: Page, address: str) -> None:
    _open(tab, f"{address}/riding")
    game = tab.locator(".st-key-riding_game .game")
    _reach(tab, ".st-key-riding_game .picture")
    for _ in range(2):  # after the first one, the next starts by the same key: the game has kept the focus
        tab.keyboard.press("Space")
        views.rides(game)
        tab.keyboard.down("ArrowRight")
        expect(game).to_have_attribute("data-phase", "done")
        tab.keyboard.up("ArrowRight")
        expect(game.locator(".verdict")).to_contain_text("s upright")
    expect(
        tab.get_by_text(re.compile(r"on the bicycle, beyond nobody, from \S+ s to \S+ s in 2 rides"))
    ).to_be_visible()
    # Out of the game, to what it measured.
    _reach(tab, ".st-key-riding_again")
    _reach(tab, ".st-key-numbers_riding_curve summary")
    tab.keyboard.press("Enter")
    expect(tab.locator(".st-key-numbers_riding_curve canvas").first).to_be_visible()
    _reach(tab, ".st-key-riding_again", "Shift+Tab")
    tab.keyboard.press("Enter")
    expect(tab.get_by_text("Can you do better than nobody?")).to_be_visible()


def test_keys_enter_a_group_of_choices_at_the_one_that_is_chosen(tab: Page, address: str) -> None:
    _open(tab, f"{address}/layers?network=tiny_resnet18&view=filters&sort=colour")
    for chosen in ("Trained", "First filters", "By colour"):
        _reach(tab, "[role=radio]")
        at = tab.evaluate("() => [document.activeElement.textContent, document.activeElement.ariaChecked]")
        assert at == [chosen, "true"]
