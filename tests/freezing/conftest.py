import pytest
import torch
from torch import nn

from core.backbones.backbone import Backbone, Stage


def _stage(name: str, channels_in: int, channels_out: int) -> Stage:
    module = nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
        nn.Dropout(0.5),
    )
    return Stage(name=name, module=module, channels=channels_out, reduction=1)


@pytest.fixture
def backbone() -> Backbone:
    """Three small stages with BatchNorm and dropout, a neck with weights of its own, and a linear head."""
    torch.manual_seed(0)
    neck = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(1), nn.LayerNorm(6))
    return Backbone(
        name="toy",
        stages=(_stage("stem", 3, 4), _stage("middle", 4, 5), _stage("last", 5, 6)),
        neck=neck,
        feature_size=6,
        head=nn.Sequential(neck, nn.Linear(6, 2)),
    )
