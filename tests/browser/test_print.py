"""On paper: narrower than the screen, and no chart loses an edge; in several pages, and nothing to press on them."""

import re

from playwright.sync_api import Page, expect

from tests.browser.views import settled

# How far each chart stands out beyond a column as narrow as paper, and its shape; read before a chart could follow by
# itself, which browsers do not wait for when they print.
_EDGES = """() => {
  const main = document.querySelector('[data-testid=stMainBlockContainer]');
  main.style.width = '700px';
  const edges = [...document.querySelectorAll('.js-plotly-plot .svg-container')].map((chart) => {
    const box = chart.querySelector('.main-svg').getBoundingClientRect();
    return [box.right - main.getBoundingClientRect().right, box.width / box.height];
  });
  main.style.width = '';
  return edges;
}"""


def test_a_chart_is_printed_whole_in_its_own_shape(tab: Page, address: str) -> None:
    tab.set_viewport_size({"width": 1440, "height": 900})
    tab.goto(f"{address}/advise")
    settled(tab)
    expect(tab.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    on_screen = tab.evaluate(_EDGES)
    assert max(beyond for beyond, _ in on_screen) > 50, "a chart of the screen is too wide for paper"
    tab.evaluate(
        "() => dispatchEvent(new Event('beforeprint'))"
    )  # before the paper's rules hold, as in a browser
    tab.emulate_media(media="print")
    printed = tab.evaluate(_EDGES)
    assert len(printed) == len(on_screen)
    for (beyond, shape), (_, own) in zip(printed, on_screen, strict=True):
        assert beyond <= 1
        assert abs(shape - own) < 0.02 * own
    for hidden in ("[data-testid=stHeader]", ".st-key-page_bar"):
        expect(tab.locator(hidden)).to_be_hidden()
    tab.evaluate("() => dispatchEvent(new Event('afterprint'))")
    assert tab.locator(".main-svg[viewBox]").count() == 0
    tab.emulate_media(media="screen")


def test_a_long_page_is_printed_to_its_end(tab: Page, address: str) -> None:
    tab.goto(f"{address}/glossary")
    settled(tab)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", tab.pdf(format="A4"))) >= 4
