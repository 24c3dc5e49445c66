"""Freezing, cached features, probes, fine-tuning and resuming of timm's networks: a transformer, a residual one."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from core import errors
from core.backbones import stages
from core.datasets.dataset import ImageDataset
from core.events import CheckpointReady, Event
from core.freezing.apply import freeze
from core.images.normalisation import IMAGENET
from core.runs.kinds import pretrained as kind
from core.runs.kinds import table
from core.runs.spec import RunSpec
from core.training.cache import CachedFeatures
from core.training.config import FinetuneConfig
from core.training.events import Finished
from core.training.memory import MicroBatch
from core.training.run import finetune
from core.training.views import views_of

SIDES = {
    "timm:vit_tiny_patch16_224": 48,
    "timm:resnet10t": 40,
}  # pixels; the transformer's positions are stretched
NAMES = list(SIDES)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Weights as timm names them: of networks without any training, which is all that is needed here."""
    folder = tmp_path_factory.mktemp("timm")
    made = {}
    for name in NAMES:
        made[name] = folder / f"{name.removeprefix('timm:')}.safetensors"
        save_file(stages.to_state(stages.build(name, seed=8)), made[name])
    return made


def settings(name: str, files: dict[str, Path], **more: Any) -> FinetuneConfig:
    return FinetuneConfig(
        backbone=name, weights=str(files[name]), image_size=SIDES[name], batch_size=8, views=1, **more
    )


def run(name: str, files: dict[str, Path], dataset: ImageDataset, **more: Any) -> list[Event]:
    resume = more.pop("resume", None)
    return list(finetune(settings(name, files, **more), dataset, resume=resume))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_frozen_stays_to_the_bit(name: str, files: dict[str, Path], dataset: ImageDataset) -> None:
    finished = run(name, files, dataset, strategy="freeze_to_depth", freeze_depth=3, epochs=1)[-1]
    assert isinstance(finished, Finished)
    start = stages.build(name, seed=8)
    names, before = stages.original_names(name), start.state_dict()
    frozen = tuple(f"stages.{stage.name}." for stage in start.table[:3])
    same = {
        names[key]: torch.equal(before[names[key]], tensor)
        for key, tensor in finished.weights.items()
        if key in names
    }
    assert len(same) > 20
    assert all(stayed for key, stayed in same.items() if key.startswith(frozen))
    assert not any(
        stayed for key, stayed in same.items() if not key.startswith(frozen) and key.endswith(".weight")
    )
    assert [row.sha256_before == row.sha256_after for row in finished.audit][:3] == [True] * 3


@pytest.mark.parametrize("name", NAMES)
def test_a_probe_is_solved_on_cached_features(
    name: str, files: dict[str, Path], dataset: ImageDataset
) -> None:
    finished = run(name, files, dataset, strategy="linear_probe")[-1]
    assert isinstance(finished, Finished)
    assert (
        finished.test.accuracy.value > 0.34
    )  # even random features tell these pictures apart better than chance
    assert all(row.sha256_before == row.sha256_after for row in finished.audit if row.stage != "head")


@pytest.mark.parametrize("name", NAMES)
def test_a_resumed_run_ends_as_one_that_was_not_stopped(
    name: str, files: dict[str, Path], dataset: ImageDataset
) -> None:
    whole = run(name, files, dataset, strategy="full", epochs=2)
    state = next(event.state for event in whole if isinstance(event, CheckpointReady) and event.epoch == 1)
    again = run(name, files, dataset, strategy="full", epochs=2, resume=state)
    first, second = whole[-1], again[-1]
    assert isinstance(first, Finished)
    assert isinstance(second, Finished)
    assert all(torch.equal(first.weights[key], tensor) for key, tensor in second.weights.items())
    assert first.epochs_done == 2


def test_a_stored_spec_with_a_network_of_timms_opens_again() -> None:
    config = FinetuneConfig(backbone="timm:vit_tiny_patch16_224.augreg_in21k_ft_in1k")
    spec = table.read_spec(json.loads(json.dumps(RunSpec(config=config, data="digits").to_json())))
    assert spec.config == config
    assert kind.image_side(config) == 224
    with pytest.raises(errors.SettingsError, match="timm has no network 'vit_tiny_patch17'"):
        kind.image_side(FinetuneConfig(backbone="timm:vit_tiny_patch17"))


def test_a_side_that_it_cannot_take_is_refused_before_anything_is_learned(
    files: dict[str, Path], dataset: ImageDataset
) -> None:
    config = settings("timm:vit_tiny_patch16_224", files, strategy="full", epochs=1)
    config = replace(config, image_size=50)
    with pytest.raises(errors.OutOfRange, match="must be a multiple of 16 pixels"):
        list(finetune(config, dataset))


@pytest.mark.parametrize("name", NAMES)
def test_cached_features_equal_computed_ones(name: str, dataset: ImageDataset) -> None:
    backbone = stages.build(name, classes=3, seed=8)
    freeze(backbone, [stage.name for stage in backbone.table[:2]])
    side, device = SIDES[name], torch.device("cpu")
    views = views_of(dataset.train, normalisation=IMAGENET, size=side, count=1, seed=0, device=device)
    micro = MicroBatch(size=8, smallest=1)
    cached = CachedFeatures(backbone, views, depth=2, micro=micro, cached=True)
    list(cached.fill(0))
    computed = CachedFeatures(backbone, views, depth=2, micro=micro, cached=False)
    numbers = torch.tensor([7, 0, 3])
    assert torch.equal(cached.batch(numbers, 0), computed.batch(numbers, 0))
    cached.close()
