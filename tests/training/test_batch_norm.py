"""BatchNorm's statistics after training: averages over the training images, and nothing frozen moves."""

import copy

import pytest
import torch

from core.backbones import stages
from core.datasets.splits import split
from core.freezing.apply import freeze
from core.images.normalisation import IMAGENET
from core.training.batch_norm import recompute_statistics, trained_layers
from core.training.cache import CachedFeatures
from core.training.config import FinetuneConfig
from core.training.events import Finished
from core.training.memory import MicroBatch
from core.training.views import views_of

pytestmark = pytest.mark.usefixtures("float32")


def features_of(backbone, part, *, depth=0):
    views = views_of(part, normalisation=IMAGENET, size=16, device=torch.device("cpu"))
    features = CachedFeatures(backbone, views, depth=depth, micro=MicroBatch(size=8, smallest=1), cached=True)
    backbone.eval()
    if features.lacks(0):
        list(features.fill(0))
    return features


def recomputed(backbone, features, *, depth, size, learning="frozen"):
    frozen = [stage.name for stage in backbone.table][:depth]
    freeze(backbone, frozen, batch_norm=learning)
    recompute_statistics(backbone, trained_layers(backbone, frozen), features, 0, seed=0, size=size)
    return backbone


def test_statistics_are_those_of_all_training_images(pretrained, dataset):
    backbone = copy.deepcopy(pretrained)
    features = features_of(backbone, dataset.train)
    recomputed(backbone, features, depth=0, size=1000)
    inputs = features.batch(torch.arange(len(features)), 0)
    for stage in backbone.table:
        convolution, norm, relu = stage.module
        found = convolution(inputs)  # (N, C, h, w)
        assert torch.allclose(norm.running_mean, found.mean(dim=(0, 2, 3)), atol=1e-3)
        assert torch.allclose(norm.running_var, found.var(dim=(0, 2, 3)), rtol=1e-2)
        # Eval mode differs from training mode by dividing by the unbiased variance alone.
        inputs = relu(norm(found))
    assert not backbone.training
    assert backbone.stages["s0"][1].momentum == 0.1


def test_batches_are_averaged(pretrained, dataset):
    whole, parts = (copy.deepcopy(pretrained) for _ in range(2))
    recomputed(whole, features_of(whole, dataset.train), depth=0, size=1000)
    recomputed(parts, features_of(parts, dataset.train), depth=0, size=8)
    first, again = whole.stages["s0"][1], parts.stages["s0"][1]  # later ones see what batches normalised
    assert torch.allclose(first.running_mean, again.running_mean, atol=0.02)
    assert torch.allclose(first.running_var, again.running_var, rtol=0.1)
    assert not torch.equal(first.running_mean, again.running_mean)


@pytest.mark.parametrize("mode", ["frozen", "learning"])
def test_frozen_statistics_do_not_move(pretrained, dataset, mode):
    backbone = copy.deepcopy(pretrained)
    recomputed(backbone, features_of(backbone, dataset.train), depth=2, size=8, learning=mode)
    for name in ("s0", "s1"):
        for key, value in backbone.stages[name].state_dict().items():
            assert torch.equal(value, pretrained.stages[name].state_dict()[key]), (name, key)
    assert not torch.equal(backbone.stages["s2"][1].running_mean, pretrained.stages["s2"][1].running_mean)


def test_cached_features_give_the_same_statistics_as_pixels(pretrained, dataset):
    found = []
    for depth in (0, 2):
        backbone = copy.deepcopy(pretrained)
        found.append(recomputed(backbone, features_of(backbone, dataset.train, depth=depth), depth=2, size=8))
    pixels, cached = (backbone.stages["s2"][1].running_var for backbone in found)
    assert torch.allclose(pixels, cached, rtol=1e-5)


def test_a_network_without_batch_norm_stays_as_it_is(without_batch_norm, dataset):
    backbone = copy.deepcopy(without_batch_norm)
    recomputed(backbone, features_of(backbone, dataset.train), depth=0, size=8)
    assert all(torch.equal(v, without_batch_norm.state_dict()[k]) for k, v in backbone.state_dict().items())


def test_a_short_run_from_scratch_is_tested_with_statistics_of_its_own(run, dataset):
    """Three steps leave 0.9³ = 73 % of "mean 0, variance 1" in the running averages."""
    settings = {"strategy": "scratch", "epochs": 1, "batch_size": 16}
    errors = {}
    for statistics in ("recomputed", "running"):
        finished = run(statistics=statistics, **settings)[-1]
        assert isinstance(finished, Finished)
        backbone = _filled(finished)
        part = split(dataset, per_class=None, seed=0).train
        inputs = features_of(backbone, part).batch(torch.arange(len(part)), 0)
        truth = backbone.stages["s0"][0](inputs).detach().var(dim=(0, 2, 3))
        errors[statistics] = float(((backbone.stages["s0"][1].running_var - truth).abs() / truth).max())
    assert errors["recomputed"] < 0.1 < errors["running"]


def _filled(finished):
    from tests.training.conftest import make_backbone

    backbone = make_backbone()
    stages.new_head(backbone, 3, seed=0)
    backbone.load_state_dict(finished.weights)
    return backbone.eval()


def test_a_run_that_was_stored_before_keeps_the_statistics_it_had():
    before = {"strategy": "full", "epochs": None}
    assert FinetuneConfig.from_json(before).statistics == "running"
    assert FinetuneConfig().statistics == "recomputed"
