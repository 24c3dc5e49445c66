"""A small world: a hand-made backbone of three stages, and images that it can tell apart."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from core.backbones.backbone import Backbone, Stage
from core.datasets.dataset import ImageDataset, LabelledImages
from core.events import Event
from core.training import precision
from core.training.config import FinetuneConfig
from core.training.run import finetune


def make_backbone(*, batch_norm: bool = True) -> Backbone:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        stages = []
        for number, (inside, outside) in enumerate([(3, 8), (8, 12), (12, 16)]):
            norm = nn.BatchNorm2d(outside) if batch_norm else nn.Identity()
            module = nn.Sequential(nn.Conv2d(inside, outside, 3, stride=2, padding=1), norm, nn.ReLU())
            stages.append(
                Stage(name=f"s{number}", module=module, channels=outside, reduction=2 ** (number + 1))
            )
        neck = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        backbone = Backbone(
            name="handmade",
            stages=tuple(stages),
            neck=neck,
            feature_size=16,
            head=nn.Sequential(neck, nn.Linear(16, 5)),
        )
        # As if pretrained: running statistics that are not the beginning.
        backbone.train()
        for _ in range(20):
            backbone(torch.randn(16, 3, 16, 16))
        return backbone.eval()


def make_part(per_class: int, seed: int, side: int = 18) -> LabelledImages:
    """Three classes of noisy pictures: reddish, striped, bright below."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), per_class)
    images = random.normal(120, 40, (len(labels), side, side, 3))
    images[labels == 0, :, :, 0] += 50
    images[labels == 1, :, ::2] += 60
    images[labels == 2, side // 2 :] += 50
    return LabelledImages(images=images.clip(0, 255).astype(np.uint8), labels=labels.astype(np.int64))


@pytest.fixture
def float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute in float32 on every machine: for comparisons finer than bfloat16's three digits."""
    monkeypatch.setattr(precision, "BFLOAT16_FEATURES", ())


@pytest.fixture(scope="session")
def pretrained() -> Backbone:
    return make_backbone()


@pytest.fixture(scope="session")
def without_batch_norm() -> Backbone:
    return make_backbone(batch_norm=False)


@pytest.fixture(scope="session")
def dataset() -> ImageDataset:
    return ImageDataset(
        name="handmade",
        title="Handmade",
        class_names=("red", "striped", "sunny"),
        train=make_part(17, seed=0),
        test=make_part(10, seed=1),
        fingerprint="handmade",
    )


Run = Callable[..., list[Event]]


@pytest.fixture
def run(dataset: ImageDataset, pretrained: Backbone) -> Run:
    """Drive a run on the small world to its end."""

    def drive(
        *, backbone: Backbone = pretrained, resume: dict | None = None, **settings: object
    ) -> list[Event]:
        config = FinetuneConfig(**{"image_size": 16, "batch_size": 8, "device": "cpu"} | settings)
        return list(finetune(config, dataset, resume=resume, backbone=backbone))

    return drive
