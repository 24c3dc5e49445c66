"""What one visitor of the classroom does: a walk through the pages, with time to think between two clicks.

Everything is drawn from the visitor's own seed: where the walk begins, what is chosen on a page, and the pauses.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from benchmarks.classroom_browser import Browser, NoWidget

SHORTEST, MEAN = 1.0, 7.0  # seconds of a pause: 1 s, and above it exponential, so that the mean is 7 s
RELOADS = 0.5  # share of laps that begin with a page opened by its address, in a new session

STAGES, CHANNELS, PICTURES = 6, 64, 9  # at least so many to choose from on the layers page
VIEWS = ("contrast", "filters", "channels", "attribution", "atlas")
DATA = ("photographs", "scans", "digits", "textures")


@dataclass(kw_only=True)
class Visitor:
    """One visitor; ``hurry`` divides the pauses, for warming a server up."""

    browser: Browser
    dice: random.Random
    hurry: float = 1.0
    runs: list[str] = field(default_factory=list)
    waiting: bool = False  # for the last run, as far as the page of that run has said

    async def think(self) -> None:
        """Pause as a person does between two clicks."""
        await asyncio.sleep((SHORTEST + self.dice.expovariate(1 / (MEAN - SHORTEST))) / self.hurry)

    async def attempt(self, *steps: Callable[[], Awaitable[object]]) -> None:
        """Do one thing after another, thinking after each; what the page does not offer now is left out."""
        for step in steps:
            try:
                await step()
            except NoWidget as missing:
                self.browser.tell({"kind": "left out", "page": self.browser.page, "what": str(missing)})
                continue
            await self.think()

    async def lap(self, first: int) -> None:
        """Walk once through all pages, beginning with number ``first``."""
        names = list(WALK)
        names = [*names[first:], *names[:first]]
        for number, name in enumerate(names):
            self.browser.page = name
            path = "" if name == "home" else name
            if not self.browser.pages or (number == 0 and self.dice.random() < RELOADS):
                await self.browser.open(path, cold=not self.browser.pages)
            else:
                await self.browser.go(path)
            await self.think()
            await WALK[name](self)


async def home(one: Visitor) -> None:
    """Move the boundary between ice and fire."""
    await one.attempt(*[lambda: one.browser.send("home_stages", "depth", one.dice.randrange(6))] * 2)


async def riding(one: Visitor) -> None:
    """Ride a machine once, badly, and leaf through the page."""
    tab = one.browser

    async def ride() -> None:
        given = tab.data_of("riding_game")
        level = one.dice.choice((-100, 100))  # leaning on the handlebar with all might ends in a fall
        sent = {
            "visit": given["visit"],
            "machine": "bicycle",
            "ride": len(given["ridden"].get("bicycle", ())),
        }
        await tab.send("riding_game", "ride", {**sent, "inputs": [[level, 800]]})

    await one.attempt(
        *(ride, ride),
        lambda: tab.press("riding_to_learn"),
        lambda: tab.send("riding_strip", "depth", one.dice.randrange(1, 3)),
        lambda: tab.press("riding_to_watch"),
        lambda: tab.press("riding_to_why"),
        lambda: tab.press("riding_to_pictures"),
    )


async def advise(one: Visitor) -> None:
    """Answer the questions, and change one answer."""
    tab, pick = one.browser, one.dice.randrange
    await one.attempt(
        lambda: tab.enter("layers_images", one.dice.choice((5, 10, 40, 150))),
        lambda: tab.choose("layers_similar", pick(1, 4)),
        lambda: tab.choose("layers_differ", pick(1, 4)),
        lambda: tab.choose("layers_made", pick(1, 3)),
        lambda: tab.enter("layers_classes", one.dice.choice((2, 8, 30))),
        lambda: tab.choose("layers_similar", pick(1, 4)),
    )


async def layers(one: Visitor) -> None:
    """Look at pictures, stages and channels; then at maps and the atlas."""
    tab, pick = one.browser, one.dice.randrange

    def view(name: str) -> Callable[[], Awaitable[object]]:
        return lambda: tab.choose("layers_view", VIEWS.index(name) if name != "atlas" else len(ALL_VIEWS) - 1)

    def picture() -> Awaitable[None]:
        return tab.send("layers_pictures", "cell", pick(PICTURES))

    def stage() -> Awaitable[None]:
        return tab.send("layers_strip", "picked", pick(STAGES))

    def channel() -> Awaitable[None]:
        return tab.send("layers_sheet", "cell", pick(CHANNELS))

    await one.attempt(picture, view("filters"), lambda: tab.send("filters_sheet", "cell", pick(32)))
    await one.attempt(view("channels"), stage, channel, channel, picture, channel, stage, channel)
    await one.attempt(view("attribution"), lambda: tab.choose("layers_method", pick(7)), picture)
    await one.attempt(view("atlas"), lambda: tab.send("atlas_sheet", "cell", pick(200)))


ALL_VIEWS = ("contrast", "filters", "channels", "attribution", "specificity", "training", "atlas")


async def techniques(one: Visitor) -> None:
    """Open one experiment, look at another quantity and its code, and go back."""
    tab = one.browser

    async def opened() -> None:
        names = tab.keys("technique_")
        if not names:
            raise NoWidget("technique_…")
        await tab.press(one.dice.choice(names))

    await one.attempt(
        opened,
        lambda: tab.choose("layers_shown", 1),
        lambda: tab.toggle("technique_code"),
        lambda: tab.press("technique_back"),
    )


async def finetune(one: Visitor) -> None:
    """Choose pictures and a depth, press the button unless the last run is still waited for, and watch for a while."""
    tab = one.browser

    async def pictures() -> None:
        names = tab.keys("choose_")
        if not names:
            raise NoWidget("choose_…")
        await tab.press(one.dice.choice(names))

    await one.attempt(
        pictures,
        lambda: tab.send("stages", "depth", one.dice.randrange(6)),
        lambda: tab.choose("per_class_given", one.dice.randrange(3)),
    )
    if one.waiting:
        return
    await one.attempt(lambda: tab.press("start"))
    if "run=" in tab.query:
        one.runs.append(tab.query.split("run=")[1].split("&")[0])
        one.waiting = True
        tab.page = "run"
        for _ in range(3):  # the page runs again by itself meanwhile
            await one.think()


async def runs(one: Visitor) -> None:
    """Look at the list, then at the last run, and wait for it for a while."""
    tab = one.browser

    async def last() -> None:
        if not one.runs:
            raise NoWidget("a run")
        await tab.go("run", f"run={one.runs[-1]}")

    await one.attempt(last)
    for _ in range(2):
        await one.think()
    one.waiting = tab.ticking


WALK: dict[str, Callable[[Visitor], Awaitable[None]]] = {
    "home": home,
    "riding": riding,
    "advise": advise,
    "layers": layers,
    "techniques": techniques,
    "finetune": finetune,
    "runs": runs,
}


async def press_again(one: Visitor) -> None:
    """Use the blank app: its one button."""
    one.browser.page = "blank"
    if not one.browser.pages:
        await one.browser.open()
        await one.think()
    await one.attempt(*[lambda: one.browser.press("again")] * 10)


async def keep_training(one: Visitor) -> None:
    """Press the button whenever the last run is over, so that something always trains."""
    tab = one.browser
    tab.page = "keeper"
    tab.cookies.clear()  # a new visitor each time: nobody's limit is reached
    await tab.open("finetune")
    await tab.press("start")
    for _ in range(600):
        await asyncio.sleep(1.0)
        if not tab.ticking:
            return
