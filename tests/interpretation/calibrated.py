"""Networks whose activations are neither tiny nor huge, and how well a method's parts add up on them.

Weights of most networks are a download, and random ones leave a deep network almost linear, which hides every gap. So
weights are random and then *calibrated*: BatchNorm takes its statistics from pictures of noise, its scales and shifts
are drawn, and so are scales and heads that start at (almost) zero: activations then have the sizes of a trained
network's.
"""

import dataclasses

import numpy as np
import torch
from captum.attr import DeepLift
from torch import nn

from core.backbones import catalogue
from core.interpretation import specimen
from core.interpretation.attribution import attribute
from core.interpretation.completeness import Completeness, measure
from core.interpretation.explainable import explainable
from core.interpretation.specimen import Specimen
from core.vision import torchvision

SMALL = 64  # pixels, where the network takes any size


def calibrated(name: str, *, side: int | None = None, seed: int = 0) -> Specimen:
    """Build a network with random weights whose activations are neither tiny nor huge, for pictures of ``side``."""
    one = specimen.random(name, seed)
    network = one.backbone
    entry = catalogue.entry(name)
    side = entry.image_size if entry.fixed_size else max(side or SMALL, entry.smallest_size)
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.6, 1.4, generator=draw)
                module.bias.normal_(0, 0.3, generator=draw)
                module.reset_running_stats()
                module.momentum = None  # the average over all batches
            elif isinstance(module, torchvision.models.convnext.CNBlock):
                module.layer_scale.uniform_(0.1, 0.5, generator=draw)
            elif isinstance(module, nn.Linear) and not module.weight.any():
                module.weight.normal_(0, 0.05, generator=draw)
        network.train()
        for module in network.modules():
            if not isinstance(module, nn.BatchNorm2d):
                module.training = False
        if any(isinstance(module, nn.BatchNorm2d) for module in network.modules()):
            network(torch.randn(8, 3, side, side, generator=draw))
        network.eval()
    return dataclasses.replace(one, image_size=side)


def measured(one: Specimen, method: str, *, pictures: int, bare: bool = False) -> list[Completeness]:
    """Explain the class whose score changes most, of several pictures of smooth noise."""
    found = []
    for number in range(pictures):
        random = np.random.default_rng(number)
        coarse = random.integers(0, 256, (8, 8, 3)).astype(np.uint8)
        picture = np.kron(
            coarse, np.ones((one.image_size // 8 + 1, one.image_size // 8 + 1, 1), dtype=np.uint8)
        )
        picture = np.ascontiguousarray(picture[: one.image_size, : one.image_size])
        inputs = one.input(picture)
        with torch.no_grad():
            scores = one.backbone(torch.cat([inputs, torch.zeros_like(inputs)]))
        target = int((scores[0] - scores[1]).abs().argmax())
        if bare:
            wanting = inputs.clone().requires_grad_()
            raw = DeepLift(explainable(one)).attribute(wanting, baselines=0, target=target).detach()
            found.append(measure(one.backbone, inputs, raw, target))
        else:
            answer = attribute(one, picture, method=method, target=target).completeness
            assert answer is not None
            found.append(answer)
    return found
