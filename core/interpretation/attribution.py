"""Where does it look: Captum's attribution methods under one contract.

Every method explains the score of one class before the softmax, on a private copy of the network (see
`explainable`), with gradients asked of the picture only, so that a fully frozen network is explained like any
other. The baseline, where a method needs one, is the channel mean: 0 after normalisation.
"""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from captum.attr import (
    DeepLift,
    GuidedGradCam,
    IntegratedGradients,
    LayerConductance,
    LayerGradCam,
    Occlusion,
    Saliency,
)
from numpy.typing import NDArray
from torch import Tensor, nn

from core import errors
from core.backbones.backbone import Backbone
from core.images.samples import Box
from core.interpretation.completeness import Completeness, measure
from core.interpretation.deep_lift import RULES, multipliers
from core.interpretation.explainable import (
    check_stage,
    explainable,
    explainable_stages,
    guidable,
    map_layer,
)
from core.interpretation.specimen import Specimen, batch_size

# Captum tells that it hooks the network. It is the private copy's hooks, and they go with it.
warnings.filterwarnings("ignore", message="Setting forward, backward hooks and attributes")
warnings.filterwarnings("ignore", message="Setting backward hooks on ReLU activations")

STEPS = 20  # points on the way from the baseline to the picture, for the methods that integrate
WINDOW, STRIDE = 4, 8  # of occlusion: the image side divided by these

# Kinds of modules that a rule does not know, by the words that name them: timm has dozens of each.
_NOT_GUIDED = re.compile(r"GELU|SiLU|Swish|Hardswish|Hardsigmoid|Mish")
_WITHOUT_RULE = re.compile(
    r"Attention\d*$|SqueezeExcit|SEModule$|EcaModule$|GlobalResponseNorm$|(Layer|Group|Rms)Norm"
)


@dataclass(frozen=True, kw_only=True)
class Method:
    """One way to ask. ``staged``: it looks at one stage's map; ``passes``: pictures that it sends through.

    ``complete``: it promises that its parts add up to the difference to the baseline's score.

    ``run`` gets the network, normalised pictures (B, 3, S, S) that want gradients, the class and the stage's
    module; it returns Captum's tensor.
    """

    name: str
    title: str
    about: str
    citation: str
    staged: bool
    passes: int
    run: Callable[[Backbone, Tensor, int, nn.Module], Tensor]
    complete: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Attribution:
    """What a method answered: ``raw`` is Captum's tensor, ``values`` (h, w) the map to draw, summed over channels.

    ``values`` are signed, gold for and violet against; saliency has no sign. ``stage`` is None for the methods that
    look at the picture itself. ``completeness`` was measured where the method promises it.
    """

    method: str
    target: int
    stage: str | None
    raw: NDArray[np.float32]
    values: NDArray[np.float32]
    completeness: Completeness | None = None

    @property
    def silent(self) -> bool:
        """Whether the score does not react to the picture at all, so that there is nothing to draw."""
        return not self.values.any()


def window(side: int) -> tuple[int, int]:
    """Occlusion's window and stride in pixels, for pictures of ``side`` pixels."""
    return max(side // WINDOW, 1), max(side // STRIDE, 1)


def _grad_cam(network: Backbone, inputs: Tensor, target: int, layer: nn.Module) -> Tensor:
    answer: Tensor = LayerGradCam(network, layer).attribute(inputs, target=target)
    return answer


def _guided_grad_cam(network: Backbone, inputs: Tensor, target: int, layer: nn.Module) -> Tensor:
    with guidable(network):
        answer: Tensor = GuidedGradCam(network, layer).attribute(inputs, target=target)
    return answer


def _saliency(network: Backbone, inputs: Tensor, target: int, _layer: nn.Module) -> Tensor:
    answer: Tensor = Saliency(network).attribute(inputs, target=target, abs=True)
    return answer


def _integrated_gradients(network: Backbone, inputs: Tensor, target: int, _layer: nn.Module) -> Tensor:
    answer: Tensor = IntegratedGradients(network).attribute(
        inputs,
        baselines=0,
        target=target,
        n_steps=STEPS,
        internal_batch_size=max(batch_size(inputs.shape[-1]), len(inputs)),
    )
    return answer


def _deep_lift(network: Backbone, inputs: Tensor, target: int, _layer: nn.Module) -> Tensor:
    with multipliers(network):
        answer: Tensor = DeepLift(network).attribute(inputs, baselines=0, target=target)
    return answer


def _occlusion(network: Backbone, inputs: Tensor, target: int, _layer: nn.Module) -> Tensor:
    side, stride = window(inputs.shape[-1])
    answer: Tensor = Occlusion(network).attribute(
        inputs.detach(),
        sliding_window_shapes=(3, side, side),
        strides=(3, stride, stride),
        baselines=0,
        target=target,
        perturbations_per_eval=max(1, batch_size(inputs.shape[-1]) // len(inputs)),
    )
    return answer


def _layer_conductance(network: Backbone, inputs: Tensor, target: int, layer: nn.Module) -> Tensor:
    answer: Tensor = LayerConductance(network, layer).attribute(
        inputs,
        baselines=0,
        target=target,
        n_steps=STEPS,
        internal_batch_size=max(batch_size(inputs.shape[-1]), 2 * len(inputs)),
    )
    return answer


_ENTRIES = (
    Method(
        name="grad_cam",
        title="Grad-CAM",
        about="Adds up the stage's channels, each weighted by how much the class's score rises with it.",
        citation="Selvaraju et al. 2017, arXiv 1610.02391; shown here with its sign",
        staged=True,
        passes=1,
        run=_grad_cam,
    ),
    Method(
        name="saliency",
        title="Saliency",
        about="How strongly the score would move if a pixel changed a little, up or down.",
        citation="Simonyan et al. 2013, arXiv 1312.6034; sizes of the gradient summed over the colours",
        staged=False,
        passes=1,
        run=_saliency,
    ),
    Method(
        name="integrated_gradients",
        title="Integrated gradients",
        about=f"Fades the picture in from the mean colour in {STEPS} steps and adds up each pixel's part in the score.",
        citation="Sundararajan et al. 2017, arXiv 1703.01365",
        staged=False,
        passes=STEPS,
        run=_integrated_gradients,
        complete=True,
    ),
    Method(
        name="deep_lift",
        title="DeepLift",
        about="Shares out the difference to the mean-coloured picture among the pixels, layer by layer.",
        citation="Shrikumar et al. 2017, arXiv 1704.02685, rescale rule",
        staged=False,
        passes=2,
        run=_deep_lift,
        complete=True,
    ),
    Method(
        name="occlusion",
        title="Occlusion",
        about="Covers one square after another with the mean colour and measures how far the score falls.",
        citation="Zeiler & Fergus 2014, arXiv 1311.2901",
        staged=False,
        passes=64,
        run=_occlusion,
    ),
    Method(
        name="guided_grad_cam",
        title="Guided Grad-CAM",
        about="Grad-CAM times a gradient that lets only positive parts through: sharp, but see the sanity check.",
        citation="Selvaraju et al. 2017, arXiv 1610.02391; Springenberg et al. 2014, arXiv 1412.6806",
        staged=True,
        passes=1,
        run=_guided_grad_cam,
    ),
    Method(
        name="layer_conductance",
        title="Layer conductance",
        about="Integrated gradients that flow through each position of the stage, summed over its channels.",
        citation="Dhamdhere et al. 2018, arXiv 1805.12233",
        staged=True,
        passes=STEPS,
        run=_layer_conductance,
        complete=True,
    ),
)

METHODS: dict[str, Method] = {entry.name: entry for entry in _ENTRIES}


def attribute(
    specimen: Specimen, picture: NDArray[np.uint8], *, method: str, target: int, stage: str | None = None
) -> Attribution:
    """Explain the score of class ``target`` for a picture (S, S, 3) uint8.

    ``stage`` is needed by the methods that look at one (None: `default_stage`), and ignored by the others.
    Raises `SettingsError` for a method, class or stage that is not there, or a stage without positions.
    """
    check(specimen, method=method, target=target)
    chosen = None
    if METHODS[method].staged:
        chosen = stage or default_stage(specimen)
        check_stage(specimen, chosen)
    inputs = specimen.input(picture)
    raw = explain(explainable(specimen), inputs, method=method, target=target, stage=chosen)
    return Attribution(
        method=method,
        target=target,
        stage=chosen,
        raw=raw.numpy(),
        values=as_values(raw),
        completeness=measure(specimen.backbone, inputs, raw, target) if METHODS[method].complete else None,
    )


def explain(network: Backbone, inputs: Tensor, *, method: str, target: int, stage: str | None) -> Tensor:
    """Captum's answer for an `explainable` network of your own and normalised pictures (B, 3, S, S)."""
    layer = map_layer(network, stage) if stage is not None else network
    wanting = inputs.detach().clone().requires_grad_()
    return METHODS[method].run(network, wanting, target, layer).detach()


def as_values(raw: Tensor) -> NDArray[np.float32]:
    """Sum Captum's tensor (1, C, h, w) over colours or channels: the map (h, w)."""
    values: NDArray[np.float32] = raw[0].sum(dim=0).numpy()
    return values


def check(specimen: Specimen, *, method: str, target: int) -> None:
    """Raise `SettingsError` for a method or class that is not there."""
    errors.one_of("method", method, METHODS)
    errors.within("target", target, 0, len(specimen.class_names) - 1)


def default_stage(specimen: Specimen) -> str:
    """The last stage that still is a map: its positions know most about the class."""
    return explainable_stages(specimen)[-1]


def caveat(specimen: Specimen, method: str) -> str | None:
    """What to know about a method on this network, whose layers its rules may not fit; None where all is well."""
    rule, kinds = {
        "guided_grad_cam": ("Guided backpropagation", _NOT_GUIDED),
        "deep_lift": ("DeepLift", _WITHOUT_RULE),
    }.get(method, ("", None))
    kinds_here = {type(module) for module in specimen.backbone.modules()}
    if method == "deep_lift":
        kinds_here -= RULES.keys()
    without_rule = sorted({kind.__name__ for kind in kinds_here if kinds and kinds.search(kind.__name__)})
    if not without_rule:
        return None
    names = " and ".join(without_rule)
    return f"This network uses {names}, for which {rule} has no rule: there it is the plain gradient."


def share_inside(values: NDArray[np.floating], box: Box) -> float | None:
    """Share (0-1) of a map's positive mass inside ``box``; None where nothing is positive.

    A cell of the map that the box cuts counts by the part of its area inside. The box's own area is what a map
    without any preference would score.
    """
    positive = np.clip(np.asarray(values, dtype=np.float64), 0, None)
    total = float(positive.sum())
    if total <= 0:
        return None
    left, top, right, bottom = box
    rows, columns = _covered(positive.shape[0], top, bottom), _covered(positive.shape[1], left, right)
    return float(rows @ positive @ columns / total)


def area(box: Box) -> float:
    """Share (0-1) of the picture that ``box`` covers."""
    return (box[2] - box[0]) * (box[3] - box[1])


def _covered(cells: int, low: float, high: float) -> NDArray[np.float64]:
    """How much of each of ``cells`` equal cells between 0 and 1 lies between ``low`` and ``high``."""
    edges = np.linspace(0, 1, cells + 1)
    parts: NDArray[np.float64] = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
    return parts.clip(0) * cells
