"""Sweeps as runs: their specification, their log, which is the checkpoint, and a real worker that is killed."""

import dataclasses
import json
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from core import errors
from core.datasets.dataset import ImageDataset, LabelledImages
from core.events import Event, Note, Progress
from core.runs import data, results, service
from core.runs.files import artefacts
from core.runs.home import run_directory
from core.runs.kinds.finetuning import control_spec
from core.runs.kinds.kind import Work
from core.runs.kinds.sweep import Sweep, SweepShown
from core.runs.kinds.table import read_spec
from core.runs.recorder import Recorder
from core.runs.spec import RunSpec
from core.runs.store.runs import Store
from core.training.config import FinetuneConfig
from core.training.sweep_config import SweepConfig
from core.training.sweep_events import ArmDone, CachesReady, SweepFinished, SweepStarted
from core.training.sweep_log import SweepLog
from core.training.sweep_report import pack
from tests.runs.test_runs import LINUX, ended, until, worker_of

# Two classes of small photographs: an arm takes a fraction of a second.
CONFIG = SweepConfig(
    backbone="tiny_resnet18", per_class=8, seeds=2, epochs=1, image_size=32, batch_size=8, lp_ft=False
)
SPEC = RunSpec(config=CONFIG, data="lfw-faces")


# --- specification and store ----------------------------------------------------------------------------


def test_a_specification_says_its_kind_and_survives_json() -> None:
    assert SPEC.to_json()["kind"] == "sweep"
    assert read_spec(json.loads(json.dumps(SPEC.to_json()))) == SPEC
    assert Sweep().control(SPEC) is None
    with pytest.raises(errors.RunError, match="sweep"):
        control_spec(SPEC)
    values = SPEC.to_json() | {"kind": "dance"}
    with pytest.raises(errors.SettingsError, match="finetune, sweep"):
        read_spec(values)


def test_rows_from_before_there_were_kinds_still_load(tmp_path: Path) -> None:
    store = Store(tmp_path)
    spec = RunSpec(
        config=FinetuneConfig(backbone="tiny_resnet18", strategy="full", epochs=3), data="digits", title="Old"
    )
    run = store.add(spec, "ann")
    store.add(SPEC, "ann")
    old = {name: value for name, value in spec.to_json().items() if name != "kind"}
    with sqlite3.connect(tmp_path / "runs.sqlite3") as connection:
        connection.execute("UPDATE runs SET spec = ? WHERE id = ?", (json.dumps(old), run))
    connection.close()
    assert store.run(run).spec == spec
    assert [one.spec.kind for one in store.runs_of("ann")] == ["sweep", "finetune"]
    store.close()


# --- log and timeline, without training -----------------------------------------------------------------


def started(config: SweepConfig = CONFIG, **other: object) -> SweepStarted:
    values = {
        "config": config.to_json(),
        "data_name": "handmade",
        "data_fingerprint": "f",
        "class_names": ("a", "b"),
        "images": {"train": 8, "test": 8},
        "stages": ("stem",),
        "arms": ("k0", "k1"),
        "seeds": (0, 1),
        "epochs": 2,
        "chance": 0.5,
        "device": "cpu",
        "precision": "float32",
    }
    return SweepStarted(**(values | other))  # type: ignore[arg-type]


def arm(name: str, seed: int, seconds: float = 1.0) -> ArmDone:
    hits = [True] * 6 + [False] * 2
    return ArmDone(arm=name, seed=seed, accuracy=0.75, hits=pack(hits), seconds=seconds)  # type: ignore[arg-type]


FINISHED = SweepFinished(seconds=9.0, seconds_by_phase={"train": 8.0}, peak_memory_bytes=7)


def test_the_log_is_the_checkpoint(tmp_path: Path) -> None:
    told: list[int] = []
    spec = dataclasses.replace(SPEC, title="Sweep")
    first = Recorder(tmp_path, Sweep(), spec, on_milestone=lambda: told.append(1))
    for event in (started(), CachesReady(seconds=(0.0, 1.0), bytes=1), arm("k1", 0), arm("k0", 0)):
        first.write(event)
    first.close()
    assert len(told) == 2
    with open(tmp_path / artefacts.EVENTS, "ab") as log:
        log.write(b'{"event":"arm","arm":"k1","se')  # killed in the middle of a line
    second = Recorder(tmp_path, Sweep(), spec)
    assert second.earlier == (started(), arm("k0", 0), arm("k1", 0))
    log = SweepLog(second.earlier)
    assert log.goes_on(CONFIG.to_json(), "f")
    assert not log.goes_on(CONFIG.to_json(), "other pictures")
    assert not log.goes_on(dataclasses.replace(CONFIG, epochs=3).to_json(), "f")
    for event in (started(), arm("k1", 1), Note(message="Batch halved."), arm("k0", 1), FINISHED):
        second.write(event)
    second.close()
    summary = second.summary
    assert summary is not None
    assert (summary["kind"], summary["best"], summary["accuracy"]) == ("sweep", "k0", 0.75)
    assert summary["cheapest"] == "k1"
    written = json.loads((tmp_path / artefacts.RESULT).read_text())
    assert written["kind"] == "sweep"
    assert len(written["measurements"]) == 4
    assert written["config"] == CONFIG.to_json()
    assert written["report"]["verdict"] == "Depths 0 and 1 cannot be told apart; the cheapest of them is 1."
    assert written["notes"] == ["Batch halved."]
    assert written["data_fingerprint"] == "f"
    # Its worker dies before the store knows: the sweep ends once more, and not at its first word.
    third = Recorder(tmp_path, Sweep(), spec)
    for event in (Note(message="Pictures were read."), started()):
        third.write(event)
        assert third.summary is None
    third.write(dataclasses.replace(FINISHED, seconds=11.0))
    third.close()
    assert third.summary == summary | {"seconds": 11.0}
    assert json.loads((tmp_path / artefacts.RESULT).read_text())["seconds"] == 11.0


def test_what_was_measured_with_other_settings_or_on_other_pictures_is_measured_anew() -> None:
    """The settings of a run may change while it waits (more epochs), and an upload under its name."""
    dataset = _stripes()
    few = dataclasses.replace(CONFIG, seeds=1, device="cpu")

    def measured_again(config: SweepConfig, earlier: tuple[Event, ...]) -> int:
        events = Sweep().events(Work(config=config, dataset=dataset, earlier=earlier))
        return sum(isinstance(event, ArmDone) for event in events)

    first = tuple(Sweep().events(Work(config=few, dataset=dataset)))
    kept = tuple(event for event in first if isinstance(event, SweepStarted | ArmDone))
    assert len(kept) == 1 + 6
    assert measured_again(few, kept) == 0
    assert measured_again(few, kept[:-2]) == 2
    assert measured_again(dataclasses.replace(few, epochs=2), kept) == 6
    other = (dataclasses.replace(kept[0], data_fingerprint="other pictures"), *kept[1:])
    assert measured_again(few, other) == 6


def _stripes() -> ImageDataset:
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(2), 12)
    pixels = random.normal(110, 40, (24, 32, 32, 3))
    pixels[labels == 1, ::2] += 60
    images = LabelledImages(images=pixels.clip(0, 255).astype(np.uint8), labels=labels)
    return ImageDataset(
        name="stripes",
        title="Stripes",
        class_names=("plain", "striped"),
        train=images,
        test=images,
        fingerprint="stripes",
    )


def test_what_is_shown_knows_where_the_sweep_is_and_how_long_it_takes() -> None:
    timeline = SweepShown()
    assert (timeline.done, timeline.seconds_left, timeline.report, timeline.arm) == (0, None, None, None)

    def tell(*events: object) -> None:
        timeline.absorb([event.to_json() for event in events])  # type: ignore[attr-defined]

    tell(started(), Progress(phase="features", done=5, total=10))
    assert timeline.done == pytest.approx(0.5 / 5)
    tell(Progress(phase="features", done=10, total=10), CachesReady(seconds=(0.0, 1.0), bytes=1))
    assert timeline.done == pytest.approx(1 / 5)
    assert timeline.seconds_left is None, "nobody knows yet how long an arm takes"
    tell(arm("k1", 0, 2.0), Progress(phase="k0", done=1, total=4))
    assert timeline.arm == ("k0", 0)
    assert timeline.done == pytest.approx(2.25 / 5)
    tell(arm("k0", 0, 6.0))
    assert timeline.seconds_left == 8.0
    tell(Progress(phase="k1", done=1, total=2))
    assert timeline.seconds_left == 7.0
    assert timeline.report is not None
    assert timeline.report.counted == (0,)
    tell(arm("k1", 1), arm("k0", 1), FINISHED)
    assert (timeline.done, timeline.seconds_left) == (1.0, None)


# --- a real worker --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TLL_HOME", str(home))
        patch.setenv("OMP_NUM_THREADS", "1")
        service.start()
        yield home
        service.shutdown()


def measured(run: str) -> list[tuple[str, int]]:
    lines = artefacts.whole_log(run_directory(service.home(), run) / artefacts.EVENTS)
    return [(one["arm"], one["seed"]) for one in lines if one["event"] == "arm"]


ALL = [(f"k{depth}", seed) for seed in (0, 1) for depth in (5, 4, 3, 2, 1, 0)]


@LINUX
def test_a_killed_workers_sweep_goes_on_after_its_last_arm_to_the_same_answers(lab: Path) -> None:
    run = service.submit(SPEC, "ann")
    assert service.run(run).title == "All freeze depths · Face or no face"
    assert service.run(run).control is None
    until(lambda: service.run(run).state != "queued")
    worker = worker_of(lab)  # looked for before, so that the kill follows at once
    until(lambda: len(measured(run)) >= 2)
    os.kill(worker, signal.SIGKILL)
    before = len(measured(run))
    assert before < len(ALL), "it was over before it could be killed"
    record = ended(run)
    assert record.state == "finished", record.error
    assert measured(run) == ALL, "each arm and seed once"
    lines = artefacts.whole_log(run_directory(lab, run) / artefacts.EVENTS)
    assert sum(one["event"] == "sweep_started" for one in lines) == 2
    # An undisturbed sweep in this process gives the same answers, image by image.
    dataset = data.open_data(SPEC, Store(lab))
    hits = {
        (one.arm, one.seed): one.hits
        for one in Sweep().events(Work(config=CONFIG, dataset=dataset))
        if isinstance(one, ArmDone)
    }
    assert {(one["arm"], one["seed"]): one["hits"] for one in lines if one["event"] == "arm"} == hits
    found = results.sweep_report(run)
    assert found.finished
    assert found.counted == (0, 1)
    assert record.summary is not None
    assert record.summary["best"] == found.best
    assert json.loads(results.result_path(run).read_text())["report"]["verdict"] == found.verdict


@LINUX
def test_a_stopped_sweep_shows_what_it_has_goes_on_and_refuses_what_only_a_run_can_do(lab: Path) -> None:
    run = service.submit(dataclasses.replace(SPEC, config=dataclasses.replace(CONFIG, epochs=60)), "ann")
    until(lambda: len(measured(run)) >= 1)
    service.stop(run, visitor="ann")
    assert ended(run).state == "stopped"
    assert results.sweep_report(run).arms[-1].arm == "k5"
    assert not results.sweep_report(run).finished
    refused: tuple[Callable[[], object], ...] = (
        lambda: results.result(run),
        lambda: service.conclude(run),
        lambda: service.extend(run, 2),
        lambda: service.repeat(run, 1),
        lambda: service.repeats(run),
        lambda: results.network(run),
        lambda: results.snapshots(run),
        lambda: results.test_images(run),
        lambda: results.weights_path(run),
        lambda: results.reproduction_script(run),
    )
    for ask in refused:
        with pytest.raises(errors.RunError) as error:
            ask()
        assert str(error.value).count(".") == 1
    service.resume(run, visitor="ann")
    until(lambda: service.run(run).state == "running")
    service.stop(run)
    ended(run)
    service.delete(run, visitor="ann")
    with pytest.raises(errors.RunError, match="no run with this address"):
        results.sweep_report(run)


def test_what_cannot_be_is_refused_before_it_is_queued(lab: Path) -> None:
    with pytest.raises(errors.SettingsError, match="alexnet"):
        service.submit(dataclasses.replace(SPEC, config=SweepConfig(backbone="alexnet")), "eve")
    with pytest.raises(errors.SettingsError, match="data set"):
        service.submit(dataclasses.replace(SPEC, data="/etc/passwd"), "eve")
    assert service.runs_of("eve") == []


def test_single_runs_are_repeated_among_single_runs_only(lab: Path) -> None:
    store = service.open_store()
    single = store.add(
        RunSpec(config=FinetuneConfig(backbone="tiny_resnet18", strategy="full", seed=4), data="lfw-faces"),
        "kim",
    )
    store.stop(single)
    store.stop(store.add(SPEC, "kim"))
    assert [one.id for one in service.repeats(single)] == [single]
    with pytest.raises(errors.RunError, match="single run"):
        results.sweep_report(single)
