"""Runs from submission to result, through a real dispatcher and real worker processes."""

import dataclasses
import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import errors
from core.images.to_rgb import PictureReading
from core.runs import results, service
from core.runs.executors.worker import NICENESS
from core.runs.files import artefacts
from core.runs.home import run_directory
from core.runs.kinds.finetuning_timeline import Timeline
from core.runs.kinds.lanes import TRAINING, Lane
from core.runs.spec import RunSpec
from core.runs.store.runs import RunRecord
from core.training.config import FinetuneConfig

# 200 small photographs of two classes; 32 pixels keep an epoch below a second.
CONFIG = FinetuneConfig(
    backbone="tiny_resnet18",
    strategy="freeze_to_depth",
    freeze_depth=3,
    epochs=4,
    image_size=32,
    views=2,
    batch_size=16,
    seed=3,
)
SPEC = RunSpec(config=CONFIG, data="lfw-faces")
LONG = dataclasses.replace(SPEC, config=dataclasses.replace(CONFIG, epochs=500, cache=False, seed=4))


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


def until(condition: Callable[[], bool], seconds: float = 240.0) -> None:
    """Wait for something that other processes do; the limit only ends a hanging test."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def ended(run: str) -> RunRecord:
    until(lambda: not service.run(run).active)
    return service.run(run)


def timeline(run: str) -> Timeline:
    told = service.shown(run)
    assert isinstance(told, Timeline)
    return told


@pytest.fixture(scope="module")
def finished(lab: Path) -> str:
    """A run that nobody disturbed, with its control."""
    run = service.submit(SPEC, "ann")
    record = ended(run)
    assert record.state == "finished", record.error
    return run


def test_a_submitted_run_ends_with_everything_a_page_shows(lab: Path, finished: str) -> None:
    record = service.run(finished)
    assert record.title == "Freeze to depth 3 · Face or no face"
    assert record.started is not None
    assert record.finished is not None
    result = results.result(finished)
    assert result.title == record.title
    assert result.frozen_stages == ("stem", "layer1", "layer2")
    assert [one.epoch for one in result.epochs] == [1, 2, 3, 4]
    assert all(row.parameters_identical and row.buffers_identical for row in result.audit if row.frozen)
    assert record.summary is not None
    assert record.summary["accuracy"] == result.test.accuracy.value
    kept = results.test_images(finished)
    assert kept.images.shape == (result.images["test"], 32, 32, 3)
    hits = kept.scores.argmax(axis=1) == kept.labels
    assert hits.mean() == pytest.approx(result.test.accuracy.value)
    assert zipfile.is_zipfile(io.BytesIO(results.reproduction_zip(finished)))
    files = [path for path in run_directory(service.home(), finished).rglob("*") if path.is_file()]
    assert service.run_room("ann")[0] >= sum(path.stat().st_size for path in files) > 1_000_000
    told = timeline(finished)
    assert told.epochs == list(result.epochs)
    assert told.finished is not None


def test_the_finished_network_answers_about_pictures_as_it_did_in_the_test(lab: Path, finished: str) -> None:
    kept = results.test_images(finished)
    for number in (0, len(kept.labels) - 1):
        file = io.BytesIO()
        Image.fromarray(kept.images[number]).save(file, "PNG")
        found = results.predict(finished, file.getvalue())
        np.testing.assert_allclose(found, kept.scores[number], atol=1e-4)
    with pytest.raises(errors.DataError):
        results.predict(finished, b"<html>no picture</html>")


@pytest.mark.parametrize("fit", ["crop", "pad"])
def test_new_pictures_are_read_by_the_rule_of_the_runs_upload(lab: Path, fit: str) -> None:
    """The classes differ by brightness alone, of 12 bits, and in padded pictures by what a crop cuts away."""

    def picture(label: int, number: int, form: str = "PNG") -> bytes:
        random = np.random.default_rng(10 * number + label)
        pixels = random.integers(900, 1100, (20, 60))
        pixels[:, : 20 if fit == "pad" else 60] *= 1 + 2 * label
        file = io.BytesIO()
        Image.fromarray(pixels.astype(np.uint16)).save(file, form)
        return file.getvalue()

    members = {name: [(f"{n}.png", picture(label, n)) for n in range(10)] for label, name in enumerate("ab")}
    config = FinetuneConfig(backbone="tiny_resnet18", strategy="linear_probe", image_size=32)
    spec = RunSpec(config=config, data=service.store_images("ann", fit, members), fit=fit)
    run = service.submit(spec, "ann", control=False)
    assert ended(run).state == "finished"
    result = results.result(run)
    assert result.rule == PictureReading(fit=fit, counts=(0, 4095))
    assert any("values from 0 to 4,095 became black to white" in note for note in result.notes)
    assert any("67 % of a picture is cut away" in note for note in result.notes) == (fit == "crop")
    for label in (0, 1):  # alone, the darker one would need 11 bits only, and look like the brighter one
        for form in ("PNG", "TIFF"):
            assert results.predict(run, picture(label, 99, form)).argmax() == label


def test_the_control_runs_after_the_run_and_from_scratch(lab: Path, finished: str) -> None:
    control = ended(str(service.run(finished).control))
    assert control.state == "finished", control.error
    assert control.control_of == finished
    assert results.result(control.id).config["strategy"] == "scratch"
    assert results.result(control.id).epochs_done == 4


def test_a_run_is_repeated_with_the_next_free_seeds(lab: Path, finished: str) -> None:
    with pytest.raises(errors.RunError):
        service.repeat(finished, 1, visitor="bob")
    with pytest.raises(errors.SettingsError):
        service.repeat(finished, service.MOST_SEEDS, visitor="ann")
    (again,) = service.repeat(finished, 1, visitor="ann")
    try:
        assert service.run(again).spec.config == dataclasses.replace(
            service.run(finished).spec.config, seed=0
        )
        assert service.run(again).control is not None
        assert [one.id for one in service.repeats(finished)] == [again, finished]
        assert ended(again).state == "finished"
        assert results.result(again).data_fingerprint == results.result(finished).data_fingerprint
    finally:
        service.stop(again)


def test_a_stopped_run_goes_on_to_the_same_numbers(lab: Path, finished: str) -> None:
    run = service.submit(SPEC, "bob", control=False)
    until(lambda: bool(timeline(run).epochs))
    service.stop(run)
    assert ended(run).state in ("stopped", "finished")  # four epochs may be over before a stop arrives
    if service.run(run).state == "stopped":
        with pytest.raises(errors.RunError, match="no result yet"):
            results.result(run)
        service.resume(run)
        assert ended(run).state == "finished"
    assert_same(run, finished)


LINUX = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for processes in /proc")


@LINUX
@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_workers_run_goes_on_by_itself_to_the_same_numbers(
    lab: Path, finished: str, way: signal.Signals
) -> None:
    run = service.submit(SPEC, "cem", control=False)
    until(lambda: bool(timeline(run).epochs))
    os.kill(worker_of(lab), way)
    record = ended(run)
    assert record.state == "finished", record.error
    assert_same(run, finished)
    epochs = [event["epoch"] for event in service.events(run)[0] if event["event"] == "epoch"]
    assert sorted(set(epochs)) == [1, 2, 3, 4]


def assert_same(run: str, other: str) -> None:
    mine, theirs = results.test_images(run), results.test_images(other)
    assert np.array_equal(mine.scores, theirs.scores)
    a, b = results.result(run), results.result(other)
    assert a.audit == b.audit
    assert [dataclasses.replace(one, seconds=0) for one in a.epochs] == [
        dataclasses.replace(one, seconds=0) for one in b.epochs
    ]


def worker_of(home: Path, lane: Lane = TRAINING) -> int:
    """The process that serves a lane of ``home``, whoever started it."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        serves = [b"core.runs.executors.worker", lane.encode()]
        if words[2:4] == serves and f"TLL_HOME={home}\0".encode() in environment:
            return int(folder.name)
    raise AssertionError("no worker runs")


def test_a_finished_run_can_be_extended_and_its_control_with_it(lab: Path, finished: str) -> None:
    control = ended(str(service.run(finished).control))
    with pytest.raises(errors.RunError, match="somebody else"):
        service.extend(finished, 1, visitor="bob")
    before = results.result(finished)
    service.pause(True)  # one epoch is over quickly
    service.extend(finished, 1, visitor="ann")
    with pytest.raises(errors.RunError, match="still going on"):
        service.extend(finished, 1, visitor="ann")
    service.pause(False)
    assert ended(finished).state == "finished"
    result = results.result(finished)
    assert result.segments == (4, 1)
    assert [one.train_loss for one in result.epochs[:4]] == [one.train_loss for one in before.epochs]
    assert result.epochs_done == 5
    assert ended(control.id).state == "finished"
    assert results.result(control.id).epochs_done == 5


def test_what_is_wrong_with_the_data_is_said_in_one_sentence(lab: Path) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (40, 40), "red").save(picture, "PNG")
    files = {"only": [(f"{number}.png", picture.getvalue()) for number in range(3)]}
    reference = service.store_images("dora", "One class", files)
    run = service.submit(dataclasses.replace(SPEC, data=reference), "dora")
    record = ended(run)
    assert record.state == "failed"
    assert record.error is not None
    assert record.error.count(".") <= 2
    assert "class" in record.error
    assert not (run_directory(lab, run) / artefacts.TRACEBACK).exists()
    assert service.run(str(record.control)).state == "failed"
    with pytest.raises(errors.RunError, match="class"):
        results.result(run)


def test_what_cannot_be_is_refused_before_it_is_queued(lab: Path) -> None:
    with pytest.raises(errors.SettingsError, match="alexnet"):
        service.submit(dataclasses.replace(SPEC, config=FinetuneConfig(backbone="alexnet")), "eve")
    with pytest.raises(errors.SettingsError, match="data set"):
        service.submit(dataclasses.replace(SPEC, data="/etc/passwd"), "eve")
    with pytest.raises(errors.SettingsError, match="freeze depth"):
        service.submit(
            dataclasses.replace(SPEC, config=FinetuneConfig(backbone="tiny_resnet18", freeze_depth=40)), "eve"
        )
    foreign = service.store_upload("ann", "pets.zip", b"PK")
    with pytest.raises(errors.DataError, match="upload them again"):
        service.submit(dataclasses.replace(SPEC, data=foreign), "eve")
    assert service.runs_of("eve") == []


def test_a_defect_of_ours_is_logged_and_not_shown(lab: Path) -> None:
    run = service.submit(LONG, "fay", control=False)
    until(lambda: service.run(run).state == "running")
    service.stop(run)
    ended(run)
    # A checkpoint that can be read but does not hold what training needs.
    import torch

    path = run_directory(lab, run) / artefacts.CHECKPOINT
    artefacts.write_sealed(path, lambda file: torch.save({"epoch": 1, "state": {"format": 1}}, file))
    service.resume(run)
    record = ended(run)
    assert record.state == "failed"
    assert record.error is not None
    assert "our side" in record.error
    assert "KeyError" in (run_directory(lab, run) / artefacts.TRACEBACK).read_text()
    service.delete(run)
    assert not run_directory(lab, run).exists()
    with pytest.raises(errors.RunError, match="no run with this address"):
        service.run(run)


def test_a_control_makes_way_for_a_new_run_and_goes_on_later(lab: Path) -> None:
    short = RunSpec(
        config=dataclasses.replace(CONFIG, strategy="linear_probe", freeze_depth=None, seed=9),
        data="lfw-faces",
    )
    run = service.submit(dataclasses.replace(LONG, config=dataclasses.replace(LONG.config, seed=8)), "gil")
    until(lambda: bool(timeline(run).epochs))
    service.stop(run, visitor="gil")
    assert ended(run).state == "stopped"
    control = str(service.run(run).control)
    assert service.run(control).state == "stopped", "the control of a stopped run is not run"
    service.resume(control)
    until(lambda: bool(timeline(control).epochs))
    other = service.submit(short, "hal", control=False)
    assert ended(other).state == "finished"
    until(lambda: service.run(control).state == "running")
    service.stop(control)
    assert ended(control).state == "stopped"


@LINUX
def test_a_worker_that_does_not_answer_is_ended_by_force_and_the_run_can_be_concluded(lab: Path) -> None:
    config = dataclasses.replace(LONG.config, strategy="scratch", freeze_depth=None, seed=12)
    run = service.submit(dataclasses.replace(LONG, config=config), "ivy")
    assert service.run(run).control is None, "a run from scratch is its own control"
    with pytest.raises(errors.RunError, match="nothing to test"):
        service.conclude(run)
    until(lambda: any(event["event"] == "checkpoint" for event in service.events(run)[0]))
    os.kill(worker_of(lab), signal.SIGSTOP)  # it hears neither the stop nor SIGTERM
    service.stop(run)
    assert ended(run).state == "stopped"
    service.conclude(run)
    record = ended(run)
    assert record.state == "finished", record.error
    result = results.result(run)
    assert 1 <= result.epochs_done < 500
    assert result.test.count == len(results.test_images(run).labels)
    assert len(result.epochs) == result.epochs_done
    assert result.segments[0] == 500, "its schedule stays the one that it was trained with"


SERVER = """
import sys, time
from core.runs import service
from core.runs.spec import RunSpec
from core.training.config import FinetuneConfig
if __name__ == "__main__":
    spec = RunSpec(config=FinetuneConfig(strategy="full", epochs=500, image_size=32, cache=False), data="lfw-faces")
    print(service.submit(spec, "ann", control=False), flush=True)
    time.sleep(3600)
"""


@LINUX
def test_a_worker_ends_with_its_server_and_the_run_waits_for_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TLL_HOME", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    root = Path(service.__file__).parents[2]
    server = subprocess.Popen([sys.executable, "-c", SERVER], cwd=root, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        run = server.stdout.readline().strip()
        until(lambda: bool(timeline(run).epochs))
        worker = worker_of(tmp_path)
        assert os.getsid(worker) == worker, "in its own session"
        above = os.getpriority(os.PRIO_PROCESS, server.pid)
        assert os.getpriority(os.PRIO_PROCESS, worker) == min(19, above + NICENESS), "nicer than its server"
    finally:
        server.kill()
        server.wait()
        assert server.stdout is not None
        server.stdout.close()
    until(lambda: not Path(f"/proc/{worker}").exists())
    record = service.run(run)
    assert record.state == "queued"
    assert (run_directory(tmp_path, run) / artefacts.CHECKPOINT).exists()
    service.delete(run)
    service.shutdown()
