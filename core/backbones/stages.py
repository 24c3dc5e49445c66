"""Building a backbone: the original network, taken apart into named stages, and new heads for it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Literal

import torch
from torch import Tensor, nn

from core import errors
from core.backbones import catalogue, timm_networks
from core.backbones.backbone import Backbone
from core.backbones.families import FAMILIES
from core.backbones.tiny_resnet import TinyResNet18
from core.images.normalisation import IMAGENET, Normalisation
from core.vision import torchvision


def build(name: str, *, classes: int | None = None, seed: int = 0) -> Backbone:
    """Build the catalogue's ``name`` with seeded random weights; the global random state stays as it was.

    ``classes=None`` keeps the original head (as many outputs as the source task has classes), which is what
    pretrained weights are loaded into; a number puts a new linear head in its place. Raises `SettingsError`.
    """
    if not catalogue.is_timm(name):
        errors.one_of("backbone", name, [*catalogue.NAMES, "any timm:NAME"])
    with seeded(seed):
        backbone = compose(name, original(name))
    if classes is not None:
        new_head(backbone, classes, seed=seed)
    return backbone


def new_head(
    backbone: Backbone,
    classes: int,
    *,
    kind: Literal["linear", "mlp"] = "linear",
    width: int = 256,
    dropout: float = 0.5,
    seed: int,
) -> None:
    """Replace the head by ``Sequential(neck, …)`` with ``classes`` outputs and a seeded initialisation.

    ``"linear"`` is one linear layer; ``"mlp"`` is the "Dense 256" lesson: linear, ReLU, dropout, linear.
    Raises `SettingsError`.
    """
    errors.one_of("head", kind, ("linear", "mlp"))
    if classes < 2:
        raise errors.SettingsError(f"A classifier needs at least two classes; {classes} was asked for.")
    place = next(backbone.parameters())
    size = backbone.feature_size
    with seeded(seed):
        layers: list[nn.Module]
        if kind == "linear":
            layers = [nn.Linear(size, classes)]
        else:
            layers = [nn.Linear(size, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, classes)]
    head = nn.Sequential(backbone.neck, *layers).to(device=place.device, dtype=place.dtype)
    backbone.head = head.train(backbone.training)


def compose(name: str, network: nn.Module) -> Backbone:
    """Take the original ``network``, called ``name``, apart into a backbone made of its own modules.

    Raises `SettingsError` for a network of timm's that cannot be.
    """
    if catalogue.is_timm(name):
        return timm_networks.compose(name, network)
    return FAMILIES[name](name, network)


def original(name: str) -> nn.Module:
    """Build the network itself, as its library defines it, with random weights from the global generator.

    Raises `SettingsError` for a name that timm does not know.
    """
    if catalogue.is_timm(name):
        return timm_networks.original(name)
    if name == "tiny_resnet18":
        return TinyResNet18()
    if name.startswith("efficientnet_lite"):
        from core.vision import timm

        lite: nn.Module = timm.create_model(f"tf_{name}")
        return lite
    network: nn.Module = torchvision.models.get_model(name, weights=None)
    return network


def normalisation(name: str) -> Normalisation:
    """How the network ``name`` wants its input scaled; ImageNet's way for one that the catalogue does not know."""
    entry = catalogue.known(name)
    if entry is None:
        return IMAGENET
    return Normalisation(mean=entry.mean, std=entry.std, source=entry.normalisation_source)


def outline(name: str) -> nn.Module:
    """Build the original network on torch's "meta" device: shapes and names without memory."""
    if catalogue.is_timm(name):
        with seeded(0):
            return timm_networks.outline(name)
    # RegNet's constructor computes its widths with tensors, which "meta" cannot; it is small enough to build.
    device = "cpu" if name == "regnet_y_400mf" else "meta"
    with seeded(0), torch.device(device):
        network = original(name)
    return network.to("meta")


def original_names(name: str) -> dict[str, str]:
    """Map the original network's tensor names to the backbone's, in the original's order."""
    return dict(_original_names(name))


@cache
def _original_names(name: str) -> tuple[tuple[str, str], ...]:
    network = outline(name)
    return tuple(matched_names(network, compose(name, network)).items())


def matched_names(network: nn.Module, backbone: Backbone) -> dict[str, str]:
    """Map the tensor names of ``network`` to those of ``backbone``, made of its modules, by the tensors' identity."""
    ours = {id(tensor): name for name, tensor in backbone.state_dict(keep_vars=True).items()}
    return {name: ours[id(tensor)] for name, tensor in network.state_dict(keep_vars=True).items()}


def original_outline(name: str) -> dict[str, Tensor]:
    """Give the original network's tensors by name, on the "meta" device: shapes and types without numbers."""
    return dict(_original_outline(name))


@cache
def _original_outline(name: str) -> tuple[tuple[str, Tensor], ...]:
    return tuple(outline(name).state_dict().items())


def to_state(backbone: Backbone) -> dict[str, Tensor]:
    """Copy all weights to the CPU, contiguous, under the original network's names.

    A head put there by `new_head` keeps its own names (``head.1.weight``, …).
    """
    names = {ours: theirs for theirs, ours in original_names(backbone.name).items()}
    if has_new_head(backbone):
        names = {ours: theirs for ours, theirs in names.items() if not ours.startswith("head.")}
    return {
        names.get(key, key): tensor.detach().to("cpu", copy=True).contiguous()
        for key, tensor in backbone.state_dict().items()
    }


def has_new_head(backbone: Backbone) -> bool:
    """Say whether the original head was replaced."""
    shapes = {key: tuple(tensor.shape) for key, tensor in backbone.head.state_dict().items()}
    return shapes != _original_head(backbone.name)


@cache
def _original_head(name: str) -> dict[str, tuple[int, ...]]:
    head = compose(name, outline(name)).head
    return {key: tuple(tensor.shape) for key, tensor in head.state_dict().items()}


_generator = threading.RLock()  # all threads of the process draw from one generator


@contextmanager
def seeded(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Draw from the CPU's generator at ``seed``, one thread at a time, then put it back as it was.

    The same with the generator of ``device`` where that is a GPU.
    """
    gpus = []
    if device is not None and device.type == "cuda":
        gpus = [torch.cuda.current_device() if device.index is None else device.index]
    with _generator, torch.random.fork_rng(devices=gpus):
        # Not torch.manual_seed: it would also reseed other GPUs' generators, which are not put back.
        torch.default_generator.manual_seed(seed)
        for gpu in gpus:
            torch.cuda.default_generators[gpu].manual_seed(seed)
        yield
