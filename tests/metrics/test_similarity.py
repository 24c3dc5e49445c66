import numpy as np
import pytest
import torch
from scipy.stats import ortho_group
from torch import nn

from core.backbones.backbone import Backbone, Stage
from core.metrics.similarity import linear_cka, pool, pooled_features, stage_cka


@pytest.fixture
def features() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(60, 8)) + 3


def test_by_hand() -> None:
    # Centred x = (-1, 0, 1), y = (-1, 1, 0): (x.y)^2 / (x.x * y.y) = 1 / (2 * 2).
    assert linear_cka([[0.0], [1.0], [2.0]], [[0.0], [2.0], [1.0]]) == pytest.approx(0.25)
    # One feature against that one and an orthogonal one (1, -2, 1) of the same length:
    # x^T y = (2, 0), so 4 / (2 * sqrt(2^2 + 2^2)) = 1 / sqrt(2).
    x = np.array([-1.0, 0.0, 1.0])
    both = np.stack([x, np.array([1.0, -2.0, 1.0]) / np.sqrt(3)], axis=1)
    assert linear_cka(x[:, None], both) == pytest.approx(1 / np.sqrt(2))


@pytest.mark.parametrize("debiased", [False, True])
def test_invariant_to_rotation_shift_and_scale_alone(features: np.ndarray, debiased: bool) -> None:
    rotation = ortho_group.rvs(8, random_state=0)
    moved = 7 * features @ rotation - 2
    assert linear_cka(features, moved, debiased=debiased) == pytest.approx(1.0)
    stretched = features * np.array([30.0, 1, 1, 1, 1, 1, 1, 1])
    found = linear_cka(features, stretched, debiased=debiased)
    assert found is not None
    assert found < 0.9


def test_symmetric_and_the_same_by_both_routes(features: np.ndarray) -> None:
    other = np.random.default_rng(1).normal(size=(60, 500))  # more features than images: the other product
    expected = linear_cka(features, other)
    assert linear_cka(other, features) == pytest.approx(expected)
    x, y = features - features.mean(0), other - other.mean(0)
    by_definition = np.linalg.norm(y.T @ x) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))
    assert expected == pytest.approx(by_definition)


def test_unrelated_features_need_the_debiased_form_when_images_are_few() -> None:
    generator = np.random.default_rng(2)
    x, y = generator.normal(size=(50, 400)), generator.normal(size=(50, 400))
    plain, debiased = linear_cka(x, y), linear_cka(x, y, debiased=True)
    assert plain is not None
    assert debiased is not None
    assert plain > 0.8
    assert abs(debiased) < 0.05


def test_features_that_do_not_vary_have_no_similarity(features: np.ndarray) -> None:
    assert linear_cka(features, np.ones((60, 3))) is None


def test_features_of_other_images_are_refused(features: np.ndarray) -> None:
    with pytest.raises(ValueError, match="same images"):
        linear_cka(features, features[:10])
    with pytest.raises(ValueError, match="too few"):
        linear_cka(features[:3], features[:3], debiased=True)


def test_pooling_knows_maps_tokens_and_vectors() -> None:
    maps = torch.arange(24.0).reshape(1, 3, 2, 4)  # (B, C, H, W)
    expected = torch.tensor([[3.5, 11.5, 19.5]])
    assert torch.equal(pool(maps, 3), expected)
    assert torch.equal(pool(maps.permute(0, 2, 3, 1), 3), expected)
    assert torch.equal(pool(maps.flatten(2).transpose(1, 2), 3), expected)
    assert torch.equal(pool(expected, 3), expected)
    with pytest.raises(ValueError, match="7 channels"):
        pool(maps, 7)


def test_features_after_every_stage_and_the_modes_stay() -> None:
    torch.manual_seed(0)
    stages = (
        Stage(
            name="first",
            module=nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.ReLU(inplace=True)),
            channels=4,
            reduction=1,
        ),
        Stage(name="second", module=nn.Conv2d(4, 5, 1), channels=5, reduction=1),
    )
    network = Backbone(name="toy", stages=stages, neck=nn.Flatten(1), feature_size=5, head=nn.Linear(5, 2))
    network.train()
    network.stages["second"].eval()
    images = torch.randn(6, 3, 4, 4)
    found = pooled_features(network, images.split(4))
    assert {name: value.shape for name, value in found.items()} == {"first": (6, 4), "second": (6, 5)}
    assert network.stages["first"].training
    assert network.stages["first"][1].training
    assert not network.stages["second"].training
    assert network.stages["first"][1].num_batches_tracked == 0
    assert found["first"].min() >= 0  # a copy: what a later in-place layer does is not seen
    with torch.no_grad():
        network.stages["second"].weight.copy_(torch.randn(5, 4, 1, 1))
    moved = stage_cka(found, pooled_features(network, images.split(6)))
    assert moved["first"] == pytest.approx(1.0)
    assert moved["second"] is not None
    assert moved["second"] < 0.999
