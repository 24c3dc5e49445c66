import numpy as np
import pytest
import torch

from core.datasets.dataset import LabelledImages
from core.images.normalisation import IMAGENET
from core.training import precision
from core.training.cache import CachedFeatures
from core.training.memory import MicroBatch
from core.training.views import generator, views_of

CPU = torch.device("cpu")


def make(part, count, seed=0, size=16):
    return views_of(part, normalisation=IMAGENET, size=size, count=count, seed=seed, device=CPU)


def test_a_view_is_the_same_crop_in_every_batch_and_process(dataset):
    numbers = torch.tensor([5, 2, 9])
    first = make(dataset.train, 3).batch(numbers, 1)
    again = make(dataset.train, 3)
    again.batch(torch.arange(4), 2)  # other batches before it change nothing
    assert torch.equal(first, again.batch(numbers, 1))
    assert torch.equal(first[1], again.batch(torch.tensor([2]), 1)[0])
    assert not torch.equal(first, again.batch(numbers, 0))
    assert not torch.equal(first, make(dataset.train, 3, seed=1).batch(numbers, 1))


def test_epochs_take_turns_among_the_views(dataset):
    assert [make(dataset.train, 3).of_epoch(epoch) for epoch in range(5)] == [0, 1, 2, 0, 1]
    assert [make(dataset.train, 1).of_epoch(epoch) for epoch in range(3)] == [0, 0, 0]
    assert [make(dataset.train, 0).of_epoch(epoch) for epoch in range(3)] == [0, 1, 2]


def test_the_plain_view_is_the_normalised_image(dataset):
    images = make(dataset.train, 1, size=18).batch(torch.arange(5), 0)
    wanted = IMAGENET.apply(torch.from_numpy(dataset.train.images[:5]).permute(0, 3, 1, 2))
    assert torch.equal(images, wanted)
    assert images.is_contiguous(memory_format=torch.channels_last)


def test_fresh_crops_differ_in_every_epoch_and_are_repeatable(dataset):
    views = make(dataset.train, 0)
    numbers = torch.arange(6)
    epochs = [views.batch(numbers, views.of_epoch(epoch)) for epoch in range(3)]
    assert not torch.equal(epochs[0], epochs[1])
    assert not torch.equal(epochs[1], epochs[2])
    assert torch.equal(epochs[1], make(dataset.train, 0).batch(numbers, 1))


def test_arrays_that_torch_cannot_share_are_copied():
    images = np.zeros((4, 18, 18, 3), dtype=np.uint8)
    images.flags.writeable = False
    part = LabelledImages(images=images, labels=np.arange(8)[::2])
    assert len(make(part, 1)) == 4
    assert make(part, 1).labels.tolist() == [0, 2, 4, 6]


@pytest.mark.parametrize("size", [64, 224])
@pytest.mark.parametrize("count", [1, 4, 0], ids=["plain", "four views", "fresh crops"])
@pytest.mark.parametrize("decoded", ["as large", "larger"])
def test_pictures_are_the_same_inside_autocast_and_outside(size, count, decoded):
    side = size if decoded == "as large" else size + 9
    images = np.random.default_rng(0).integers(0, 256, (6, side, side, 3), dtype=np.uint8)
    views = make(LabelledImages(images=images, labels=np.arange(6) % 2), count, size=size)
    numbers = torch.tensor([4, 1, 5])
    outside = [views.batch(numbers, view) for view in range(2)]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = [views.batch(numbers, view) for view in range(2)]
    assert inside[0].dtype == torch.float32
    assert all(torch.equal(*pair) for pair in zip(inside, outside, strict=True))


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("cached", [False, True])
def test_frozen_stages_see_the_pictures_that_the_views_make(pretrained, dataset, depth, cached, monkeypatch):
    """Their forward pass runs inside autocast, where bfloat16 is fast; what enters the first one must not."""
    monkeypatch.setattr(precision, "autocast_type", lambda device: torch.bfloat16)
    views = make(dataset.train, 4)
    seen: list[torch.Tensor] = []
    hook = pretrained.stages["s0"].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))
    features = CachedFeatures(
        pretrained, views, depth=depth, micro=MicroBatch(size=len(views), smallest=1), cached=cached
    )
    numbers = torch.arange(len(views))
    if cached:
        list(features.fill(2))
    features.batch(numbers, 2)
    hook.remove()
    assert torch.equal(seen[0], views.batch(numbers, 2))


@pytest.mark.parametrize("other", [(1, "crops", 0), (0, "order", 0), (0, "crops", 1)])
def test_generators_differ_in_every_part_of_their_key(other):
    same, same_again, different = (
        torch.rand(4, generator=generator(*key)) for key in [(0, "crops", 0), (0, "crops", 0), other]
    )
    assert torch.equal(same, same_again)
    assert not torch.equal(same, different)
