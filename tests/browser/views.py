"""Every page and every view of it that a visitor can have in front of them, and how a browser gets there.

Used by the measurement of `benchmarks.accessibility` and by the browser tests: a view that is missing here is one that
nobody looks at.
"""

import io
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from core.runs import uploads
from core.runs.kinds.finetuning import control_spec
from core.runs.spec import RunSpec
from core.runs.store.runs import Store
from core.training.config import FinetuneConfig
from core.training.sweep_config import SweepConfig

SECONDS = 1000.0  # milliseconds
RUN_SECONDS = 240.0  # a busy machine; an idle one needs a small part of it
BUSY = "[data-testid=stStatusWidget], [data-testid=stSkeleton], [data-testid=stSpinner], [data-stale=true]"


@dataclass(frozen=True, kw_only=True)
class View:
    """One view: the page, its own name, its address, and what to do there once it stands."""

    page: str
    name: str
    path: str
    act: Callable[[Page], object] = lambda page: None
    also: bool = True  # whether a test looks at it, too; the others are the benchmark's


@dataclass(frozen=True, kw_only=True)
class Made:
    """What the visitor has made before the walk: runs and an upload; and where, to begin one more on the way."""

    run: str
    other: str
    sweep: str
    upload: str
    home: Path
    visitor: str


def archive(odd: bool = False) -> bytes:
    """Pack two classes of small pictures; ``odd`` ones are wide, and one file is no picture."""
    generator, content = np.random.default_rng(0), io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        for name, tint in (("fern", (40, 200, 60)), ("moss", (60, 190, 40))):  # alike: some are mistaken
            for number in range(30):
                noise = generator.integers(-40, 40, (32, 64 if odd else 32, 3))
                picture = io.BytesIO()
                Image.fromarray(np.clip(np.array(tint) + noise, 0, 255).astype(np.uint8)).save(picture, "PNG")
                packed.writestr(f"{name}/{number}.png", picture.getvalue())
        if odd:
            packed.writestr("moss/readme.png", b"<html>not a picture</html>")
    return content.getvalue()


def make(home: Path, visitor: str) -> Made:
    """Let the server behind ``home`` train what the views show, and wait for it."""
    store = Store(home)
    try:
        upload = uploads.store(store, visitor, "Ferns and mosses", archive())
        short = FinetuneConfig(backbone="tiny_resnet18", freeze_depth=3, epochs=2, image_size=32)
        spec = RunSpec(config=short, data=upload, title="Ferns and mosses: 3 of 5 stages frozen")
        run = store.add(spec, visitor, control_spec(spec))
        probe = RunSpec(
            config=FinetuneConfig(backbone="tiny_resnet18", strategy="linear_probe"),
            data=upload,
            title="Ferns and mosses: Linear probe",
        )
        other = store.add(probe, visitor)
        sweep = store.add(
            RunSpec(
                config=SweepConfig(backbone="tiny_resnet18", seeds=1, epochs=2, image_size=32),
                data=upload,
                title="Ferns, all depths",
            ),
            visitor,
        )
        waiting, until = {run, other, sweep}, time.monotonic() + RUN_SECONDS
        while any(store.run(one).active for one in waiting):
            if time.monotonic() > until:
                raise TimeoutError("the runs that the views show did not end")
            time.sleep(0.2)
        states = {one.title: one.state for one in map(store.run, waiting)}
        if set(states.values()) != {"finished"}:
            raise RuntimeError(f"the runs that the views show ended otherwise: {states}")
        return Made(run=run, other=other, sweep=sweep, upload=upload, home=home, visitor=visitor)
    finally:
        store.close()


def settled(page: Page) -> None:
    """Wait until the server has said all and nothing waits for its place any more."""
    expect(page.get_by_test_id("stAppViewContainer")).to_be_visible()
    expect(page.locator("h1, [data-testid=stAlert]").first).to_be_visible()
    for pause in (250, 0):  # milliseconds, for a rerun that the last one's answer asks for
        # Not only the sign that the script runs, which comes late: what a page draws last may not be there yet.
        expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
        expect(page.locator(BUSY)).to_have_count(0)
        page.wait_for_timeout(pause)


def open_view(page: Page, address: str, view: View) -> None:
    """Bring ``view`` in front."""
    page.goto(f"{address}/{view.path}")
    settled(page)
    view.act(page)
    settled(page)


def views(made: Made, teachers_secret: str) -> Iterator[View]:
    """All views, in an order in which each can be reached."""
    yield View(page="home", name="front", path="")
    yield View(page="home", name="its words", path="", act=_click(".st-key-page_bar .open-words"))
    yield View(page="home", name="its link", path="", act=_click(".st-key-page_bar .open-link"))
    yield View(page="home", name="unknown address", path="nowhere", also=False)
    yield from _riding()
    yield from _advise(made)
    yield from _finetune(made)
    yield from _runs(made)
    yield from _layers(made)
    yield from _techniques()
    yield View(page="glossary", name="words", path="glossary")
    yield View(page="teacher", name="signed out", path="teacher")
    yield View(
        page="teacher", name="signed in", path="teacher", act=lambda page: _sign_in(page, teachers_secret)
    )


# --- what is done on the way -------------------------------------------------------------------------------


def _click(*selectors: str) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        for one in selectors:
            page.locator(one).first.click()
            settled(page)

    return act


_UNFOLD = """() => {
    const closed = [...document.querySelectorAll('details:not([open]) > summary')];
    const numbers = closed.filter(one => one.closest('[class*=st-key-numbers_]'));
    const others = closed.filter(one => !numbers.includes(one));
    [...others, ...numbers.slice(0, 2)].forEach(one => one.click());
    return others.length;
}"""


def _unfold(page: Page) -> None:
    """Open every folded box of the page, and those within; the numbers of some charts stand for all charts'."""
    while page.evaluate(_UNFOLD):
        settled(page)
    settled(page)


def _tab(name: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_role("tab", name=name).click()


def rides(game: Locator) -> None:
    """Wait until a ride of the game has begun: asked at every frame, since it may be over in a second."""
    game.page.wait_for_function("game => game.dataset.phase === 'ride'", arg=game.element_handle())


def _ride(page: Page) -> None:
    """Begin a ride; it lasts as long as the look at it."""
    game = page.locator(".st-key-riding_game .game")
    game.locator(".go").click()
    rides(game)


def _fall(page: Page) -> None:
    _ride(page)
    game = page.locator(".st-key-riding_game .game")
    page.keyboard.down("ArrowRight")
    expect(game).to_have_attribute("data-phase", "done")
    page.keyboard.up("ArrowRight")
    expect(page.get_by_role("button", name="Start over")).to_be_visible()


def _sign_in(page: Page, secret: str) -> None:
    page.get_by_label("Secret").fill(secret)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="The class")).to_be_visible()
    expect(page.get_by_role("heading", name="Limits")).to_be_visible()


def _own_zip(page: Page) -> None:
    page.get_by_role("radio", name="My own pictures").click()
    page.locator("[class*=st-key-own_zip] input[type=file]").set_input_files(
        {"name": "odd.zip", "mimeType": "application/zip", "buffer": archive(odd=True)}
    )
    expect(page.get_by_text("1 file was left out")).to_be_visible()


def _own_way(way: str) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        page.get_by_role("radio", name="My own pictures").click()
        page.get_by_role("radio", name=way).click()

    return act


def _compare(*runs: str) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        for run in runs:
            page.locator(f".st-key-pick_{run} label").click()
            settled(page)
        expect(page.get_by_text("Is the difference real?")).to_be_visible()

    return act


def _own_picture(page: Page) -> None:
    picture = io.BytesIO()
    Image.fromarray(np.full((64, 64, 3), (40, 200, 60), np.uint8)).save(picture, "PNG")
    page.locator("[data-testid=stFileUploader] input").set_input_files(
        {"name": "leaf.png", "mimeType": "image/png", "buffer": picture.getvalue()}
    )
    expect(page.get_by_text("Choose a picture first")).to_have_count(0)


def _option(page: Page) -> None:
    """Leave a list of choices open."""
    page.locator("[data-testid=stSelectbox] input").first.click()
    expect(page.get_by_role("option").first).to_be_visible()


class _Long:
    """A run that goes on for as long as the view of it is looked at."""

    def __init__(self, made: Made) -> None:
        self._made, self._run = made, ""

    def begin(self, page: Page) -> None:
        """Start it, and open it."""
        endless = FinetuneConfig(backbone="tiny_resnet18", strategy="full", epochs=200)
        spec = RunSpec(config=endless, data="digits", title="Handwritten digits: nothing frozen")
        store = Store(self._made.home)
        self._run = store.add(spec, self._made.visitor)
        store.close()
        self._open(page)
        expect(page.locator(".st-key-run_stages")).to_be_visible()

    def stop(self, page: Page) -> None:
        """Stop it, and open it."""
        store = Store(self._made.home)
        store.stop(self._run)
        store.close()
        self._open(page)
        expect(page.locator(".st-key-resume")).to_be_visible()

    def _open(self, page: Page) -> None:
        page.goto(f"{page.url.partition('/runs')[0]}/run?run={self._run}")
        settled(page)


# --- the pages ---------------------------------------------------------------------------------------------


def _riding() -> Iterator[View]:
    yield View(page="riding", name="before a ride", path="riding")
    yield View(page="riding", name="during a ride", path="riding", act=_ride, also=False)
    yield View(page="riding", name="after a ride", path="riding", act=_fall)
    yield View(page="riding", name="learn", path="riding?part=learn", act=_unfold)
    yield View(page="riding", name="watch", path="riding?part=watch")
    yield View(page="riding", name="why", path="riding?part=why", act=_unfold)
    yield View(page="riding", name="pictures", path="riding?part=pictures", also=False)


def _advise(made: Made) -> Iterator[View]:
    yield View(page="advise", name="words", path="advise", act=_unfold, also=False)
    answered = "advise?images=20&classes=2&similar=different&differ=objects&made=scan"
    yield View(
        page="advise", name="answered", path=answered, act=_click(".st-key-advise_onward button >> nth=1")
    )
    yield View(page="advise", name="choosing an answer", path="advise", act=_option, also=False)
    yield View(
        page="advise",
        name="pictures",
        path="advise?way=pictures&data=lfw-faces&pictures=10",
        act=_unfold,
        also=False,
    )
    yield View(
        page="advise", name="own pictures", path=f"advise?way=pictures&data={made.upload}", act=_unfold
    )
    yield View(
        page="advise",
        name="sweep",
        path=f"advise?way=pictures&data={made.upload}&network=tiny_resnet18&sweep={made.sweep}",
        also=False,
    )
    yield View(page="advise", name="wrong link", path="advise?similar=nonsense", also=False)


def _finetune(made: Made) -> Iterator[View]:
    yield View(page="finetune", name="form", path="finetune", also=False)
    yield View(page="finetune", name="all unfolded", path="finetune", act=_unfold)
    yield View(
        page="finetune",
        name="download",
        path="finetune",
        act=lambda page: (page.get_by_role("radio", name="Download").click(), settled(page), _unfold(page)),
    )
    yield View(page="finetune", name="own archive", path="finetune", act=_own_zip)
    yield View(
        page="finetune", name="files per class", path="finetune", act=_own_way("Files per class"), also=False
    )
    yield View(page="finetune", name="webcam", path="finetune", act=_own_way("Webcam"), also=False)


def _runs(made: Made) -> Iterator[View]:
    long = _Long(made)
    yield View(page="runs", name="in progress", path="runs", act=long.begin, also=False)
    yield View(page="runs", name="stopped", path="runs", act=long.stop, also=False)
    tabs = ("Mistakes", "Compare", "What moved", "Seeds", "Calibration", "Cost", "Try a picture", "Downloads")
    for name in tabs:
        also = name in ("Mistakes", "What moved", "Downloads")
        yield View(page="runs", name=f"result, {name}", path=f"run?run={made.run}", act=_tab(name), also=also)
    yield View(
        page="runs",
        name="result, share",
        path=f"run?run={made.run}",
        act=_click(".st-key-share button"),
        also=False,
    )
    yield View(page="runs", name="probe's result", path=f"run?run={made.other}", also=False)
    yield View(page="runs", name="sweep's result", path=f"run?run={made.sweep}")
    yield View(page="runs", name="list", path="runs")
    yield View(page="runs", name="compare", path="runs", act=_compare(made.run, made.other))
    yield View(page="runs", name="unknown run", path="run?run=nothing", also=False)


def _layers(made: Made) -> Iterator[View]:
    for name in ("contrast", "filters", "channels", "attribution", "specificity", "atlas"):
        also = name != "specificity"  # a measurement of half a minute
        quick = "" if also else "network=tiny_resnet18&"
        yield View(page="layers", name=name, path=f"layers?{quick}view={name}", act=_unfold, also=also)
    yield View(page="layers", name="training", path=f"layers?view=training&run={made.run}", act=_unfold)
    yield View(page="layers", name="own picture", path="layers?view=channels&picture=own", act=_own_picture)
    yield View(page="layers", name="no picture", path="layers?view=channels&picture=own", also=False)


def _techniques() -> Iterator[View]:
    from core.techniques import catalogue

    looked_at = ("domain-adaptation", "feature-extraction")
    yield View(page="techniques", name="map", path="techniques")
    for name in catalogue.techniques():
        yield View(
            page="techniques",
            name=name,
            path=f"techniques?technique={name}",
            act=_unfold,
            also=name in looked_at,
        )
    yield View(
        page="techniques",
        name="not measured yet",
        path="techniques?technique=instance-weighting&seeds=2",
        also=False,
    )
    yield View(
        page="techniques",
        name="wrong setting",
        path="techniques?technique=instance-weighting&share=2",
        also=False,
    )
