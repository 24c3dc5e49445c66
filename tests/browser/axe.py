"""What axe finds in a view, and what it does not look at: words in charts, and what moves."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser import views
from tests.browser.views import View

LOOKS = tuple((theme, width) for theme in ("light", "dark") for width in (1440, 390))
HEIGHT = 900


@dataclass(frozen=True, kw_only=True)
class Streamlits:
    """What Streamlit 1.67 itself does against a rule; ``mended`` says where, if that was possible."""

    rule: str
    selector: str
    why: str
    issue: str  # in github.com/streamlit/streamlit
    mended: str = ""


STREAMLITS = (
    Streamlits(
        rule="region",
        selector="[role=listbox]",
        why="The open list of a select box is put at the end of the document, outside every landmark, and is removed "
        "with it; a screen reader comes to it through its field.",
        issue="no issue found",
    ),
    Streamlits(
        rule="color-contrast",
        selector="[data-testid^=stBaseButton-primary]",
        why="Words on the primary colour are white, whatever that colour is.",
        issue="#12801",
        mended="widgets/frame.css",
    ),
    Streamlits(
        rule="color-contrast",
        selector="[data-testid=stCaptionContainer], [data-testid=stExpander] summary",
        why="Captions, and the titles of compact expanders, are faded to 60 %.",
        issue="no issue found",
        mended="widgets/frame.css",
    ),
    Streamlits(
        rule="color-contrast",
        selector="[data-testid=stCode] .token",
        why="Keywords, strings, numbers and comments of code have fixed colours, too light on a light ground.",
        issue="no issue found",
        mended="widgets/frame.css",
    ),
    Streamlits(
        rule="color-contrast",
        selector=".js-plotly-plot",
        why="A change of theme does not run the page again, so charts keep the ink of the old ground.",
        issue="#15287",
        mended="widgets/frame.js",
    ),
    Streamlits(
        rule="focus-order-semantics",
        selector="[data-testid=stCode]",
        why="A block of code takes the focus and has neither role nor name.",
        issue="no issue found",
        mended="widgets/frame.js",
    ),
    Streamlits(
        rule="scrollable-region-focusable",
        selector="[data-testid=stCode] pre",
        why="What scrolls sideways is not what takes the focus.",
        issue="no issue found",
        mended="wrap_lines=True",
    ),
    Streamlits(
        rule="presentation-role-conflict",
        selector="[data-testid=stFileUploaderDropzone]",
        why="The place for files has a name, and says that it is mere decoration.",
        issue="no issue found",
        mended="widgets/frame.js",
    ),
)

# All rules for what WCAG 2.2 asks at levels A and AA, the good practices, and what axe still calls experiments.
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice", "experimental")
OPTIONS = {
    "runOnly": {"type": "tag", "values": TAGS},
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
CONTEXT = {"exclude": [[".main-svg"]]}  # a chart's thousands of lines; its words are checked by `chart_words`
_axe = Axe()
_CHART_WORDS = (Path(__file__).parent / "chart_words.js").read_text(encoding="utf-8")
# What runs longer than an eye sees, in the page and inside its components.
_MOVING = """() => {
    const roots = [document];
    for (const root of roots) {
        for (const one of root.querySelectorAll('*')) if (one.shadowRoot) roots.push(one.shadowRoot);
    }
    return roots.flatMap(root => root.getAnimations())
        .filter(one => one.playState === 'running' && one.effect.getComputedTiming().endTime > 50)
        .map(one => `${one.animationName ?? one.transitionProperty}: ${one.effect.target.outerHTML.slice(0, 80)}`);
}"""


@dataclass(frozen=True, kw_only=True)
class Found:
    """One node that breaks one rule in one view."""

    page: str
    view: str
    theme: str
    width: int
    rule: str
    target: str
    html: str
    why: str


def dress(page: Page, theme: str, width: int) -> None:
    """Show the open page in another theme and width."""
    page.set_viewport_size({"width": width, "height": HEIGHT})
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
    views.settled(page)


def look(page: Page, view: View, theme: str, width: int) -> list[Found]:
    """Run axe on what is in front, and look into its charts."""
    answer = _axe.run(page, context=CONTEXT, options=OPTIONS).response
    return chart_words(page, view, theme, width) + [
        Found(
            page=view.page,
            view=view.name,
            theme=theme,
            width=width,
            rule=rule["id"],
            target=" ".join(map(str, node["target"])),
            html=node["html"],
            why="; ".join(one["message"] for kind in ("any", "all", "none") for one in node[kind]),
        )
        for rule in answer["violations"]
        for node in rule["nodes"]
        if not _streamlits(page, rule["id"], node["target"])
    ]


def _streamlits(page: Page, rule: str, target: list[Any]) -> bool:
    """Whether Streamlit breaks the rule there, and nothing can be done about it from here."""
    return any(
        one.rule == rule and page.locator(target[-1]).first.evaluate("(e, s) => e.matches(s)", one.selector)
        for one in STREAMLITS
        if not one.mended and isinstance(target[-1], str)
    )


def chart_words(page: Page, view: View, theme: str, width: int) -> list[Found]:
    """Find words in charts whose contrast is below WCAG 2.2's 4.5:1 (3:1 for large ones)."""
    return [
        Found(
            page=view.page,
            view=view.name,
            theme=theme,
            width=width,
            rule="words in charts",
            target=place[-80:],
            html=words,
            why=said,
        )
        for place, words, said in page.evaluate(_CHART_WORDS)
    ]


def moving(page: Page) -> list[str]:
    """Name what moves by style in the page that is in front, though less motion is wanted (`dress`)."""
    found: list[str] = page.evaluate(_MOVING)
    return found
