"""Cached features equal computed ones bit for bit: in memory, on disk, and through a whole run."""

import numpy as np
import pytest
import torch

from core.backbones import stages
from core.events import Progress
from core.images.normalisation import IMAGENET
from core.training import cache
from core.training.cache import CachedFeatures, prefix, suffix
from core.training.events import EpochDone, Finished
from core.training.memory import MicroBatch
from core.training.views import views_of

CPU = torch.device("cpu")


@pytest.fixture
def views(dataset):
    return views_of(dataset.train, normalisation=IMAGENET, size=16, count=2, seed=0, device=CPU)


def features_of(backbone, views, *, depth, cached, limit=None, chunk=8):
    micro = MicroBatch(size=chunk, smallest=1)
    return CachedFeatures(backbone, views, depth=depth, micro=micro, cached=cached, memory_limit=limit)


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("limit", [None, 0], ids=["in memory", "on disk"])
def test_batches_from_the_cache_equal_computed_ones(pretrained, views, depth, limit):
    cached = features_of(pretrained, views, depth=depth, cached=True, limit=limit)
    computed = features_of(pretrained, views, depth=depth, cached=False)
    for view in (0, 1):
        assert cached.lacks(view)
        done = list(cached.fill(view))
        assert done[-1] == len(views)
        assert not cached.lacks(view)
        for numbers in torch.randperm(len(views), generator=torch.Generator().manual_seed(1)).tensor_split(7):
            found = cached.batch(numbers, view)
            wanted = computed.batch(numbers, view)
            assert torch.equal(found, wanted)
            assert found.stride() == wanted.stride()
    assert (cached.bytes_on_disk > 0) == (limit == 0)
    cached.close()
    assert cached.bytes_on_disk == 0


def test_features_computed_from_a_shallower_cache_equal_those_computed_from_pixels(pretrained, views):
    first = features_of(pretrained, views, depth=1, cached=True)
    list(first.fill(0))
    micro = MicroBatch(size=8, smallest=1)
    chained = CachedFeatures(pretrained, views, depth=3, micro=micro, cached=True, base=first)
    ran = []
    hook = pretrained.stages["s0"].register_forward_hook(lambda *_: ran.append(1))
    list(chained.fill(0))
    hook.remove()
    assert not ran
    numbers = torch.tensor([5, 0, 17, 3])
    wanted = features_of(pretrained, views, depth=3, cached=False).batch(numbers, 0)
    assert torch.equal(chained.batch(numbers, 0), wanted)
    some = cache.Some(chained, torch.tensor([2, 5, 0, 17, 3]))
    assert len(some) == 5
    assert torch.equal(some.batch(torch.tensor([1, 2, 3, 4]), 0), wanted)
    assert torch.equal(some.labels, views.labels[[2, 5, 0, 17, 3]])


def test_the_prefix_runs_once_per_image_and_view(pretrained, views):
    seen = []
    hook = pretrained.stages["s0"].register_forward_hook(lambda _, args, __: seen.append(len(args[0])))
    features = features_of(pretrained, views, depth=1, cached=True)
    for view in (0, 1):
        list(features.fill(view))
    once = sum(seen)
    for _ in range(5):
        features.batch(torch.arange(10), 0)
    hook.remove()
    assert sum(seen) == once < 2 * (len(views) + 8)  # the last chunk of each view is filled up


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_prefix_and_suffix_make_the_network(pretrained, views, depth):
    images = views.batch(torch.arange(6), 0)
    with torch.no_grad():
        whole = pretrained(images)
        parts = suffix(pretrained, prefix(pretrained, images, depth), depth)
    assert torch.equal(whole, parts)


@pytest.mark.parametrize("settings", [
    {"strategy": "freeze_to_depth", "freeze_depth": 1},
    {"strategy": "freeze_to_depth", "freeze_depth": 2, "head": "mlp", "mixup": 0.3},
    {"strategy": "freeze_to_depth", "freeze_depth": 3, "head": "mlp"},
    {"strategy": "gradual"},
], ids=["k=1", "k=2", "k=3", "gradual"])  # fmt: skip
@pytest.mark.parametrize("share", [0.4, 0.0], ids=["in memory", "on disk"])
def test_a_run_with_cache_equals_one_without(run, settings, share, monkeypatch):
    monkeypatch.setattr(cache, "MEMORY_SHARE", share)
    settings = {"epochs": 4, "views": 2, "batch_size": 16, "learning_rate": 5e-3} | settings
    with_cache, without = run(cache=True, **settings), run(cache=False, **settings)
    assert any(isinstance(event, Progress) and event.phase == "features" for event in with_cache)
    assert not any(isinstance(event, Progress) and event.phase == "features" for event in without)
    for a, b in zip(
        *([e for e in x if isinstance(e, EpochDone)] for x in (with_cache, without)), strict=True
    ):
        assert (a.train_loss, a.validation_loss) == (b.train_loss, b.validation_loss)
    a, b = with_cache[-1], without[-1]
    assert isinstance(a, Finished)
    assert np.array_equal(a.scores, b.scores)
    assert all(torch.equal(a.weights[name], b.weights[name]) for name in a.weights)


@pytest.mark.parametrize("name", ["tiny_resnet18", "mobilenet_v3_small", "vit_b_16"])
def test_real_architectures_give_equal_features_too(name, dataset):
    """Depth, position in the batch and size of the batch may change how libraries sum; the chunks do not."""
    backbone = stages.build(name).eval().to(memory_format=torch.channels_last)
    size = 224 if name == "vit_b_16" else 64
    part = dataset.train.subset(np.arange(0, len(dataset.train), 4 if name == "vit_b_16" else 1))
    views = views_of(part, normalisation=IMAGENET, size=size, count=1, seed=0, device=CPU)
    depth = 1 if name == "vit_b_16" else backbone.depth - 1
    cached = features_of(backbone, views, depth=depth, cached=True, chunk=8)
    list(cached.fill(0))
    computed = features_of(backbone, views, depth=depth, cached=False, chunk=8)
    for numbers in torch.randperm(len(part), generator=torch.Generator().manual_seed(0)).tensor_split(4):
        assert torch.equal(cached.batch(numbers, 0), computed.batch(numbers, 0))
