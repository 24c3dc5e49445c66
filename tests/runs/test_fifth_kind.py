"""Another kind of run is one entry of the table: store, queue, recorder and what is shown know nothing of it."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from core import errors
from core.events import CheckpointReady, Ended, Event, Note, Progress
from core.runs import results, service
from core.runs.files import checkpoint
from core.runs.home import run_directory
from core.runs.kinds import table
from core.runs.kinds.kind import Kind, Shown, Work
from core.runs.kinds.lanes import EXPERIMENTS, Lane
from core.runs.recorder import Recorder
from core.runs.spec import RunSpec
from core.runs.store.runs import Store


@dataclass(frozen=True, kw_only=True)
class DiceConfig:
    """How often a die is thrown."""

    kind: ClassVar[str] = "dice"
    what: ClassVar[str] = "a game of dice"

    throws: int = 3

    def __post_init__(self) -> None:
        errors.within("The number of throws", self.throws, 1, 10)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Thrown(Event):
    """One throw."""

    kind: ClassVar[str] = "thrown"
    number: int
    pips: int


class DiceShown(Shown):
    event_types: ClassVar[tuple[type[Event], ...]] = (Thrown,)

    def __init__(self) -> None:
        super().__init__()
        self.pips: list[int] = []

    def learned(self, event: Event, at: float | None) -> None:
        if isinstance(event, Thrown):
            self.pips.append(event.pips)

    def resumed(self, epoch: int) -> None:
        super().resumed(epoch)
        self.pips = self.pips[:epoch]


class Dice(Kind):
    name: ClassVar[str] = "dice"
    lane: ClassVar[Lane] = EXPERIMENTS

    def read_config(self, values: dict[str, Any]) -> DiceConfig:
        return DiceConfig(**values)

    def title(self, config: DiceConfig, data: str) -> str:
        return f"{config.throws} throws"

    def control(self, spec: RunSpec) -> RunSpec | None:
        return RunSpec(config=DiceConfig(throws=1), title="One throw") if spec.title != "One throw" else None

    def events(self, work: Work) -> Iterator[Event]:
        yield Note(message="The die is fair.")
        for number in range(self.epoch_of(work.earlier), work.config.throws):
            yield Progress(phase="throws", done=number, total=work.config.throws)
            yield Thrown(number=number, pips=1 + (5 * number + 3) % 6)
            yield CheckpointReady(epoch=number + 1, state={"thrown": number + 1})
        yield Ended(seconds=0.5)

    def earlier(self, directory: Path, shown: Shown) -> Any:
        found = checkpoint.read(directory)
        return None if found is None else found[1]

    def epoch_of(self, earlier: Any) -> int:
        return 0 if earlier is None else int(earlier["thrown"])

    def shown(self, config: DiceConfig) -> DiceShown:
        return DiceShown()

    def result(self, title: str, shown: DiceShown) -> dict[str, Any]:
        return {"kind": self.name, "title": title, "pips": shown.pips, "seconds": shown.seconds}

    def summary(self, shown: DiceShown) -> dict[str, Any]:
        return {"kind": self.name, "says": f"{sum(shown.pips)} pips", "seconds": shown.seconds}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("TLL_HOME", str(tmp_path))
    monkeypatch.setattr(service, "start", lambda: None)  # nobody works on the queue: the tests do
    monkeypatch.setitem(table.KINDS, "dice", Dice())
    yield service.open_store()
    service.shutdown()


def _work(store: Store, *, stop_after: int | None = None) -> str:
    """Claim the next run of the lane and work on it, as a worker does."""
    claim = store.claim(EXPERIMENTS)
    assert claim is not None
    spec = store.run(claim.run).spec
    kind = table.kind(spec)
    recorder = Recorder(run_directory(store.home, claim.run), kind, spec)
    for event in kind.events(Work(config=spec.config, earlier=recorder.earlier)):
        recorder.write(event)
        if isinstance(event, CheckpointReady) and event.epoch == stop_after:
            recorder.flush()
            recorder.close()
            store.give_back(claim)
            return claim.run
    recorder.close()
    assert store.end(claim, "finished", summary=recorder.summary)
    return claim.run


def test_a_fifth_kind_runs_is_shown_and_stored_like_the_others(store: Store) -> None:
    run = service.submit(RunSpec(config=DiceConfig(throws=4)), "ann")
    record = service.run(run)
    assert (record.title, record.position) == ("4 throws", 1)
    assert service.run(str(record.control)).title == "One throw"
    assert _work(store) == run
    assert service.run(run).summary == {"kind": "dice", "says": "10 pips", "seconds": 0.5}
    told = service.shown(run)
    assert isinstance(told, DiceShown)
    assert (told.pips, told.notes, told.done) == ([4, 3, 2, 1], ["The die is fair."], 1.0)
    assert json.loads(results.result_path(run).read_text()) == {
        "kind": "dice", "title": "4 throws", "pips": [4, 3, 2, 1], "seconds": 0.5,
    }  # fmt: skip
    assert _work(store) == record.control


def test_it_goes_on_from_its_checkpoint_and_finds_an_equal_control(store: Store) -> None:
    run = service.submit(RunSpec(config=DiceConfig(throws=4)), "ann")
    other = service.submit(RunSpec(config=DiceConfig(throws=5)), "ann")
    assert service.run(other).control == service.run(run).control
    assert _work(store, stop_after=2) == run
    assert _work(store) == run
    log = [(line["event"], line.get("number")) for line in service.events(run)[0]]
    assert [number for event, number in log if event == "thrown"] == [0, 1, 2, 3]
    assert ("resumed", None) in log
    told = service.shown(run)
    assert isinstance(told, DiceShown)
    assert told.pips == [4, 3, 2, 1]


def test_what_is_wrong_with_it_is_refused_and_what_it_cannot_do_is_said(store: Store) -> None:
    with pytest.raises(errors.SettingsError, match="number of throws"):
        table.read_spec({"kind": "dice", "config": {"throws": 11}})
    run = service.submit(RunSpec(config=DiceConfig()), "ann", control=False)
    with pytest.raises(errors.RunError, match="This is a game of dice"):
        service.repeats(run)
    with pytest.raises(errors.RunError, match="A game of dice shows what is measured at any time"):
        service.conclude(run)
