"""A run's events written down: thinned where many, checkpoints whole, the result complete."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load, load_file

from core.events import CheckpointReady, Note, Progress
from core.metrics import classification
from core.runs.files import artefacts, checkpoint
from core.runs.files.artefacts import read_events
from core.runs.kinds import finetuning_files
from core.runs.kinds.finetuning import Finetuning
from core.runs.kinds.finetuning_files import thumbnails
from core.runs.kinds.finetuning_result import RunResult
from core.runs.kinds.finetuning_timeline import Timeline
from core.runs.recorder import Recorder
from core.runs.spec import RunSpec
from core.training.config import FinetuneConfig
from core.training.events import BatchDone, EpochDone, Finished, RunStarted, StageAudit

CLASSES = ("cat", "dog")
CONFIG = FinetuneConfig(backbone="tiny_resnet18", epochs=2)
SCORES = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], dtype=np.float32)
LABELS = np.array([0, 1, 1])


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def recorder(directory: Path, **options: Any) -> Recorder:
    return Recorder(directory, Finetuning(), RunSpec(config=CONFIG, data="pets", title="Pets"), **options)


def started() -> RunStarted:
    return RunStarted(
        config=CONFIG.to_json(),
        data_name="pets",
        data_fingerprint="00",
        class_names=CLASSES,
        images={"train": 4, "validation": 2, "test": 3},
        stages=("stem", "layer1"),
        frozen_stages=("stem",),
        trainable_parameters=10,
        total_parameters=20,
        device="cpu",
        precision="float32",
    )


def batch(step: int) -> BatchDone:
    return BatchDone(step=step, steps=20, loss=1.0, learning_rate=0.1, images_per_second=50.0)


def epoch(number: int, loss: float = 0.5) -> EpochDone:
    return EpochDone(
        epoch=number,
        epochs=2,
        train_loss=loss,
        train_accuracy=0.5,
        validation_loss=0.6,
        validation_accuracy=0.5,
        frozen_depth=1,
        seconds=float(number),
    )


def ready(number: int) -> CheckpointReady:
    return CheckpointReady(epoch=number, state={"epoch": number, "weights": {"w": torch.arange(3.0)}})


IMAGES = np.random.default_rng(0).integers(0, 255, (3, 8, 8, 3), dtype=np.uint8)


def finished() -> Finished:
    return Finished(
        test=classification.report(SCORES, LABELS, CLASSES),
        best_epoch=2,
        epochs_done=2,
        validation_accuracy=0.5,
        stopped_early=False,
        audit=(
            StageAudit(
                stage="stem",
                frozen=True,
                parameters_identical=True,
                buffers_identical=True,
                sha256_before="aa",
                sha256_after="aa",
                relative_change=0.0,
                cka=1.0,
            ),
        ),
        seconds=2.0,
        seconds_by_phase={"train": 2.0},
        images_per_second=4.0,
        peak_memory_bytes=1,
        scores=SCORES,
        labels=LABELS,
        test_images=IMAGES,
        weights={"conv1.weight": torch.ones(2, 3).t(), "head.1.bias": torch.zeros(2)},
    )


def lines(directory: Path) -> list[dict[str, Any]]:
    return read_events(directory / artefacts.EVENTS)[0]


def test_many_batches_become_four_lines_a_second_and_nothing_else_is_lost(tmp_path: Path) -> None:
    clock = Clock()
    writer = recorder(tmp_path, clock=clock)
    writer.write(started())
    for number in range(100):  # two seconds
        clock.now += 0.02
        writer.write(batch(number + 1))
        writer.write(Note(message=f"note {number}"))
    writer.write(Progress(phase="features", done=1, total=2))
    writer.write(Progress(phase="features", done=2, total=2))
    writer.write(epoch(1))
    kinds = [line["event"] for line in lines(tmp_path)]
    assert 7 <= kinds.count("batch") <= 9
    assert kinds.count("note") == 100
    assert kinds[-2:] == ["progress", "epoch"]
    assert lines(tmp_path)[-2]["done"] == 2
    writer.close()


def test_a_finished_run_leaves_its_result_weights_scores_and_images(tmp_path: Path) -> None:
    writer = recorder(tmp_path)
    for event in (started(), epoch(1), Note(message="careful"), epoch(2), ready(2), finished()):
        writer.write(event)
    writer.close()
    values = json.loads((tmp_path / artefacts.RESULT).read_text())
    result = RunResult.from_json(values)
    assert isinstance(writer.shown, Timeline)
    assert result == RunResult.of("Pets", writer.shown)
    assert writer.summary == result.summary()
    assert result.title == "Pets"
    assert result.test == finished().test
    assert result.audit == finished().audit
    assert [one.epoch for one in result.epochs] == [1, 2]
    assert result.notes == ("careful",)
    assert result.summary()["accuracy"] == pytest.approx(2 / 3)
    state = load_file(tmp_path / artefacts.WEIGHTS)
    assert torch.equal(state["conv1.weight"], torch.ones(3, 2))
    with np.load(tmp_path / artefacts.TEST, allow_pickle=False) as kept:
        assert np.array_equal(kept["images"], IMAGES)
        assert np.array_equal(kept["scores"], SCORES)
        assert np.array_equal(kept["labels"], LABELS)


def test_the_result_is_written_once_after_everything_else_and_before_the_logs_last_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there: list[list[str]] = []
    write = artefacts.write_json

    def watched(path: Path, values: dict[str, Any]) -> None:
        there.append(
            [*(file.name for file in tmp_path.iterdir()), *(line["event"] for line in lines(tmp_path))]
        )
        write(path, values)

    monkeypatch.setattr(artefacts, "write_json", watched)
    writer = recorder(tmp_path, clock=Clock())
    for event in (started(), epoch(1), ready(1), epoch(2), ready(2), finished()):
        writer.write(event)
    writer.close()
    (before,) = there
    assert {artefacts.WEIGHTS, artefacts.TEST, artefacts.CHECKPOINT} <= set(before)
    assert before.count("checkpoint") == 2, "the one that waited in memory, too"
    assert "finished" not in before
    assert [line["event"] for line in lines(tmp_path)][-2:] == ["checkpoint", "finished"]
    again = recorder(tmp_path)  # as of a run that is extended: its end is forgotten
    assert not again.shown.over
    again.close()


def test_a_run_whose_worker_died_after_its_last_word_is_finished_once_more(tmp_path: Path) -> None:
    """Between the log's last line and the store's row: it goes on from its checkpoint and ends again."""
    for events in ((started(), epoch(2), ready(2), finished()), (started(), finished())):
        writer = recorder(tmp_path)
        for event in events:
            writer.write(event)
        writer.close()
        assert writer.summary is not None
    timeline = Timeline()
    timeline.absorb(lines(tmp_path))
    assert timeline.over
    assert [one.epoch for one in timeline.epochs] == [2]


def test_checkpoints_rest_between_writes_but_the_last_one_is_always_kept(tmp_path: Path) -> None:
    clock = Clock()
    written: list[int] = []
    writer = recorder(tmp_path, clock=clock, on_milestone=lambda: written.append(1))
    writer.write(ready(1))
    clock.now += 0.1
    writer.write(ready(2))
    writer.write(ready(3))
    found = checkpoint.read(tmp_path)
    assert found is not None
    assert found[0] == 1
    writer.flush()
    writer.flush()
    found = checkpoint.read(tmp_path)
    assert found is not None
    assert found[0] == 3
    assert torch.equal(found[1]["weights"]["w"], torch.arange(3.0))
    assert [line["epoch"] for line in lines(tmp_path) if line["event"] == "checkpoint"] == [1, 3]
    clock.now += 10
    writer.write(ready(4))
    assert len(written) == 3
    writer.close()


def test_a_damaged_or_hostile_checkpoint_is_as_good_as_none(tmp_path: Path) -> None:
    assert checkpoint.read(tmp_path) is None
    (tmp_path / artefacts.CHECKPOINT).write_bytes(b"PK damaged")
    assert checkpoint.read(tmp_path) is None
    path = tmp_path / artefacts.CHECKPOINT
    artefacts.write_sealed(path, lambda file: torch.save({"epoch": 1, "state": {"path": tmp_path}}, file))
    assert checkpoint.read(tmp_path) is None, "a pickle with other than plain values is not opened"


def test_no_flipped_bit_of_a_checkpoint_goes_unseen(tmp_path: Path) -> None:
    path = tmp_path / artefacts.CHECKPOINT
    content = {"epoch": 1, "state": {"weights": {"w": torch.arange(200.0)}}}
    artefacts.write_sealed(path, lambda file: torch.save(content, file))
    whole = path.read_bytes()
    assert checkpoint.read(tmp_path) is not None
    for place in range(0, len(whole), 41):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        assert checkpoint.read(tmp_path) is None, place
    path.write_bytes(whole[: len(whole) // 2])
    assert checkpoint.read(tmp_path) is None


def test_a_resumed_runs_log_tells_each_epoch_once(tmp_path: Path) -> None:
    first = recorder(tmp_path)
    first.write(started())
    first.write(batch(5))
    first.write(epoch(1, loss=0.9))
    first.write(ready(1))
    first.write(batch(15))
    first.write(epoch(2, loss=0.1))  # never reached a checkpoint: it is done again
    first.close()
    second = recorder(tmp_path)
    assert second.earlier is not None
    assert second.earlier["epoch"] == 1
    for event in (started(), epoch(2, loss=0.2), ready(2), finished()):
        second.write(event)
    second.close()
    result = RunResult.from_json(json.loads((tmp_path / artefacts.RESULT).read_text()))
    assert [one.train_loss for one in result.epochs] == [0.9, 0.2]
    timeline = Timeline()
    for line in lines(tmp_path):  # as slowly as a page can
        timeline.absorb([line])
    assert [one.train_loss for one in timeline.epochs] == [0.9, 0.2]
    assert [one.event.step for one in timeline.batches] == [5]
    assert timeline.finished is not None
    assert timeline.done == 1.0


def test_a_diverged_loss_is_stored_as_nothing(tmp_path: Path) -> None:
    writer = recorder(tmp_path)
    writer.write(epoch(1, loss=float("nan")))
    writer.close()
    timeline = Timeline()
    timeline.absorb(lines(tmp_path))
    assert timeline.epochs[0].train_loss is None


def test_large_test_images_are_kept_small(monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.zeros((5, 300, 300, 3), dtype=np.uint8)
    images[:, :150] = 200
    small = thumbnails(images)
    assert small.shape == (5, 128, 128, 3)
    assert small[0, 10, 10, 0] == 200
    monkeypatch.setattr(finetuning_files, "TEST_IMAGE_BYTES", 5 * 64 * 64 * 3)
    assert thumbnails(images).shape == (5, 64, 64, 3)
    assert thumbnails(images[:, :32, :32]).shape == (5, 32, 32, 3)


def test_time_left_follows_the_pace_of_the_last_batches(tmp_path: Path) -> None:
    clock = Clock()
    writer = recorder(tmp_path, clock=clock)
    writer.write(started())
    for step in range(1, 11):
        clock.now += 1.0
        writer.write(batch(step))
    writer.close()
    timeline = Timeline()
    timeline.absorb(lines(tmp_path))
    assert timeline.seconds_left == pytest.approx(10.0)
    assert timeline.done == pytest.approx(0.5)
    assert timeline.images_per_second == 50.0


def test_the_same_tensors_are_always_the_same_bytes() -> None:
    weights = {f"layer{number}.weight": torch.full((number, 3), float(number)) for number in range(1, 6)}
    metadata = {"format": "pt", "backbone": "tiny_resnet18", "classes": '["Größe", "b"]', "more": "1"}
    contents = {finetuning_files.to_safetensors(weights, metadata) for _ in range(30)}
    assert len(contents) == 1
    content = contents.pop()
    assert (8 + int.from_bytes(content[:8], "little")) % 8 == 0
    read = load(content)
    assert all(torch.equal(read[name], value) for name, value in weights.items())


def test_the_header_names_network_and_classes(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    finetuning_files.write_weights(path, started(), finished())
    with safe_open(path, framework="pt") as file:
        assert json.loads(file.metadata()["classes"]) == list(started().class_names)
        assert file.metadata()["format"] == "pt"
