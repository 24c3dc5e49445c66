"""Weights over the epochs: few, small, whole, and the same however often the run was interrupted."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from core import errors
from core.datasets.dataset import ImageDataset, LabelledImages
from core.events import CheckpointReady
from core.runs import networks as network
from core.runs import results, service
from core.runs.files import artefacts, snapshots
from core.runs.files.snapshots import MOST, Snapshots, kept_epochs
from core.runs.home import home, run_directory
from core.runs.kinds.finetuning import Finetuning
from core.runs.kinds.finetuning_files import FinetuningFiles
from core.runs.kinds.finetuning_result import RunResult
from core.runs.kinds.finetuning_timeline import Timeline
from core.runs.kinds.kind import Work
from core.runs.recorder import Recorder
from core.runs.spec import RunSpec
from core.training.config import FinetuneConfig
from core.training.events import EpochDone

CONFIG = FinetuneConfig(
    backbone="tiny_resnet18", freeze_depth=3, epochs=4, image_size=32, batch_size=8, device="cpu", seed=5
)
HALF = 2.0**-11  # how far rounding to half precision moves a normal number, as a share of it


def _part(per_class: int, seed: int) -> LabelledImages:
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(2), per_class)
    images = random.normal(110, 40, (len(labels), 32, 32, 3))
    images[labels == 1, ::2] += 60
    return LabelledImages(images=images.clip(0, 255).astype(np.uint8), labels=labels.astype(np.int64))


DATA = ImageDataset(
    name="stripes",
    title="Stripes",
    class_names=("plain", "striped"),
    train=_part(12, 0),
    test=_part(4, 1),
    fingerprint="stripes",
)


def record(directory: Path, config: FinetuneConfig = CONFIG, *, stop_after: int | None = None) -> Recorder:
    """Train and write down, as a worker does; end after ``stop_after`` epochs as if somebody pressed stop."""
    kind = Finetuning()
    writer = Recorder(directory, kind, RunSpec(config=config, data="stripes"))
    for event in kind.events(Work(config=config, dataset=DATA, earlier=writer.earlier)):
        writer.write(event)
        if event.kind == "checkpoint" and event.to_json()["epoch"] == stop_after:
            writer.flush()
            break
    writer.close()
    return writer


def result_of(writer: Recorder) -> RunResult:
    assert isinstance(writer.shown, Timeline)
    return RunResult.of("", writer.shown)


def states(directory: Path, result: RunResult) -> dict[int, dict[str, Tensor]]:
    every = {0, *snapshots.epochs(directory), result.best_epoch}
    return {epoch: network.at(directory, result, epoch).state_dict() for epoch in sorted(every)}


def assert_equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> None:
    assert a.keys() == b.keys()
    assert [name for name in a if not torch.equal(a[name], b[name])] == []


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunResult]:
    directory = tmp_path_factory.mktemp("whole")
    return directory, result_of(record(directory))


def test_frozen_stages_are_bit_identical_in_every_snapshot_and_trained_ones_move(
    whole: tuple[Path, RunResult],
) -> None:
    directory, result = whole
    assert snapshots.epochs(directory) == (1, 2, 3, 4)
    found = states(directory, result)
    frozen = ("stages.stem.", "stages.layer1.", "stages.layer2.")
    for epoch, state in found.items():
        assert all(torch.equal(state[name], found[0][name]) for name in state if name.startswith(frozen))
        moved = float(
            (state["stages.layer4.0.conv1.weight"] - found[0]["stages.layer4.0.conv1.weight"]).norm()
        )
        assert (moved > 0) == (epoch > 0)


def test_the_best_epoch_is_the_result_to_the_bit_and_its_snapshot_lies_within_half_precision(
    whole: tuple[Path, RunResult],
) -> None:
    directory, result = whole
    exact = network.load(directory, result).state_dict()
    assert_equal(network.at(directory, result, None).state_dict(), exact)
    assert_equal(network.at(directory, result, result.best_epoch).state_dict(), exact)
    for name, kept in snapshots.read(directory, result.best_epoch).items():
        if exact[name].ndim > 1:
            # Below 2^-14 half precision counts in steps of 2^-24.
            torch.testing.assert_close(kept, exact[name], rtol=HALF, atol=2.0**-25)
        else:
            assert torch.equal(kept, exact[name])


def test_before_is_what_the_runs_own_audit_started_from(whole: tuple[Path, RunResult]) -> None:
    directory, result = whole
    before = network.at(directory, result, 0)
    assert before.head[-1].out_features == 2
    assert not before.training
    other = tuple(dataclasses.replace(one, sha256_before="0") for one in result.audit)
    with pytest.raises(errors.RunError, match="no longer those"):
        network.before(dataclasses.replace(result, audit=other))


def test_a_stopped_and_extended_run_ends_with_the_snapshots_of_an_undisturbed_one(
    whole: tuple[Path, RunResult], tmp_path: Path
) -> None:
    record(tmp_path, stop_after=1)
    assert snapshots.epochs(tmp_path) == (1,)
    result = result_of(record(tmp_path))
    assert result.best_epoch == whole[1].best_epoch
    ours, theirs = states(tmp_path, result), states(*whole)
    assert ours.keys() == theirs.keys()
    for epoch in ours:
        assert_equal(ours[epoch], theirs[epoch])
    again = result_of(record(tmp_path, dataclasses.replace(CONFIG, epochs=5)))
    assert again.segments == (4, 1)
    assert snapshots.epochs(tmp_path) == (1, 2, 3, 4, 5)
    assert_equal(network.at(tmp_path, again, 1).state_dict(), theirs[1])


def test_snapshots_that_ran_ahead_of_the_checkpoint_are_forgotten_and_leftovers_swept(tmp_path: Path) -> None:
    ahead = Snapshots(tmp_path)
    for epoch in (1, 2, 3):
        ahead.add(epoch, weights())
        ahead.flush()
    torn = tmp_path / artefacts.SNAPSHOTS / ".epoch-0004.safetensors.x1y2"
    torn.write_bytes(b"half")
    Snapshots(tmp_path, resumed_from=2)
    assert snapshots.epochs(tmp_path) == (1, 2)
    assert not torn.exists()


def weights(value: float = 1.0, side: int = 4) -> dict[str, Tensor]:
    return {
        "stages.stem.conv.weight": torch.full((side, side), value),
        "stages.stem.norm.running_var": torch.full((side,), value),
        "head.1.weight": torch.full((2, side), value),
    }


def test_matrices_of_stages_that_thaw_later_are_left_out_until_then(tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, strategy="gradual", freeze_depth=None, epochs=6)
    result = result_of(record(tmp_path, config))
    assert [one.frozen_depth for one in result.epochs] == [5, 4, 3, 2, 1, 0]
    found = states(tmp_path, result)
    for one in result.epochs:
        for number, stage in enumerate(result.stages):
            same = all(
                torch.equal(found[one.epoch][name], found[0][name])
                for name in found[0]
                if name.startswith(f"stages.{stage}.")
            )
            assert same == (number < one.frozen_depth), (one.epoch, stage)


@pytest.mark.parametrize("most", range(2, 14))
def test_what_is_kept_never_needs_an_epoch_that_was_dropped_before(most: int) -> None:
    before: set[int] = set()
    for done in range(1, 200):
        kept = kept_epochs(done, most)
        assert set(kept) <= before | {done}
        assert len(kept) <= most
        assert kept[0] == 1
        assert kept[-1] == done
        if done > most > 3:
            assert len(kept) > most // 2
        before = set(kept)
    assert kept_epochs(12, MOST) == tuple(range(1, 13))
    assert kept_epochs(13, MOST) == (1, 2, 4, 6, 8, 10, 12, 13)


def test_a_long_run_keeps_few_epochs_and_a_large_network_fewer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = 2 * 4 * 4 + 4 * 4 + 2 * 2 * 4  # bytes: two matrices at half precision, one vector in full
    for room, expected in ((10**9, (1, 4, 8, 12, 16, 20, 24, 28, 30)), (3 * one, (1, 16, 30)), (one - 1, ())):
        monkeypatch.setattr(snapshots, "MOST_BYTES", room)
        directory = tmp_path / str(room)
        writer = Snapshots(directory)
        for epoch in range(1, 31):
            writer.add(epoch, weights(float(epoch)))
            if epoch % 7 == 0:  # checkpoints are not written after every epoch
                writer.flush()
        writer.flush()
        assert snapshots.epochs(directory) == expected
        for epoch in expected:
            assert float(snapshots.read(directory, epoch)["head.1.weight"][0, 0]) == epoch
    monkeypatch.setattr(snapshots, "MOST_BYTES", one)
    assert kept_epochs(30, 1) == (1,)


def test_what_does_not_fit_half_precision_is_kept_in_full(tmp_path: Path) -> None:
    writer = Snapshots(tmp_path)
    writer.add(1, weights(70000.5))
    writer.flush()
    assert all(bool((tensor == 70000.5).all()) for tensor in snapshots.read(tmp_path, 1).values())


def test_a_damaged_or_missing_snapshot_is_one_sentence(whole: tuple[Path, RunResult], tmp_path: Path) -> None:
    _, result = whole
    epoch = 7 if result.best_epoch != 7 else 8
    with pytest.raises(errors.RunError, match="not kept"):
        network.at(tmp_path, result, epoch)
    folder = tmp_path / artefacts.SNAPSHOTS
    artefacts.write_bytes(folder / f"epoch-{epoch:04d}.safetensors", b"no tensors at all")
    with pytest.raises(errors.RunError, match="damaged"):
        network.at(tmp_path, result, epoch)
    (folder / f"epoch-{epoch:04d}.safetensors").unlink()
    writer = Snapshots(tmp_path, resumed_from=99)
    writer.add(epoch, weights())  # of another network
    writer.flush()
    with pytest.raises(errors.RunError, match="damaged"):
        network.at(tmp_path, result, epoch)


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A run in the store whose folder holds a finished run of two epochs."""
    monkeypatch.setenv("TLL_HOME", str(tmp_path))
    run = service.open_store().add(RunSpec(config=CONFIG, data="lfw-faces"), "ann", None)
    record(run_directory(home(), run), dataclasses.replace(CONFIG, epochs=2))
    yield run
    service.shutdown()


def test_the_epochs_of_a_run_are_listed_rebuilt_and_deleted_with_it(stored: str) -> None:
    assert results.snapshots(stored) == (0, 1, 2)
    moved = results.network_at(stored, 1).state_dict()["head.1.weight"]
    assert not torch.equal(moved, results.network_at(stored, 0).state_dict()["head.1.weight"])
    assert_equal(results.network_at(stored, None).state_dict(), results.network(stored).state_dict())
    folder = run_directory(home(), stored) / artefacts.SNAPSHOTS
    for path in folder.iterdir():  # as in a run that was made before epochs were kept
        path.unlink()
    assert results.snapshots(stored) == (0, results.result(stored).best_epoch)
    service.delete(stored)
    assert not folder.exists()
    with pytest.raises(errors.RunError, match="no run with this address"):
        results.snapshots(stored)


def test_a_probe_keeps_its_solved_head(tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, strategy="linear_probe", freeze_depth=None, epochs=None)
    result = result_of(record(tmp_path, config))
    assert snapshots.epochs(tmp_path) == (1,)
    assert {name for name, tensor in snapshots.read(tmp_path, 1).items() if tensor.ndim > 1} == {
        "head.1.weight"
    }
    found: dict[str, Any] = states(tmp_path, result)[1]
    assert_equal(found, network.load(tmp_path, result).state_dict())


def test_a_checkpoint_without_a_start_is_kept_whole(tmp_path: Path) -> None:
    timeline, files = Timeline(), FinetuningFiles(tmp_path, 0)
    for told in (None, epoch_done(frozen_depth=1)):
        if told is not None:
            timeline.take(told)
        files.take(CheckpointReady(epoch=1, state={"weights": weights()}), timeline)
        files.flush()
        assert snapshots.read(tmp_path, 1).keys() == weights().keys()


def epoch_done(frozen_depth: int) -> EpochDone:
    return EpochDone(
        epoch=1,
        epochs=1,
        train_loss=1.0,
        train_accuracy=0.5,
        validation_loss=1.0,
        validation_accuracy=0.5,
        frozen_depth=frozen_depth,
        seconds=1.0,
    )
