"""Is a map faithful? Take away, or bring in, what it calls important, and watch the network.

A map may look right to a person and still not say what the network used. Here the network itself is asked.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from captum.metrics import infidelity, sensitivity_max
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor

from core.interpretation import rendering
from core.interpretation.attribution import Attribution, explain
from core.interpretation.explainable import explainable
from core.interpretation.specimen import Specimen, batch_size
from core.interpretation.trust import FaithfulnessCurve, FaithfulnessCurves, Stability

STEPS = 16  # points of a curve after its first
CONTROLS = 3  # shuffled maps
BLUR = 10  # insertion starts from the picture blurred with sigma = side / BLUR
COVERS = 48  # perturbations of infidelity
COVER = 4  # each covers a square of side / COVER
SHAKES = 4  # perturbations of sensitivity
RADIUS = 0.02  # Captum's default: about one grey level of 255


@torch.inference_mode()
def curves(
    specimen: Specimen,
    picture: NDArray[np.uint8],
    attribution: Attribution,
    *,
    controls: int = CONTROLS,
    seed: int = 0,
) -> FaithfulnessCurves:
    """Deletion and insertion curves of a map for the picture (S, S, 3) uint8 that it explains.

    Petsiuk et al. 2018 (RISE, arXiv 1806.07421): deletion replaces the most important pixels first by the channel
    mean; insertion brings them first into a blurred picture. The control is the same map with its values shuffled
    over its positions, so that it takes away patches of the same size.
    """
    inputs = specimen.input(picture)  # (1, 3, S, S)
    side = inputs.shape[-1]
    blurred = torch.from_numpy(gaussian_filter(inputs.numpy(), (0, 0, side / BLUR, side / BLUR)))
    generator = np.random.default_rng(seed)
    shape = attribution.values.shape
    shuffled = (generator.permutation(attribution.values.ravel()).reshape(shape) for _ in range(controls))
    shares = np.linspace(0, 1, STEPS + 1)
    orders = [_ranks(values, side) for values in (attribution.values, *shuffled)]
    deleted, inserted = [], []
    for order in orders:
        gone = torch.from_numpy(order[None] < shares[:, None, None] * side**2)[:, None]  # (N, 1, S, S)
        deleted.append(_probabilities(specimen, torch.where(gone, 0.0, inputs), attribution.target))
        inserted.append(_probabilities(specimen, torch.where(gone, inputs, blurred), attribution.target))
    return FaithfulnessCurves(deletion=_curve(shares, deleted), insertion=_curve(shares, inserted))


def stability(
    specimen: Specimen,
    picture: NDArray[np.uint8],
    attribution: Attribution,
    *,
    covers: int = COVERS,
    shakes: int = SHAKES,
    seed: int = 0,
) -> Stability:
    """Measure a map by `captum.metrics`: infidelity and largest sensitivity (Yeh et al. 2019, arXiv 1901.09392).

    Infidelity covers ``covers`` random squares with the channel mean and compares the fall of the score with the
    map's sum over the square; a map over a stage is enlarged first. It is normalised, since maps differ in scale.
    """
    network, inputs = explainable(specimen), specimen.input(picture)
    side = inputs.shape[-1]
    spread = np.repeat(rendering.resized(attribution.values, side)[None, None] / 3, 3, axis=1)  # (1, 3, S, S)
    colours = torch.from_numpy(
        attribution.raw if attribution.raw.shape == tuple(inputs.shape) else spread.astype(np.float32)
    )
    measure = partial(
        infidelity,
        network,
        inputs=inputs,
        target=attribution.target,
        n_perturb_samples=covers,
        max_examples_per_batch=min(batch_size(side), covers),
    )

    def explained(pictures: Tensor | tuple[Tensor]) -> tuple[Tensor]:
        # Always a tuple: of a bare tensor, sensitivity_max would take the first axis for a tuple of inputs.
        batch = pictures[0] if isinstance(pictures, tuple) else pictures
        moved = explain(
            network, batch, method=attribution.method, target=attribution.target, stage=attribution.stage
        )
        return (moved.contiguous(),)

    with torch.no_grad():
        unexplained = measure(_cover(seed), attributions=colours, normalize=True)
        # A map that says nothing leaves exactly the score's own changes.
        changes = measure(_cover(seed), attributions=torch.zeros_like(colours))
    moved = sensitivity_max(
        explained,
        inputs,
        _shake(seed),
        perturb_radius=RADIUS,
        n_perturb_samples=shakes,
        max_examples_per_batch=1,
    )
    return Stability(
        infidelity=float(unexplained.item()),
        score_changes=float(changes.item()),
        sensitivity=float(moved.item()),
    )


def _ranks(values: NDArray[np.floating], side: int) -> NDArray[np.int64]:
    """Place of every pixel (side, side) when the map's largest value comes first; each cell goes as a block."""
    enlarged = rendering.resized(values, side, smooth=values.shape[0] < side)
    order = np.argsort(-enlarged.ravel(), kind="stable")
    ranks = np.empty_like(order)
    ranks[order] = np.arange(len(order))
    return ranks.reshape(side, side)


def _probabilities(specimen: Specimen, inputs: Tensor, target: int) -> NDArray[np.float64]:
    """Probability of the class for normalised pictures (N, 3, S, S): (N,)."""
    parts = torch.split(inputs, batch_size(inputs.shape[-1]))
    scores = torch.cat([specimen.backbone(part).float().softmax(dim=1)[:, target] for part in parts])
    return scores.double().numpy()


def _curve(shares: NDArray[np.float64], probabilities: list[NDArray[np.float64]]) -> FaithfulnessCurve:
    return FaithfulnessCurve(
        shares=shares, map=probabilities[0], shuffled=np.reshape(probabilities[1:], (-1, len(shares)))
    )


def _cover(seed: int) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """Cover one random square of each picture: where (1, else 0), and the pictures with it covered.

    The place, not the colours taken away: maps that include the picture's values are multiplied by 0 or 1
    (Captum's ``infidelity_perturb_func_decorator(multiply_by_inputs=True)``). Draws from a generator of its own:
    Captum's built-in perturbations use the process's, which threads share.
    """
    generator = torch.Generator().manual_seed(seed)

    def covered(pictures: Tensor) -> tuple[Tensor, Tensor]:
        side = pictures.shape[-1]
        square = max(side // COVER, 1)
        places = torch.zeros_like(pictures)
        corners = torch.randint(0, side - square + 1, (len(pictures), 2), generator=generator)
        for place, (top, left) in zip(places, corners.tolist(), strict=True):
            place[:, top : top + square, left : left + square] = 1
        return places, pictures * (1 - places)

    return covered


def _shake(seed: int) -> Callable[[Tensor, float], Tensor]:
    """Add noise, uniform within the radius, to every value."""
    generator = torch.Generator().manual_seed(seed)

    def shaken(pictures: Tensor | tuple[Tensor], radius: float) -> Tensor:
        batch = pictures[0] if isinstance(pictures, tuple) else pictures
        return batch + radius * (2 * torch.rand(batch.shape, generator=generator) - 1)

    return shaken
