"""A data folder of an earlier version opens: runs, results, links, uploads, and what had stopped goes on.

`old_folder.tar.xz` was written by the version that stored neither kinds, nor lanes, nor hashes (and no networks of
visitors): Ann's fine-tuning with its control, her sweep, and a linear probe that was stopped after its checkpoint,
all on an archive that she had uploaded; Bob's probe of his copy of it, with weights of his own. Networks are too large
to be kept in it: the finished runs' weights, checkpoints and snapshots are missing, and Bob's file is empty.
"""

import dataclasses
import json
import sqlite3
import tarfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from core import codec, errors
from core.runs import data, results, service
from core.runs.files import artefacts
from core.runs.home import run_directory
from core.runs.kinds.finetuning import control_spec
from core.runs.kinds.finetuning_result import RunResult
from core.runs.kinds.finetuning_timeline import Timeline
from core.runs.kinds.lanes import TRAINING
from core.runs.kinds.table import kind
from core.runs.store import database
from core.runs.store.migrations import MIGRATIONS
from tests.runs.test_runs import ended

WHOLE = "8jVsjHUAXAiJM4NZeXT7Yg"
CONTROL = "u3kt1nYNC5X4IZUkhyMQew"
SWEEP = "UmJ3HITGTNSVYHgmHNizUg"
STOPPED = "VVaJDfyZYTK61gWaKa-b1A"
STOPPED_CONTROL = "XiYfOxS9TahKSGlPaARDLw"
BOBS = "k2cjlBonsF220OwkRYitww"
LINK = "OEGQu5D1sc2q0cH8fKcuqw"
HOME_THEN = "/srv/lab"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the folder, as if it had been written today."""
    with tarfile.open(Path(__file__).with_name("old_folder.tar.xz")) as tar:
        for member in tar:
            content = tar.extractfile(member)
            assert content is not None
            (tmp_path / member.name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / member.name).write_bytes(content.read())
    with closing(sqlite3.connect(tmp_path / database.FILE, isolation_level=None)) as direct:
        for table in ("uploads", "weights"):  # they would expire
            direct.execute(f"UPDATE {table} SET created = ?", (time.time(),))
    monkeypatch.setenv("TLL_HOME", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield tmp_path
    service.shutdown()


@pytest.fixture
def unserved(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nobody works on its queue."""
    monkeypatch.setattr(service, "start", lambda: None)
    return home


def stored(home: Path, run: str) -> dict[str, Any]:
    """The result's file, as the earlier version wrote it."""
    values: dict[str, Any] = json.loads((run_directory(home, run) / artefacts.RESULT).read_bytes())
    return values


def as_json(values: Any) -> Any:
    return json.loads(artefacts.json_bytes(values))


def test_every_run_is_there_in_its_state(unserved: Path) -> None:
    found = {run.id: (run.spec.kind, run.state, run.control) for run in service.runs_of("ann")}
    assert found == {
        WHOLE: ("finetune", "finished", CONTROL),
        CONTROL: ("finetune", "finished", None),
        SWEEP: ("sweep", "finished", None),
        STOPPED: ("finetune", "stopped", STOPPED_CONTROL),
        STOPPED_CONTROL: ("finetune", "stopped", None),
    }
    assert [run.id for run in service.runs_of("bob")] == [BOBS]
    assert service.active() == []
    assert service.run(WHOLE).title == "Freeze to depth 3 · shapes"
    assert service.run(CONTROL).control_of == WHOLE
    assert (service.run(WHOLE).summary or {})["accuracy"] == stored(unserved, WHOLE)["test"]["accuracy"][
        "value"
    ]
    assert service.run_room("ann")[0] > 0
    with closing(sqlite3.connect(unserved / database.FILE)) as direct:
        lanes = direct.execute("SELECT DISTINCT lane FROM runs").fetchall()
        steps = [name for (name,) in direct.execute("SELECT name FROM migrations")]
    assert lanes == [(TRAINING,)]
    assert steps == [name for name, _ in MIGRATIONS]


@pytest.mark.parametrize("run", [WHOLE, CONTROL, BOBS])
def test_a_fine_tunings_figures_are_those_of_its_file_and_of_its_log(unserved: Path, run: str) -> None:
    file = stored(unserved, run)
    result = results.result(run)
    assert as_json(result.to_json()) == file
    told = service.shown(run)
    assert isinstance(told, Timeline)
    assert RunResult.of(service.run(run).title, told) == result
    assert as_json(kind(service.run(run).spec).result(service.run(run).title, told)) == file
    assert told.batches or result.config["strategy"] == "linear_probe"
    assert told.started is not None
    assert told.started.config == result.config
    assert (told.done, told.seconds_left) == (1.0, None)
    images = results.test_images(run)
    assert len(images.images) == len(images.labels) == result.images["test"]
    with pytest.raises(errors.RunError, match="no longer stored here"):
        results.network(run)


def test_a_sweeps_report_is_that_of_its_file_and_of_its_log(unserved: Path) -> None:
    file, told = stored(unserved, SWEEP), service.shown(SWEEP)
    assert as_json(codec.plain(results.sweep_report(SWEEP))) == file["report"]
    assert as_json(kind(service.run(SWEEP).spec).result(file["title"], told)) == file
    assert service.run(SWEEP).summary == as_json(kind(service.run(SWEEP).spec).summary(told))
    assert (told.over, told.done) == (True, 1.0)


def test_a_shared_link_opens_and_nobody_else_reads(unserved: Path) -> None:
    assert service.readable(LINK, "guest").id == WHOLE
    assert service.share(WHOLE, visitor="ann") == LINK
    with pytest.raises(errors.RunError, match="no run with this address"):
        service.readable(WHOLE, "guest")


def test_uploads_open_and_are_still_the_pictures_of_their_runs(unserved: Path) -> None:
    (upload,) = service.uploads_of("ann")
    reference = service.run(WHOLE).spec.data
    assert (upload.name, reference) == ("shapes.zip", f"upload:{upload.token}")
    content = service.upload_path("ann", reference).read_bytes()
    assert service.store_upload("ann", "again.zip", content) == reference
    dataset = data.open_data(service.run(WHOLE).spec, service.open_store())
    assert dataset.class_names == ("plain", "striped")
    assert dataset.fingerprint == results.result(WHOLE).data_fingerprint
    service.resume(STOPPED)
    with pytest.raises(errors.RunError, match="stop it first"):
        service.delete_upload("ann", reference)
    service.stop(STOPPED)
    service.delete_upload("ann", reference)
    assert results.test_images(WHOLE).pictures_deleted
    assert not results.test_images(BOBS).pictures_deleted, "his own copy"


def test_own_weights_are_listed_and_named_by_their_run(unserved: Path) -> None:
    (weights,) = service.weights_of("bob")
    named = Path(service.run(BOBS).spec.finetune.weights)
    assert named.parent == Path(HOME_THEN) / "weights" / weights.folder
    assert (unserved / named.relative_to(HOME_THEN)).exists()
    with pytest.raises(errors.RunError):
        service.delete_weights(weights)  # a run began with them


def test_a_control_of_equal_settings_is_found_again(unserved: Path) -> None:
    spec = service.run(WHOLE).spec
    gradual = dataclasses.replace(spec.finetune, strategy="gradual", freeze_depth=None)
    alike = service.submit(dataclasses.replace(spec, config=gradual, title=""), "ann")
    assert service.run(alike).control == CONTROL
    longer = service.submit(
        dataclasses.replace(spec, config=dataclasses.replace(spec.finetune, epochs=4)), "ann"
    )
    assert service.run(longer).control not in (None, CONTROL)
    foreign = service.open_store().add(spec, "bob", control_spec(spec))
    assert service.run(foreign).control != CONTROL


def test_what_had_stopped_goes_on_from_its_checkpoint(home: Path) -> None:
    before = service.shown(STOPPED)
    assert isinstance(before, Timeline)
    assert [one.epoch for one in before.epochs] == [1]
    assert not before.over
    service.resume(STOPPED, visitor="ann")
    record = ended(STOPPED)
    assert record.state == "finished", record.error
    after = service.shown(STOPPED)
    assert isinstance(after, Timeline)
    assert after.epochs == before.epochs, "its one epoch was not done again"
    log = artefacts.whole_log(run_directory(home, STOPPED) / artefacts.EVENTS)
    assert [line["epoch"] for line in log if line["event"] == "resumed"] == [1]
    assert sum(line["event"] == "epoch" for line in log) == 1
    result = results.result(STOPPED)
    assert result.epochs_done == 1
    assert result.data_fingerprint == results.result(WHOLE).data_fingerprint
    assert result.test.accuracy.value > 0.5
    assert results.snapshots(STOPPED) == (0, 1)
    assert results.network_at(STOPPED, 1) is not None
