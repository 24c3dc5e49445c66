"""What axe finds on every page and view, in both themes and two widths, as a table.

    python -m benchmarks.accessibility [--only riding] [--json found.json]

Opens every view of `tests.browser.views` on a fresh server in headless Chromium, and runs axe-core in it, light and
dark, as wide as a desk and as a phone. Prints the nodes found by page and view, theme and width, and rule.
"""

import argparse
import dataclasses
import json
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.browser import views
from tests.browser.axe import HEIGHT, LOOKS, Found, dress, look
from tests.browser.views import SECONDS, View


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
            views.settled(page)
            made = views.make(folder, visitor)
            for view in views.views(made, SECRET):
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
        views.open_view(page, address, view)
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
    views.settled(page)
    page.screenshot(path=str(file))


if __name__ == "__main__":
    main()
