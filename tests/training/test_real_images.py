"""Ants and bees through the built-in architecture with really pretrained weights."""

import numpy as np
import pytest
import torch

from core.datasets import own_images
from core.training.config import FinetuneConfig
from core.training.events import Finished
from core.training.run import finetune


@pytest.fixture(scope="module")
def ants_and_bees(shared_data):
    return own_images.from_zip(shared_data / "hymenoptera.zip", side=64)


@pytest.fixture(scope="module")
def settings(shared_weights):
    return {
        "weights": str(shared_weights / "tiny_resnet18-first-try.safetensors"),
        "device": "cpu",
        "batch_size": 16,
    }


def test_a_linear_probe_transfers_and_freezes_everything(ants_and_bees, settings):
    finished = list(
        finetune(FinetuneConfig(backbone="tiny_resnet18", strategy="linear_probe", **settings), ants_and_bees)
    )[-1]
    assert isinstance(finished, Finished)
    assert finished.test.accuracy.low > finished.test.chance
    assert all(row.parameters_identical and row.buffers_identical for row in finished.audit)
    assert all(row.frozen and row.relative_change == 0 and row.cka == 1 for row in finished.audit)


def test_cached_and_uncached_runs_are_equal_to_the_bit(ants_and_bees, settings):
    runs = [
        list(
            finetune(
                FinetuneConfig(
                    backbone="tiny_resnet18", per_class=8, epochs=2, views=2, cache=cache, **settings
                ),
                ants_and_bees,
            )
        )[-1]
        for cache in (True, False)
    ]
    assert np.array_equal(runs[0].scores, runs[1].scores)
    assert all(torch.equal(runs[0].weights[name], runs[1].weights[name]) for name in runs[0].weights)
