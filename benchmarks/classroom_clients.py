"""The classroom's visitors, many in one process; each event is one JSON line on standard output.

    python -m benchmarks.classroom_clients http://127.0.0.1:8501 --visitors 30 --seconds 300

`benchmarks.classroom` starts it; it reads nothing of the server but what a browser gets.
"""

import argparse
import asyncio
import contextlib
import json
import random
import sys
import time
from typing import Any

from benchmarks.classroom_browser import Browser, NoAnswer, NoWidget
from benchmarks.classroom_visit import WALK, Visitor, keep_training, press_again

ARRIVING = 20.0  # seconds in which all visitors come in
LINGER = 3600.0  # seconds; a process that nobody ends, ends


async def visit(number: int, arguments: argparse.Namespace, began: float) -> None:
    """Be one visitor until the time is over."""

    def tell(event: dict[str, Any]) -> None:
        print(json.dumps({"at": time.time(), "visitor": number, **event}), flush=True)

    dice = random.Random(arguments.seed * 1000 + number)
    one = Visitor(browser=Browser(address=arguments.address, tell=tell), dice=dice, hurry=arguments.hurry)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(began + arguments.seconds):
            await asyncio.sleep(dice.uniform(0, min(ARRIVING, arguments.seconds / 5)) / arguments.hurry)
            laps = 0
            while arguments.laps is None or laps < arguments.laps:
                try:
                    if arguments.what == "walk":
                        await one.lap(0 if arguments.laps else dice.randrange(len(WALK)) if not laps else 0)
                    else:
                        await (press_again if arguments.what == "blank" else keep_training)(one)
                except (NoAnswer, NoWidget) as error:
                    tell({"error": "no answer", "page": one.browser.page, "text": str(error)})
                    await one.browser.close()
                    one.browser.pages = {}
                    await asyncio.sleep(1.0)
                laps += 1
    tell({"kind": "done"})
    if arguments.linger:
        # The tab stays open, so that the server's memory with all its visitors can be read.
        await asyncio.sleep(LINGER)
    await one.browser.close()


async def visit_all(arguments: argparse.Namespace) -> None:
    """Be all visitors at once; the end of standard input ends them."""
    began = asyncio.get_running_loop().time()
    visitors = asyncio.gather(
        *(visit(arguments.first + number, arguments, began) for number in range(arguments.visitors))
    )
    gone = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await asyncio.wait([visitors, gone], return_when=asyncio.FIRST_COMPLETED)
    visitors.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await visitors


def main() -> None:
    """Run the visitors."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("address")
    parser.add_argument("--what", choices=("walk", "blank", "train"), default="walk")
    parser.add_argument("--visitors", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first visitor, for its seed")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--laps", type=int, help="stop after so many walks; beginning at the front page")
    parser.add_argument("--hurry", type=float, default=1.0, help="divides the pauses")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--linger", action="store_true", help="keep the tabs open at the end")
    asyncio.run(visit_all(parser.parse_args()))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
