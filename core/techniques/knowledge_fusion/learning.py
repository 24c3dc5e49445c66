"""The networks that are mixed: a probe on the built-in backbone, and what fine-tuning makes of it.

The stem and the first residual stage stay frozen everywhere, so they run once per picture. BatchNorm keeps the
pretrained statistics: then a mixture of two networks needs none of its own (Izmailov et al. 2018, arXiv 1803.05407,
measure them anew instead).
"""

import copy
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.arrays import Labels, Pixels
from core.backbones import stages
from core.interpretation.specimen import Specimen
from core.techniques.descent import descend
from core.techniques.knowledge_fusion.weights import FusedWeights
from core.training import probe

FROZEN = 2  # stages: the stem and layer1
EPOCHS, BATCH = 6, 32
RATE = 3e-4  # AdamW's for LP-FT, see core.training.config.STRATEGIES
DECAY = 1e-2

# Class scores (B, classes), what stood before (numbers of the images, (B,)) -> loss
Loss = Callable[[Tensor, Tensor], Tensor]


class FusedNetwork(nn.Module):
    """Everything behind the frozen stages: features (B, 32, h, w) -> class scores (B, classes)."""

    def __init__(self, specimen: Specimen) -> None:
        super().__init__()
        backbone = specimen.backbone
        rest = [stage.module for stage in backbone.table[FROZEN:]]
        self.body: nn.Module = copy.deepcopy(nn.Sequential(*rest, backbone.neck)).requires_grad_(True)
        self.head: nn.Module = nn.Identity()
        self.eval()

    def forward(self, features: Tensor) -> Tensor:
        """Compute class scores."""
        scores: Tensor = self.head(self.body(features))
        return scores

    def state(self) -> FusedWeights:
        """Copy all weights and BatchNorm's statistics, but not its counters."""
        return {
            name: tensor.detach().clone()
            for name, tensor in self.state_dict().items()
            if tensor.is_floating_point()
        }

    def filled(self, state: FusedWeights) -> "FusedNetwork":
        """Copy the network and put ``state`` into the copy."""
        other = copy.deepcopy(self)
        other.load_state_dict(state, strict=False)
        return other


@torch.no_grad()
def frozen_features(specimen: Specimen, pictures: Pixels) -> Tensor:
    """What the frozen stages make of pictures (N, S, S, 3): (N, 32, S / 2, S / 2)."""
    inputs = specimen.input(pictures)
    parts = torch.arange(len(inputs)).tensor_split(-(-len(inputs) // BATCH))
    return torch.cat([specimen.backbone.run_stages(inputs[part], stop=FROZEN) for part in parts])


@torch.no_grad()
def through(module: nn.Module, features: Tensor) -> Tensor:
    """Run ``module`` on features (N, …), some at a time."""
    parts = torch.arange(len(features)).tensor_split(-(-len(features) // (2 * BATCH)))
    return torch.cat([module(features[part]) for part in parts])


def solved_head(features: Tensor, labels: Labels, seed: int) -> Iterator[float | nn.Linear]:
    """Solve a linear classifier on pooled features (N, 256); yields the share done, and last the classifier."""
    with stages.seeded(seed):
        layer = nn.Linear(features.shape[1], len(np.unique(labels)))
    for event in probe.fit(features.double().numpy(), labels, images=len(labels), seed=seed):
        if isinstance(event, probe.Probe):
            probe.write(event, layer)
        else:
            yield event[0] / event[1]
    yield layer


def fine_tune(
    network: FusedNetwork,
    features: Tensor,
    labels: Tensor,
    *,
    factor: float,
    seed: int,
    loss: Loss | None = None,
) -> Iterator[float]:
    """Train ``network`` in place on features (N, 32, h, w) and labels (N,); yields the share done.

    ``factor`` multiplies the learning rate. ``loss`` is cross-entropy where none is given.
    """

    def objective(some: Tensor) -> Tensor:
        scores = network(features[some])
        return functional.cross_entropy(scores, labels[some]) if loss is None else loss(scores, some)

    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE * factor, weight_decay=DECAY)
    yield from descend(optimiser, objective, len(features), batch=BATCH, epochs=EPOCHS, seed=seed)
