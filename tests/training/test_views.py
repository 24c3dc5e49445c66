import numpy as np
import pytest
import torch

from core.datasets.dataset import LabelledImages
from core.images.normalisation import IMAGENET
from core.training.views import Views, generator

CPU = torch.device("cpu")


def make(part, count, seed=0, size=16):
    return Views(part, normalisation=IMAGENET, size=size, count=count, seed=seed, device=CPU)


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


@pytest.mark.parametrize("other", [(1, "crops", 0), (0, "order", 0), (0, "crops", 1)])
def test_generators_differ_in_every_part_of_their_key(other):
    same, same_again, different = (
        torch.rand(4, generator=generator(*key)) for key in [(0, "crops", 0), (0, "crops", 0), other]
    )
    assert torch.equal(same, same_again)
    assert not torch.equal(same, different)
