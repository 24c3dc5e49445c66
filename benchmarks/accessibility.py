"""What axe finds on every page and view, in both themes and two widths, as a table.

    python -m benchmarks.accessibility [--only riding] [--json found.json]

Opens every view of `benchmarks.page_views` on a fresh server in headless Chromium, and runs axe-core in it, light and
dark, as wide as a desk and as a phone. Prints the nodes found by page and view, theme and width, and rule.
"""

import argparse
import dataclasses
import json
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, sync_playwright

from benchmarks import page_views
from benchmarks.page_views import SECONDS, View

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
    page_views.settled(page)


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


def table(found: Iterable[Found]) -> str:
    """Count nodes by view and rule, with a column for each theme and width."""
    counts = Counter((one.page, one.view, one.rule, one.theme, one.width) for one in found)
    rows = ["| page | view | rule | " + " | ".join(f"{theme} {width}" for theme, width in LOOKS) + " |"]
    rows.append("|---" * (3 + len(LOOKS)) + "|")
    for page, view, rule in dict.fromkeys(key[:3] for key in counts):
        cells = [str(counts[page, view, rule, *one] or "") for one in LOOKS]
        rows.append(f"| {page} | {view} | {rule} | " + " | ".join(cells) + " |")
    sums = Counter((rule, theme, width) for (_, _, rule, theme, width), n in counts.items() for _ in range(n))
    for rule in sorted({one[0] for one in sums}):
        cells = [str(sums[rule, *one] or "") for one in LOOKS]
        rows.append(f"| **all** | | {rule} | " + " | ".join(cells) + " |")
    totals = [str(sum(n for key, n in counts.items() if key[3:] == one)) for one in LOOKS]
    rows.append("| **all** | | **all** | " + " | ".join(totals) + " |")
    return "\n".join(rows)


def main() -> None:
    """Measure and print."""
    from benchmarks.classroom import served
    from widgets import visitor_cookie

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--only", default="", help="pages, or page/view, that begin so")
    parser.add_argument("--json", type=Path, help="write every node here")
    parser.add_argument("--pictures", type=Path, help="put a screenshot of every view, theme and width here")
    arguments = parser.parse_args()
    found: list[Found] = []
    with tempfile.TemporaryDirectory() as home, sync_playwright() as driver:
        folder, visitor = Path(home), visitor_cookie.new_visitor()
        script = Path(__file__).resolve().parent.parent / "streamlit_app.py"
        browser = driver.chromium.launch(
            executable_path=arguments.chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        with served(script, home, folder / "server.log") as (address, _):
            context = browser.new_context(viewport={"width": 1440, "height": HEIGHT})
            context.set_default_timeout(90 * SECONDS)
            context.add_cookies([{"name": visitor_cookie.COOKIE, "value": visitor, "url": address}])
            page = context.new_page()
            page.goto(address)
            page_views.settled(page)
            made = page_views.make(folder, visitor)
            for view in page_views.views(made, SECRET):
                if not f"{view.page}/{view.name}".startswith(arguments.only):
                    continue
                found += _all_looks(page, address, view, arguments.pictures)
                if arguments.json:
                    arguments.json.write_text(
                        json.dumps([dataclasses.asdict(one) for one in found], indent=1)
                    )
            context.close()
        browser.close()
    print(table(found))


SECRET = "tangerine dream 1984"


def _all_looks(page: Page, address: str, view: View, pictures: Path | None) -> list[Found]:
    found: list[Found] = []
    page.set_viewport_size({"width": LOOKS[0][1], "height": HEIGHT})
    page.emulate_media(color_scheme=LOOKS[0][0], reduced_motion="reduce")  # type: ignore[arg-type]
    try:
        page_views.open_view(page, address, view)
    except Exception as error:  # one view that cannot be reached does not hide the others
        print(f"{view.page}/{view.name}: {type(error).__name__}: {str(error).splitlines()[0]}", flush=True)
        return found
    for theme, width in LOOKS:
        dress(page, theme, width)
        found += look(page, view, theme, width)
        if pictures is not None:
            pictures.mkdir(exist_ok=True, parents=True)
            _whole(page, pictures / f"{view.page}-{view.name}-{theme}-{width}.png".replace(" ", "_"), width)
    return found


def _whole(page: Page, file: Path, width: int) -> None:
    """Take a picture of the whole page: Streamlit scrolls inside, so the window grows instead."""
    height: Any = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": width, "height": min(6000, max(HEIGHT, int(height) + 80))})
    page_views.settled(page)
    page.screenshot(path=str(file))


if __name__ == "__main__":
    main()
