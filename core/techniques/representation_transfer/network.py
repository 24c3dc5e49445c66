"""A small network of five equal layers, and what is done with it: copying, freezing, stitching."""

from collections.abc import Callable, Iterator
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.backbones import stages
from core.techniques.descent import descend

LayerKind = Literal["plain", "residual"]
LAYERS = 5
WIDTH = 16  # channels of every layer
POOLED = 2  # the layer behind which the map is halved; the first layer halves it by its stride
RATE, DECAY, BATCH = 3e-3, 1e-4, 48


class Layer(nn.Module):
    """One convolution: relu(H(x)), or relu(H(x) + x) where the network is residual; then perhaps half the size."""

    def __init__(self, channels: int, *, residual: bool, pooled: bool, stride: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, WIDTH, 3, stride=stride, padding=1)
        nn.init.kaiming_normal_(self.convolution.weight, nonlinearity="relu")
        nn.init.zeros_(self.convolution.bias)  # type: ignore[arg-type]
        self.residual, self.pooled = residual, pooled

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, WIDTH, h, w), or half of each side."""
        answer: Tensor = self.convolution(x)
        answer = (answer + x if self.residual else answer).relu()
        return functional.max_pool2d(answer, 2) if self.pooled else answer


class LayeredNetwork(nn.Module):
    """Pictures (B, 3, S, S), about -1 to 1 -> class scores (B, classes)."""

    def __init__(self, kind: LayerKind, classes: int, seed: int) -> None:
        super().__init__()
        with stages.seeded(seed):
            first = Layer(3, residual=False, pooled=False, stride=2)
            others = [
                Layer(WIDTH, residual=kind == "residual", pooled=place == POOLED)
                for place in range(1, LAYERS)
            ]
            self.layers = nn.ModuleList([first, *others])
            self.head = nn.Linear(WIDTH, classes)

    def bottom(self, pictures: Tensor, n: int) -> Tensor:
        """Run the first ``n`` layers."""
        for layer in self.layers[:n]:
            pictures = layer(pictures)
        return pictures

    def top(self, features: Tensor, n: int) -> Tensor:
        """Run what comes behind the first ``n`` layers, the classifier included."""
        for layer in self.layers[n:]:
            features = layer(features)
        pooled = functional.layer_norm(
            features.mean(dim=(2, 3)), (WIDTH,)
        )  # of one size, so that a head learns fast
        scores: Tensor = self.head(pooled)
        return scores

    def forward(self, pictures: Tensor) -> Tensor:
        """Compute class scores."""
        return self.top(pictures, 0)


def copy_layers(source: LayeredNetwork, target: LayeredNetwork, n: int) -> None:
    """Put the first ``n`` layers of ``source`` in the place of those of ``target``.

    Yosinski et al. 2014 (arXiv 1411.1792), section 2: the layers above stay random, and are trained on the target.
    """
    for copied, replaced in zip(source.layers[:n], target.layers[:n], strict=True):
        replaced.load_state_dict(copied.state_dict())


def train(
    network: LayeredNetwork, pictures: Tensor, labels: Tensor, *, frozen: int, epochs: int, seed: int
) -> Iterator[float]:
    """Train in place what stands behind the first ``frozen`` layers; yields the share done.

    ``pictures`` (N, 3, S, S). The frozen layers run once, since they are the same in every epoch.
    """
    with torch.no_grad():
        features = network.bottom(pictures, frozen)  # (N, C, h, w)

    def loss(some: Tensor) -> Tensor:
        return functional.cross_entropy(network.top(features[some], frozen), labels[some])

    learning = [*network.layers[frozen:].parameters(), *network.head.parameters()]
    optimiser = torch.optim.AdamW(learning, lr=RATE, weight_decay=DECAY)
    yield from descend(optimiser, loss, len(labels), batch=BATCH, epochs=epochs, seed=seed)


def stitch(
    bottom: LayeredNetwork,
    top: LayeredNetwork,
    n: int,
    pictures: Tensor,
    labels: Tensor,
    *,
    epochs: int,
    seed: int,
) -> nn.Conv2d:
    """Train one convolution of one pixel that leads from the first ``n`` layers of ``bottom`` into ``top``.

    Bansal et al. 2021 (arXiv 2106.07682), section 3: both networks stay as they are. If the stitched network answers
    well, the two had learned alike enough at this place.
    """
    with torch.no_grad():
        features = bottom.bottom(pictures, n)
    with stages.seeded(seed):
        joint = nn.Conv2d(WIDTH, WIDTH, 1)
    nn.init.dirac_(joint.weight)  # starts as the identity
    nn.init.zeros_(joint.bias)  # type: ignore[arg-type]

    def loss(some: Tensor) -> Tensor:
        scores = top.top(joint(features[some]), n)
        return functional.cross_entropy(scores, labels[some])

    optimiser = torch.optim.AdamW(joint.parameters(), lr=RATE, weight_decay=DECAY)
    for _ in descend(optimiser, loss, len(labels), batch=BATCH, epochs=epochs, seed=seed):
        pass
    return joint


def stitched(
    bottom: LayeredNetwork, joint: nn.Conv2d, top: LayeredNetwork, n: int
) -> Callable[[Tensor], Tensor]:
    """Put the first ``n`` layers of ``bottom``, the joint and the rest of ``top`` together."""
    return lambda pictures: top.top(joint(bottom.bottom(pictures, n)), n)
