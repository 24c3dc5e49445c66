import threading

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from core import errors
from core.backbones import stages
from core.interpretation import specimen


def test_a_private_copy_has_modules_of_its_own_the_same_tensors_and_the_same_answers():
    one = specimen.random("tiny_resnet18")
    private = one.private_copy()
    shared = {id(module) for module in one.backbone.modules()}
    assert not shared & {id(module) for module in private.modules()}
    assert {id(p) for p in one.backbone.parameters()} == {id(p) for p in private.parameters()}
    images = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        assert torch.equal(private(images), one.backbone(images))
    assert not any(getattr(module, "inplace", False) for module in private.modules())
    assert any(getattr(module, "inplace", False) for module in one.backbone.modules())


def test_a_file_whose_head_is_for_other_classes_is_refused(tmp_path):
    backbone = stages.build("tiny_resnet18", classes=3, seed=1)
    save_file(stages.to_state(backbone), tmp_path / "run.safetensors")
    with pytest.raises(errors.WeightsError, match="classes of its own"):
        specimen.pretrained("tiny_resnet18", tmp_path / "run.safetensors")
    save_file(stages.to_state(stages.build("tiny_resnet18", seed=1)), tmp_path / "whole.safetensors")
    assert len(specimen.pretrained("tiny_resnet18", tmp_path / "whole.safetensors").class_names) == 200


def test_activations_are_laid_out_as_maps_whatever_the_stage_returns():
    assert specimen.as_map(torch.zeros(2, 5)).shape == (2, 5, 1, 1)
    tokens = torch.arange(2 * 10 * 3, dtype=torch.float32).reshape(2, 10, 3)
    maps = specimen.as_map(tokens)
    assert maps.shape == (2, 3, 3, 3)
    assert torch.equal(maps[1, :, 0, 1], tokens[1, 2])  # the second patch, behind the class token
    picture = np.zeros((16, 16, 3), dtype=np.uint8)
    assert specimen.activations(specimen.random("tiny_resnet18"), picture, "layer1").shape == (1, 32, 8, 8)


def test_networks_drawn_at_the_same_time_are_those_drawn_one_by_one():
    expected = [stages.build("tiny_resnet18", seed=seed).state_dict() for seed in range(4)]
    found = {}

    def draw(seed):
        found[seed] = stages.build("tiny_resnet18", seed=seed).state_dict()

    threads = [threading.Thread(target=draw, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, state in enumerate(expected):
        assert all(torch.equal(state[name], found[seed][name]) for name in state)
