"""From click to changed picture on the layers page, in a real browser, beside a blank Streamlit app.

    python -m benchmarks.layers_latency

Both servers run at once and take turns, one click each, so whatever else the machine does meets both. A click's time
ends when the last picture that it changed has loaded. What nobody has asked for before is computed; what somebody has
is remembered: the two are told apart by the address after the click, and reported one under the other. Networks that
would be downloaded are measured with random weights, which cost the same. Before its clicks, each network's first look
is timed: from the address to the page's last chart, with nothing computed yet.
"""

import argparse
import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

from playwright.sync_api import Page, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from benchmarks.classroom import PROJECT, served
from core.backbones import catalogue
from widgets.layers.channels import COLUMNS, MOST_TILES

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
SETTLE_MS = 500  # no further picture loads for so long: the click is over
BLANK = """
import numpy as np
import streamlit as st

count = st.session_state.setdefault("count", 0)


def more():
    st.session_state.count += 1


st.title("Blank")
st.button("Another picture", key="more", on_click=more)
st.image(np.full((448, 448, 3), count % 256, dtype=np.uint8))
"""
# Notes when each picture has loaded, on the page's own clock. A picture that is swapped is a new load.
WATCH = """
window.loads = [];
document.addEventListener("load", (event) => {
  if (event.target.tagName === "IMG") window.loads.push(performance.now());
}, true);
document.addEventListener("pointerdown", (event) => { window.clicked = performance.now(); window.loads = []; }, true);
"""


@dataclass(frozen=True, kw_only=True)
class Series:
    """One row of the table: where the clicks happen and which part of the page they fall on."""

    name: str
    address: str
    click: Callable[[Page, int], None]


def _cell(key: str, columns: int, cells: int) -> Callable[[Page, int], None]:
    """Click cell after cell of a contact sheet, leaving out the first, which is chosen when the page opens."""

    def click(page: Page, number: int) -> None:
        frame = page.locator(f".st-key-{key} .frame")
        box = frame.bounding_box()
        assert box is not None
        index = 1 + number % (cells - 1)
        rows = -(-cells // columns)
        x, y = (index % columns + 0.5) / columns, (index // columns + 0.5) / rows
        frame.click(position={"x": x * box["width"], "y": y * box["height"]})

    return click


def _stage(page: Page, number: int) -> None:
    blocks = page.locator(".st-key-layers_strip .stage:not(.head):not(.selected)")
    blocks.nth(number % blocks.count()).click()


def _method(page: Page, number: int) -> None:
    """Choose the next method of the list; the clock starts at the click on it."""
    page.locator(".st-key-layers_method input").click()
    options = page.get_by_role("option")
    options.first.wait_for()
    options.nth((number + 1) % options.count()).click()


def series(network: str) -> list[Series]:
    """The clicks that are timed on ``network`` (what the address says about it)."""
    channels = f"layers?view=channels&{network}"
    stage = catalogue.entry(parse_qs(network)["network"][0]).stages[2]
    cells = min(stage.channels, MOST_TILES)
    columns = min(COLUMNS, math.ceil(cells**0.5))
    return [
        Series(name="picture", address=channels, click=_cell("layers_pictures", 10, 9)),
        Series(name="stage", address=channels, click=_stage),
        Series(
            name="channel",
            address=f"{channels}&stage={stage.name}",
            click=_cell("layers_sheet", columns, cells),
        ),
        Series(name="method", address=f"layers?view=attribution&{network}", click=_method),
    ]


def settled(page: Page) -> None:
    """Wait until the script has run and no picture has loaded for a while."""
    page.wait_for_function("document.querySelectorAll('[data-testid=stImage] img').length > 0")
    page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget]')")
    page.wait_for_timeout(SETTLE_MS)


def timed(page: Page, click: Callable[[], None]) -> float | None:
    """Milliseconds from pressing the pointer to the last picture that the click changed; None if none changed."""
    click()
    try:
        page.wait_for_function("window.loads.length > 0", timeout=20_000)
    except PlaywrightTimeoutError:
        return None
    page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget]')", timeout=60_000)
    page.wait_for_function(f"performance.now() - window.loads.at(-1) > {SETTLE_MS}", timeout=60_000)
    return float(page.evaluate("window.loads.at(-1) - window.clicked"))


def first_look(page: Page, address: str, network: str) -> float:
    """Seconds from the address of the page's first view to its last chart."""
    began = time.perf_counter()
    page.goto(f"{address}/layers?{network}")
    page.locator("[data-testid=stPlotlyChart]").nth(1).wait_for(timeout=300_000)
    page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget]')", timeout=60_000)
    seconds = time.perf_counter() - began
    page.close()
    return seconds


def memory(process: int) -> float:
    """Resident MiB of a process."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def quantiles(values: list[float]) -> str:
    """Show median and 95th percentile."""
    return f"{statistics.median(values):.0f} | {statistics.quantiles(values, n=20)[-1]:.0f}"


def main() -> None:
    """Measure every row and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--clicks", type=int, default=20)
    parser.add_argument(
        "--networks",
        nargs="+",
        default=["network=tiny_resnet18", "network=efficientnet_lite0", "network=resnet18&weights=random"],
    )
    parser.add_argument("--visitors", type=int, default=8, help="sessions opened for the memory of each")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        blank = Path(home) / "blank.py"
        blank.write_text(BLANK)
        browser = playwright.chromium.launch(executable_path=arguments.chromium, args=FLAGS)
        with (
            served(blank, home, Path(home) / "blank.log") as (blank_address, _),
            served(PROJECT / "streamlit_app.py", home, Path(home) / "lab.log") as (address, process),
        ):
            reference = browser.new_page(viewport={"width": 1280, "height": 1400}, bypass_csp=True)
            reference.goto(blank_address)
            settled(reference)
            reference.evaluate(WATCH)
            seen: set[str] = set()
            looks: dict[str, float] = {}
            print("| network | click on | blank p50 ms | p95 | ours p50 ms | p95 | p50 over blank |")
            print("|---|---|---|---|---|---|---|")
            for network in arguments.networks:
                looks[network] = first_look(
                    browser.new_page(viewport={"width": 1280, "height": 1400}), address, network
                )
                for one in series(network):
                    page = browser.new_page(viewport={"width": 1280, "height": 1400}, bypass_csp=True)
                    page.set_default_timeout(120_000)
                    page.goto(f"{address}/{one.address}")
                    settled(page)
                    page.evaluate(WATCH)
                    theirs: list[float] = []
                    ours: dict[str, list[float]] = {"first time": [], "again": []}
                    for number in range(arguments.clicks):
                        blank_click = timed(reference, reference.locator(".st-key-more button").click)
                        taken = timed(page, lambda n=number, p=page, o=one: o.click(p, n))  # type: ignore[misc]
                        if taken is None or blank_click is None:
                            continue
                        theirs.append(blank_click)
                        ours["again" if page.url in seen else "first time"].append(taken)
                        seen.add(page.url)
                    name = network.removeprefix("network=").replace("&weights=random", "")
                    for when, values in ours.items():
                        if len(values) > 1:
                            over = statistics.median(values) - statistics.median(theirs)
                            print(
                                f"| {name} | {one.name}, {when} ({len(values)}) | {quantiles(theirs)} "
                                f"| {quantiles(values)} | {over:.0f} |",
                                flush=True,
                            )
                    page.close()
            print()
            for network, seconds in looks.items():
                print(f"First look, {network.removeprefix('network=')}: {seconds:.1f} s")
            before = memory(process.pid)
            pages = []
            for _ in range(arguments.visitors):
                pages.append(browser.new_context(bypass_csp=True).new_page())
                pages[-1].goto(f"{address}/layers?view=channels")
                settled(pages[-1])
            grown = (memory(process.pid) - before) / arguments.visitors
            print(f"\nServer memory: {before:.0f} MiB, and {grown:.1f} MiB more for each further visitor.")
        browser.close()


if __name__ == "__main__":
    main()
