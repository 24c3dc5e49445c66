"""Does a server's memory come back: one page used again and again by one visitor, and visitors that come and go.

    python -m benchmarks.page_memory --clicks 500 --sessions 200

Real websocket clients against a fresh server. Every row is the resident size before, half-way and at the end, and the
slope over the second half in kB a click or session: what a cache fills once is not in it, what leaks is. Streamlit
keeps a closed session for two minutes (its tab may come back), at most 128 of them, so the last rows wait for that;
what sessions leave behind in a first round, a second one must be able to use again.
"""

import argparse
import asyncio
import json
import random
import statistics
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from benchmarks.classroom import PROJECT, Memory, served
from benchmarks.classroom_browser import Browser

KEPT = 130.0  # seconds until Streamlit has forgotten a closed session
QUIET = 20  # seconds in which a server that has loaded everything stays as large as it is
WARM = 20  # clicks before the first look


def tell(event: dict[str, Any]) -> None:
    """Show errors, and nothing else."""
    if "error" in event:
        print(event, flush=True)


async def settled(address: str, memory: Memory) -> None:
    """Open the front page, and wait until the server has loaded everything: what is loaded once is no leak."""
    first = Browser(address=address, tell=tell, page="home")
    await first.open()
    sizes = [0.0]
    while len(sizes) < QUIET or max(sizes[-QUIET:]) - min(sizes[-QUIET:]) > 2.0:
        await asyncio.sleep(1.0)
        sizes.append(memory.now()[0])
    await first.close()


async def again(tab: Browser, number: int, page: str) -> None:
    """Change one thing on ``page``."""
    if page == "home":
        await tab.send("home_stages", "depth", number % 5)
    elif page == "layers":
        await tab.send("layers_sheet", "cell", 1 + number % 12)
    elif page == "advise":
        await tab.choose("layers_similar", 1 + number % 3)
    elif page == "riding":
        await tab.send("riding_strip", "depth", number % 3)
    elif page == "techniques":
        await tab.choose("layers_shown", number % 2)
    else:
        await tab.choose("per_class_given", number % 3)


PAGES = {
    "home": "",
    "layers": "view=channels&stage=layer2",
    "advise": "",
    "riding": "part=learn",
    "techniques": "technique=adversarial",
    "finetune": "",
}


async def series(
    name: str, times: int, memory: Memory, step: Callable[[int], Awaitable[None]], warm: int = WARM
) -> dict[str, float]:
    """Do ``step`` so often; look at the memory after each."""
    for number in range(warm):
        await step(number)
    sizes = []
    for number in range(times):
        await step(warm + number)
        sizes.append(memory.now()[0])
    half = sizes[len(sizes) // 2 :]
    slope = statistics.linear_regression(range(len(half)), half).slope
    row = {"before": sizes[0], "half": half[0], "end": sizes[-1], "kb_each": 1000 * slope}
    print(
        f"| {name} | {times} | {row['before']:.0f} | {row['half']:.0f} | {row['end']:.0f} | {row['kb_each']:.1f} |",
        flush=True,
    )
    return row


async def measure(address: str, memory: Memory, arguments: argparse.Namespace) -> dict[str, Any]:
    """Run all series and print their rows."""
    await settled(address, memory)
    print(
        "| what | times | MB before | half-way | end | kB each, second half |\n|---|---|---|---|---|---|",
        flush=True,
    )
    found: dict[str, Any] = {}
    for page in arguments.pages:
        tab = Browser(address=address, tell=tell, page=page)
        await tab.open("" if page == "home" else page, PAGES[page])

        async def click(number: int, tab: Browser = tab, page: str = page) -> None:
            await again(tab, number, page)

        found[page] = await series(f"{page}, one thing changed", arguments.clicks, memory, click)
        await tab.close()
    dice = random.Random(1)

    async def come_and_go(_number: int) -> None:
        page = dice.choice(arguments.pages)
        one = Browser(address=address, tell=tell, page=page)
        await one.open("" if page == "home" else page, PAGES[page])
        await one.close()

    for turn in ("sessions", "sessions again") if arguments.sessions else ():
        found[turn] = await series(
            f"{turn}: opened and closed", arguments.sessions, memory, come_and_go, warm=1
        )
        await asyncio.sleep(KEPT)
        await come_and_go(0)
        await asyncio.sleep(2.0)
        found[f"{turn}, forgotten"] = memory.now()[0]
        print(f"| {KEPT:.0f} s later | | | | {memory.now()[0]:.0f} | |", flush=True)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clicks", type=int, default=500)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--pages", nargs="*", choices=list(PAGES), default=list(PAGES))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as home,
        served(PROJECT / "streamlit_app.py", home, Path(home) / "lab.log") as (address, process),
    ):
        found = asyncio.run(measure(address, Memory(process=process), arguments))
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
