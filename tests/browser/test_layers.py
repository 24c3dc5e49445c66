"""The layers page in a real browser: clicks change view and address, and the address brings them back."""

import re

from playwright.sync_api import Page, expect


def _cell(tab: Page, key: str, column: int, columns: int) -> None:
    frame = tab.locator(f".st-key-{key} .frame")
    expect(frame).to_be_visible()
    box = frame.bounding_box()
    assert box is not None
    frame.click(position={"x": (column + 0.5) / columns * box["width"], "y": min(20.0, box["height"] / 4)})


def test_a_deep_link_draws_the_page_and_clicks_are_kept_in_the_address(tab: Page, address: str) -> None:
    tab.goto(f"{address}/layers?network=tiny_resnet18&view=channels&stage=layer2&channel=5")
    expect(tab.get_by_text("layer2 · channel 5", exact=True)).to_be_visible()
    _cell(tab, "layers_pictures", 1, 10)
    expect(tab).to_have_url(re.compile("picture=coffee"))
    _cell(tab, "layers_sheet", 3, 8)
    expect(tab).not_to_have_url(re.compile("channel=5(&|$)"))
    chosen = re.search(r"channel=(\d+)", tab.url)
    assert chosen is not None
    expect(tab.get_by_text(f"layer2 · channel {chosen[1]}", exact=True)).to_be_visible()
    tab.locator(".st-key-layers_strip .stage").nth(4).click()
    expect(tab.get_by_text(re.compile(r"^layer4 · channel \d+$"))).to_be_visible()
    expect(tab).to_have_url(re.compile("stage=layer4"))
    link = tab.url
    tab.goto("about:blank")
    tab.goto(link)
    expect(tab.get_by_text(re.compile(r"^layer4 · channel \d+$"))).to_be_visible()
    expect(tab.locator(".st-key-layers_strip .stage.selected .name")).to_have_text("layer4")


def test_a_sheet_is_worked_by_keys_too(tab: Page, address: str) -> None:
    tab.goto(f"{address}/layers?network=tiny_resnet18&view=channels&order=number&stage=stem")
    expect(tab.get_by_text("stem · channel 0", exact=True)).to_be_visible()
    frame = tab.locator(".st-key-layers_sheet .frame")
    frame.focus()
    frame.press("ArrowRight")
    frame.press("ArrowDown")
    frame.press("Enter")
    expect(tab.get_by_text("stem · channel 7", exact=True)).to_be_visible()
    expect(tab).to_have_url(re.compile("channel=7"))


def test_an_uploaded_picture_is_looked_at_and_stays_out_of_the_address(tab: Page, address: str) -> None:
    from importlib.resources import files

    tab.goto(f"{address}/layers?network=tiny_resnet18&view=channels")
    expect(tab.get_by_text(re.compile(r"^stem · channel \d+$"))).to_be_visible()
    _cell(tab, "layers_pictures", 9, 10)
    expect(tab).to_have_url(re.compile("picture=own"))
    expect(tab.get_by_text("Choose a picture first")).to_be_visible()
    tab.locator("[data-testid=stFileUploader] input").set_input_files(
        str(files("skimage").joinpath("data", "clock_motion.png"))
    )
    expect(tab.get_by_text("Choose a picture first")).to_have_count(0)
    expect(tab.get_by_text(re.compile(r"^stem · channel \d+$"))).to_be_visible()
    assert "clock" not in tab.url


_WATCH_FOR_LEFTOVERS = """() => {
  window.leftover = false;
  new MutationObserver(() => {
    const words = document.querySelector('[data-testid=stMain]').textContent;
    const next = document.querySelector('.st-key-layers_strip');
    window.leftover ||= next !== null && words.includes('All filters on the wheel');
  }).observe(document.body, { childList: true, subtree: true });
}"""


def test_nothing_of_the_view_before_stands_below_the_next(tab: Page, address: str) -> None:
    tab.goto(f"{address}/layers?network=tiny_resnet18&view=filters")
    expect(tab.get_by_text("All filters on the wheel")).to_be_visible()
    tab.evaluate(_WATCH_FOR_LEFTOVERS)
    tab.get_by_role("radio", name="Channels").click()
    expect(tab.locator(".st-key-layers_sheet")).to_be_visible()
    assert not tab.evaluate("() => window.leftover")


def test_a_measurement_is_stopped_by_its_button_and_begins_when_asked_again(tab: Page, address: str) -> None:
    tab.goto(f"{address}/layers?network=tiny_resnet18&view=specificity&images=600&data=science-patches")
    stop = tab.locator(".st-key-specificity_stop button")
    stop.click()
    expect(tab.get_by_text("Stopped; nothing of it was kept.")).to_be_visible()
    expect(stop).to_have_count(0)
    tab.get_by_role("button", name="Measure", exact=True).click()
    expect(stop).to_be_visible()
    stop.click()
    expect(tab.get_by_text("Stopped; nothing of it was kept.")).to_be_visible()
