"""Build the network, train it as the lab did, test it, and look at pictures.

This is the program of an exported script. Nothing runs it here: `script` takes its text, and that of all it calls.

What is only declared at the beginning is written by `script`, from the run.
"""

# ruff: noqa: F821 (the declared names get their values in the script)

import json
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.backbones.backbone import Backbone
from core.backbones.families import FAMILIES
from core.backbones.stages import matched_names, new_head, seeded
from core.backbones.timm_stages import Plan, Sides, prove, take_apart
from core.backbones.tiny_resnet import TinyResNet18
from core.freezing.apply import freeze
from core.images.normalisation import Normalisation
from core.images.to_rgb import PictureReading, read_square
from core.training.batch_norm import hold_statistics, recompute_statistics, trained_layers
from core.training.cache import Features
from core.training.config import STRATEGIES, FinetuneConfig
from core.training.logistic import Probe, fit, write
from core.training.optimisers import build_optimiser, set_rate
from core.training.probe import rows_of
from core.training.steps import Scores, add_gradients, class_scores, epoch_steps, measure
from core.training.strategies import (
    cacheable_depth,
    frozen_in_epoch,
    holds_statistics,
    is_probe,
    match_statistics,
)
from core.training.views import AugmentedViews, Views
from core.vision import timm, torchvision

HERE: Path  # the folder of the script and its files
DEVICE: torch.device
CLASSES: list[str]
STAGES: tuple[str, ...]
MEAN: tuple[float, float, float]
STD: tuple[float, float, float]
READING: dict[str, Any]
EPOCHS: int
SEGMENTS: list[int]
CHUNK: int
PREFIX_CHUNK: int
TIMM_NAME: str  # of the network, and how timm is asked for it
TIMM_OPTIONS: dict[str, Any]
timm_plan: Callable[[], tuple[Plan, Sides]]
config: FinetuneConfig

# Networks that torchvision does not hand out.
OTHERS = ("tiny_resnet18", "efficientnet_lite", "timm:")


def needs_start_file(config: FinetuneConfig) -> bool:
    """Whether training again reads start.safetensors: torchvision itself can fetch its own weights."""
    pretrained = STRATEGIES[config.strategy].pretrained or config.strategy == "scratch_statistics"
    return pretrained and (config.backbone.startswith(OTHERS) or config.weights != "pretrained")


def beside(name: str, *others: str) -> Path:
    """Find a file that belongs to this script beside it, or end with a sentence; ``others`` are patterns of its name.

    A browser calls a second download of the same name "name (1)"; of several that fit, the newest is taken.
    """
    if (HERE / name).is_file():
        return HERE / name
    found = [path for pattern in others for path in HERE.glob(pattern) if path.is_file()]
    if found:
        return max(found, key=lambda path: path.stat().st_mtime)
    wanted = " or ".join([name, *others])
    sys.exit(
        f"{wanted} is not beside this script, in {HERE}; download it there, or unpack the ZIP that has it all."
    )


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file: eight bytes of length, a JSON table of contents, then the numbers."""
    content = path.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    table = json.loads(content[8 : 8 + size])
    kinds = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64}
    tensors = {}
    for name, entry in table.items():
        if name != "__metadata__":
            begin, end = (8 + size + offset for offset in entry["data_offsets"])
            flat = torch.frombuffer(bytearray(content[begin:end]), dtype=kinds[entry["dtype"]])
            tensors[name] = flat.reshape(entry["shape"])
    return tensors


def own_name() -> str:
    """Name this script as its run is called: downloaded alone, its weights are called the same."""
    return Path(__file__).stem.partition("(")[0].rstrip()


def random_network() -> tuple[Backbone, dict[str, str]]:
    """Build the network with random weights; and say how tensors that files name are called here."""
    with seeded(config.seed):
        if config.backbone == "tiny_resnet18":
            network: nn.Module = TinyResNet18()
        elif config.backbone.startswith("efficientnet_lite"):
            network = timm.create_model(f"tf_{config.backbone}")
        elif config.backbone.startswith("timm:"):
            network = timm.create_model(TIMM_NAME, **TIMM_OPTIONS)
        else:
            network = torchvision.models.get_model(config.backbone, weights=None)
    if config.backbone.startswith("timm:"):
        plan, sides = timm_plan()
        backbone = take_apart(config.backbone, network, plan, sides)
        prove(backbone, network, sides)
    else:
        backbone = FAMILIES[config.backbone](config.backbone, network)
    return backbone, matched_names(network, backbone)


def give_head(backbone: Backbone) -> None:
    """Let a new head for this run's classes take the place of the old one."""
    new_head(
        backbone,
        len(CLASSES),
        kind=config.head,
        width=config.head_width,
        dropout=config.head_dropout,
        seed=config.seed,
    )
    backbone.to(DEVICE, memory_format=torch.channels_last)  # type: ignore[call-overload]


def finished_network() -> Backbone:
    """Load the network that the lab's run ended with."""
    backbone, names = random_network()
    give_head(backbone)
    tensors = read_tensors(beside("weights.safetensors", f"{own_name()}*.safetensors"))
    backbone.load_state_dict({names.get(name, name): tensor for name, tensor in tensors.items()})
    return backbone


def pretrained_network() -> Backbone:
    """Load the network that knows the source task, its old head included."""
    backbone, names = random_network()
    if needs_start_file(config):
        tensors = read_tensors(beside("start.safetensors"))
    else:
        tensors = torchvision.models.get_model(config.backbone, weights="DEFAULT").state_dict()
    backbone.load_state_dict({names[name]: tensor for name, tensor in tensors.items()}, strict=False)
    return backbone


def start_network() -> Backbone:
    """Build the network as training began."""
    if STRATEGIES[config.strategy].pretrained:
        backbone = pretrained_network()
    else:
        backbone, _ = random_network()
    if config.strategy == "scratch_statistics":
        match_statistics(backbone, pretrained_network(), seed=config.seed)
    give_head(backbone)
    return backbone


def read_part(name: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read images (N, side, side, 3) and labels (N,) of "train", "validation" or "test"."""
    with np.load(beside("data.npz")) as data:
        return data[f"{name}_images"], data[f"{name}_labels"]


def plain_views(images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Views:
    """Show images as they are."""
    assert config.image_size is not None
    normalisation = Normalisation(mean=MEAN, std=STD, source=config.backbone)
    return Views(images, labels, normalisation=normalisation, size=config.image_size, device=DEVICE)


def training_views() -> Views:
    """Show the training images as this run sees them."""
    assert config.image_size is not None
    assert config.views is not None
    if config.views == 1:
        return plain_views(*read_part("train"))
    return AugmentedViews(
        *read_part("train"),
        normalisation=Normalisation(mean=MEAN, std=STD, source=config.backbone),
        size=config.image_size,
        count=config.views,
        seed=config.seed,
        device=DEVICE,
    )


def solve_probe(backbone: Backbone) -> None:
    """Fit a linear classifier to the frozen network's features, and write it into the head."""
    views = plain_views(*read_part("train")) if config.views == 0 else training_views()
    backbone.eval()
    features, labels = rows_of(Features(backbone, views, depth=len(STAGES), size=CHUNK))
    *_, solution = fit(features, labels, images=len(views), seed=config.seed)
    assert isinstance(solution, Probe)
    assert isinstance(backbone.head, nn.Sequential)
    assert isinstance(backbone.head[-1], nn.Linear)
    write(solution, backbone.head[-1])


def train(backbone: Backbone) -> None:
    """Train all epochs, and keep the one that was best on the validation images."""
    images, validation = training_views(), plain_views(*read_part("validation"))
    optimiser = build_optimiser(config, backbone)
    best, kept = (-1.0, 0.0), {}
    for epoch in range(EPOCHS):
        # Anew before each epoch: testing puts all of the network into eval mode.
        frozen = frozen_in_epoch(config, epoch=epoch, names=STAGES, first_segment=SEGMENTS[0])
        freeze(backbone, frozen, batch_norm=config.batch_norm)
        if holds_statistics(config):
            hold_statistics(backbone)  # the solved head expects features that are normalised as before
        depth = cacheable_depth(config, frozen, STAGES)
        view = images.of_epoch(epoch)
        features = Features(backbone, images, depth=depth, size=PREFIX_CHUNK)
        for step, rate, numbers in epoch_steps(config, epoch=epoch, images=len(images), segments=SEGMENTS):
            set_rate(optimiser, rate)
            add_gradients(config, backbone, features, numbers, step=step, view=view, size=config.batch_size)
            optimiser.step()
        # BatchNorm's running averages lag behind in a short run.
        if config.statistics == "recomputed" and not holds_statistics(config):
            layers = trained_layers(backbone, frozen)
            recompute_statistics(backbone, layers, features, view, seed=config.seed, size=config.batch_size)
        scores = test(backbone, Features(backbone, validation, depth=depth, size=CHUNK))
        print(
            f"epoch {epoch + 1} of {EPOCHS}: right on {scores.accuracy:.1%} of the validation images",
            flush=True,
        )
        if (scores.accuracy, -scores.loss) > best:
            best = (scores.accuracy, -scores.loss)
            kept = {name: tensor.clone() for name, tensor in backbone.state_dict().items()}
    backbone.load_state_dict(kept)


def all_scores(backbone: Backbone, features: Features) -> Tensor:
    """Class scores (N, classes) of all images."""
    backbone.eval()
    chunks = torch.arange(len(features)).split(CHUNK)  # type: ignore[no-untyped-call]
    return torch.cat([class_scores(backbone, features, numbers) for numbers in chunks])


def test(backbone: Backbone, features: Features) -> Scores:
    """Measure loss and accuracy on all images."""
    return measure(all_scores(backbone, features), features.labels)


def look_at(backbone: Backbone, paths: list[str]) -> None:
    """Say what the network sees in the pictures at ``paths``."""
    assert config.image_size is not None
    for path in paths:
        try:
            pixels = read_square(
                Path(path).read_bytes(), config.image_size, PictureReading.from_json(READING)
            )
        except Exception as error:  # whatever a decoder raises
            print(f"{path}: cannot be read ({error})", file=sys.stderr)
            continue
        views = plain_views(pixels[None], np.zeros(1, dtype=np.int64))
        features = Features(backbone, views, depth=0, size=CHUNK)
        chances = all_scores(backbone, features)[0].softmax(0)
        best = int(chances.argmax())
        print(f"{path}: {CLASSES[best]} ({chances[best]:.1%})")


def main(arguments: list[str]) -> Backbone:
    """Do what the docstring of this file promises; return the network that was used."""
    if "--train" in arguments:
        backbone = start_network()
        if is_probe(config, len(STAGES)) or config.strategy == "lp_ft":
            solve_probe(backbone)
        if not is_probe(config, len(STAGES)):
            train(backbone)
    else:
        backbone = finished_network()
    paths = [word for word in arguments if word != "--train"]
    if paths:
        look_at(backbone, paths)
    else:
        scores = test(backbone, Features(backbone, plain_views(*read_part("test")), depth=0, size=CHUNK))
        print(f"test accuracy {scores.accuracy:.4f}")
    return backbone


if __name__ == "__main__":
    network = main(sys.argv[1:])
