"""Does a map notice what the network has learned? The randomisation test of Adebayo et al. 2018 (arXiv 1810.03292).

The network forgets from the top: its head gets random weights, then its last stage, and so on down to the input. A
map that explains what was learned must change; one that stays the same shows the picture's edges, not the network.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from skimage.metrics import structural_similarity
from torch import nn

from core.backbones.stages import seeded
from core.interpretation import rendering
from core.interpretation.attribution import METHODS, as_values, check, default_stage, explain
from core.interpretation.explainable import check_stage, explainable
from core.interpretation.specimen import Specimen
from core.interpretation.trust import SanityStep

HEAD = "head"
COMPARED_SIDE = 64  # maps are compared by SSIM at this many pixels, since its window is 7 wide


def parts(specimen: Specimen) -> tuple[str, ...]:
    """What is randomised, in order: the head, then the stages from the last to the first."""
    return (HEAD, *reversed([stage.name for stage in specimen.backbone.table]))


def randomise(
    specimen: Specimen,
    control: Specimen,
    picture: NDArray[np.uint8],
    *,
    method: str,
    target: int,
    stage: str | None = None,
    seed: int = 0,
) -> Iterator[SanityStep]:
    """Yield the map as trained, then the map after each further part was given random weights.

    ``control`` is the same architecture with random weights, whose stages take the place of the trained ones. The
    head is drawn anew by PyTorch's default initialisation: some libraries start heads at zero, which says nothing.
    Raises `SettingsError` as `attribution.attribute`.
    """
    check(specimen, method=method, target=target)
    chosen = None
    if METHODS[method].staged:
        chosen = stage or default_stage(specimen)
        check_stage(specimen, chosen)
    inputs = specimen.input(picture)
    network, random = explainable(specimen), explainable(control)

    def map_now() -> NDArray[np.float32]:
        return as_values(explain(network, inputs, method=method, target=target, stage=chosen))

    first = map_now()
    yield SanityStep(part=None, values=first, rank=_rank(first, first), ssim=_ssim(first, first))
    for part in parts(specimen):
        if part == HEAD:
            forget(network.head, seed=seed)
        else:
            network.stages[part] = random.stages[part]
        values = map_now()
        yield SanityStep(part=part, values=values, rank=_rank(first, values), ssim=_ssim(first, values))


def forget(head: nn.Module, *, seed: int) -> None:
    """Give a private copy's head new random weights; the tensors that it shared are left as they were."""
    for module in head.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            setattr(module, name, nn.Parameter(parameter.detach().clone(), requires_grad=False))
    with seeded(seed):
        for module in head.modules():
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()


def _rank(first: NDArray[np.float32], values: NDArray[np.float32]) -> float | None:
    """Spearman's rank correlation of the magnitudes."""
    a, b = np.abs(first).ravel(), np.abs(values).ravel()
    if a.min() == a.max() or b.min() == b.max():
        return None
    return float(spearmanr(a, b).statistic)


def _ssim(first: NDArray[np.float32], values: NDArray[np.float32]) -> float | None:
    """Structural similarity of the magnitudes, each scaled to 0-1."""
    pair = [rendering.resized(np.abs(rendering.scaled(one)), COMPARED_SIDE) for one in (first, values)]
    if any(one.min() == one.max() for one in pair):
        return None
    similarity = structural_similarity(*pair, data_range=1.0)  # type: ignore[no-untyped-call]
    return float(similarity)
