"""What every kind of run promises: its settings survive JSON, and its log, which outlives its process, tells it all."""

import dataclasses
import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from core import codec, errors
from core.riding.config import RidingConfig
from core.runs import data, results, service
from core.runs.files import artefacts
from core.runs.home import run_directory
from core.runs.kinds.finetuning_timeline import Timeline
from core.runs.kinds.kind import Shown, Work
from core.runs.kinds.riding import RidersShown
from core.runs.kinds.sweep import SweepShown
from core.runs.kinds.table import KINDS, kind, read_spec
from core.runs.kinds.technique import ExperimentShown
from core.runs.recorder import Recorder
from core.runs.spec import RunSpec
from core.runs.store.runs import RunRecord
from core.techniques.config import ExperimentConfig
from core.techniques.technique import Settings
from core.training.config import FinetuneConfig
from core.training.sweep_config import SweepConfig
from tests.runs.test_runs import LINUX, ended, until, worker_of

SMALL: dict[str, Any] = {"per_class": 12, "image_size": 32, "batch_size": 8, "device": "cpu"}
SPECS = {
    "finetune": RunSpec(
        config=FinetuneConfig(
            backbone="tiny_resnet18", freeze_depth=3, epochs=6, seed=3, views=2, cache=False, **SMALL
        ),
        data="lfw-faces",
    ),
    "sweep": RunSpec(
        config=SweepConfig(backbone="tiny_resnet18", seeds=2, epochs=1, lp_ft=False, **SMALL),
        data="lfw-faces",
    ),
    "technique": RunSpec(
        config=ExperimentConfig.from_json(
            {"technique": "instance-weighting", "settings": {"seeds": 2, "source_images": 100, "rounds": 5}}
        )
    ),
    "riding": RunSpec(config=RidingConfig(arms=("scratch", "bicycle"), seeds=(1, 2), tests=(0, 2))),
}
every_kind = pytest.mark.parametrize("name", KINDS)


def test_every_kind_of_the_table_is_tested_here() -> None:
    assert SPECS.keys() == KINDS.keys()
    assert all(kind(spec).name == spec.kind == name for name, spec in SPECS.items())


# --- settings ---------------------------------------------------------------------------------------------


@every_kind
def test_a_specification_survives_json_with_its_hash(name: str) -> None:
    spec = SPECS[name]
    again = read_spec(json.loads(json.dumps(spec.to_json())))
    assert again == spec
    assert again.hash == spec.hash
    assert dataclasses.replace(spec, title="Called otherwise").hash == spec.hash
    assert len({one.hash for one in SPECS.values()}) == len(SPECS)


@every_kind
def test_an_unknown_setting_is_one_sentence(name: str) -> None:
    values = SPECS[name].to_json()
    place = values["config"].get("settings", values["config"])
    place["colour"] = "blue"
    with pytest.raises(errors.SettingsError, match=r"^A setting must be one of .*'colour' is none of them"):
        read_spec(values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            {"arms": ["unicycle"], "seeds": [1, 2]},
            "^arm must be one of scratch, .*'unicycle' is none of them",
        ),
        ({"arms": [], "seeds": [1, 2]}, "^Choose at least one way to begin"),
        ({"arms": ["scratch"], "seeds": [1]}, "^number of seeds must lie between 2 and"),
        ({"arms": ["scratch"], "seeds": [1, 2], "tests": []}, "after how many updates"),
        ({"arms": ["scratch"], "seeds": [1, 2], "target": "tricycle"}, "^machine must be one of"),
    ],
)
def test_riders_that_cannot_be_are_refused_in_the_same_words_wherever_they_are_read(
    values: dict[str, Any], words: str
) -> None:
    with pytest.raises(errors.SettingsError, match=words):
        RidingConfig.from_json(values)


def test_an_experiment_that_is_none_is_refused_in_a_sentence() -> None:
    with pytest.raises(errors.SettingsError, match=r"^technique must be one of"):
        ExperimentConfig(technique="telepathy", settings=Settings())


@every_kind
def test_a_title_says_what_is_run(name: str) -> None:
    spec = SPECS[name]
    assert (
        kind(spec).title(spec.config, "Faces")
        == {
            "finetune": "Freeze to depth 3 · Faces",
            "sweep": "All freeze depths · Faces",
            "technique": f"{spec.config.entry.title} · 2 seeds" if name == "technique" else "",  # type: ignore[attr-defined]
            "riding": "Riders learn the motorcycle · 2 each",
        }[name]
    )


# --- what is shown, live and read back --------------------------------------------------------------------


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data directory that is served by a dispatcher in this process."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TLL_HOME", str(home))
        patch.setenv("OMP_NUM_THREADS", "1")
        service.start()
        yield home
        service.shutdown()


@pytest.fixture(scope="module")
def here(lab: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Recorder]]:
    """Run a kind in this process, once, and write it down as a worker does."""
    made: dict[str, tuple[Path, Recorder]] = {}

    def run(name: str) -> tuple[Path, Recorder]:
        if name not in made:
            before = torch.get_num_threads()
            torch.set_num_threads(1)  # as workers do here: sums then come out equal to the bit
            directory, spec = tmp_path_factory.mktemp(name), SPECS[name]
            recorder = Recorder(directory, kind(spec), spec)
            opened = data.open_data(spec, service.open_store()) if kind(spec).pictures else None
            for event in kind(spec).events(Work(config=spec.config, dataset=opened)):
                recorder.write(event)
            recorder.close()
            torch.set_num_threads(before)
            made[name] = directory, recorder
        return made[name]

    return run


def plain(shown: Shown) -> dict[str, Any]:
    """Everything that something shown holds, as JSON has it; without what only its last figures are cached in."""
    held = {name: value for name, value in vars(shown).items() if name != "_report"}
    if isinstance(shown, SweepShown):
        held["log"] = vars(shown.log)
    if isinstance(shown, ExperimentShown):
        held["report"] = {**vars(shown.report), "technique": shown.report.technique.name}
    values: dict[str, Any] = artefacts.finite(codec.plain(held))
    return values


@every_kind
def test_the_log_tells_what_was_shown_live(name: str, here: Callable[[str], tuple[Path, Recorder]]) -> None:
    directory, recorder = here(name)
    of = KINDS[name]
    read = of.shown(SPECS[name].config)
    for line in artefacts.whole_log(directory / artefacts.EVENTS):  # as slowly as a page can
        read.absorb([line])
    assert plain(read) == plain(recorder.shown)
    assert (read.over, read.done, read.seconds_left) == (True, 1.0, None)
    assert artefacts.finite(of.result("t", read)) == artefacts.finite(of.result("t", recorder.shown))
    assert of.summary(read) == of.summary(recorder.shown) == recorder.summary


@every_kind
def test_a_worker_finds_what_this_process_finds(
    lab: Path, name: str, here: Callable[[str], tuple[Path, Recorder]]
) -> None:
    run = service.submit(SPECS[name], "ann", control=False)
    record = ended(run)
    assert record.state == "finished", record.error
    directory, recorder = here(name)
    assert record.spec.config == SPECS[name].config
    assert record.title
    assert record.summary is not None
    assert record.summary.keys() == (recorder.summary or {}).keys()
    assert service.shown(run).over
    assert figures(run) == _without_times(name, json.loads((directory / artefacts.RESULT).read_bytes()))
    assert [one.id for one in service.runs_of("ann") if one.spec.kind == name] == [run]


def figures(run: str) -> dict[str, Any]:
    """The result's file of a finished run, without what the clock decides."""
    path = results.result_path(run)
    assert path.name == artefacts.RESULT
    return _without_times(service.run(run).spec.kind, json.loads(path.read_bytes()))


def _without_times(name: str, values: dict[str, Any]) -> dict[str, Any]:
    clock = (
        "title",
        "seconds",
        "seconds_by_phase",
        "images_per_second",
        "peak_memory_bytes",
        "seconds_alone",
    )
    if name in ("technique", "riding"):  # where riders' seconds upright are a figure
        return {key: value for key, value in values.items() if key not in clock}

    def stripped(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: stripped(inner) for key, inner in value.items() if key not in clock}
        return [stripped(inner) for inner in value] if isinstance(value, list) else value

    result: dict[str, Any] = stripped(values)
    return result


# What must have been told before a worker is killed: something that is to be told again.
BEGUN = {"finetune": ("checkpoint",), "sweep": ("arm",), "technique": ("progress",), "riding": ("progress",)}


def told(run: str) -> list[str]:
    lines = artefacts.whole_log(run_directory(service.home(), run) / artefacts.EVENTS)
    return [line["event"] for line in lines if line.get("phase") not in ("data", "weights")]


@LINUX
@every_kind
def test_a_run_whose_worker_was_killed_ends_with_the_same_figures(
    lab: Path, name: str, here: Callable[[str], tuple[Path, Recorder]]
) -> None:
    run = service.submit(SPECS[name], "bob", control=False)
    until(lambda: service.run(run).state != "queued")
    worker = worker_of(lab, KINDS[name].lane)  # looked for before, so that the kill follows at once
    until(lambda: any(event in BEGUN[name] for event in told(run)))
    os.kill(worker, signal.SIGKILL)
    assert service.run(run).active, "it was over before it could be killed"
    record = ended(run)
    assert record.state == "finished", record.error
    directory, _ = here(name)
    assert figures(run) == _without_times(name, json.loads((directory / artefacts.RESULT).read_bytes()))
    begun = {"finetune": "started", "sweep": "sweep_started", "riding": "riders"}
    if name in begun:
        assert told(run).count(begun[name]) == 2
    assert ("resumed" in told(run)) == (name != "sweep"), "a sweep's log goes on by itself"
    again = service.shown(run)
    assert again.over
    if isinstance(again, Timeline):
        assert [one.epoch for one in again.epochs] == [1, 2, 3, 4, 5, 6]
    if isinstance(again, ExperimentShown):
        scores = [(one.arm, one.seed, one.x, one.quantity) for one in again.report.scores]
        assert len(scores) == len(set(scores)), "what was told before the worker died is forgotten"
    if isinstance(again, RidersShown):
        assert again.report is not None
        assert [curve.updates for curve in again.report.curves] == [(0, 2)] * 2


# --- what only a fine-tuning can do -----------------------------------------------------------------------


@pytest.fixture
def unserved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TLL_HOME", str(tmp_path))
    monkeypatch.setattr(service, "start", lambda: None)  # nobody works on the queue
    yield
    service.shutdown()


@pytest.mark.usefixtures("unserved")
@pytest.mark.parametrize("name", [name for name in KINDS if name != "finetune"])
def test_what_only_a_fine_tuning_can_do_is_refused_in_a_sentence(name: str) -> None:
    run = service.submit(SPECS[name], "ann")
    assert service.run(run).control is None
    service.stop(run, visitor="ann")
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
        lambda: results.result_path(run),
    )
    for ask in refused:
        with pytest.raises(errors.RunError) as error:
            ask()
        assert str(error.value).count(".") == 1
    assert not service.shown(run).over
    service.resume(run, visitor="ann")
    assert service.run(run).state == "queued"


@pytest.mark.usefixtures("unserved")
@every_kind
def test_every_kind_is_listed_shared_and_stopped_by_the_teacher(name: str) -> None:
    run = service.submit(SPECS[name], "ann", control=False)
    assert [one.id for one in service.active()] == [run]
    link = service.share(run, visitor="ann")
    assert service.readable(link, "guest").spec == service.run(run).spec
    service.stop(run, why="Stopped by the teacher.")
    record: RunRecord = service.run(run)
    assert (record.state, record.error) == ("stopped", "Stopped by the teacher.")
    service.delete(run, visitor="ann")
    assert service.runs_of("ann") == []
