"""The door for pretrained weights: here with the lab, downloaded, or from a file; nothing that runs code gets in."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from core import errors
from core.backbones import (
    catalogue,
    download,
    file_kinds,
    foreign,
    naming,
    packaged,
    reading,
    stages,
    timm_networks,
    values,
)
from core.backbones.backbone import Backbone
from core.events import OnProgress
from core.vision import torchvision

_IMAGENET_CLASSES = 1000


def load_pretrained(
    backbone: Backbone, source: str | Path = "pretrained", progress: OnProgress | None = None
) -> None:
    """Fill ``backbone``, whose head is still the original one, with pretrained weights.

    ``source`` is ``"pretrained"`` (what came with the lab, or a download of torchvision's or timm's, kept for the next
    time), or a local file of weights (safetensors, or what ``torch.save`` writes, whatever its name), or a folder that
    holds one. Every tensor of every stage must be there and fit; nothing is changed otherwise. A head for other
    classes, or none, leaves the head as it is: it is replaced by whoever fine-tunes. What was done with a file is
    noted in ``backbone.said``. ``progress`` is told of a download's bytes. Raises `WeightsError` and `DownloadError`.
    """
    if stages.has_new_head(backbone):
        raise errors.SettingsError("Load pretrained weights before the head is replaced.")
    if str(source) == "pretrained":
        fill(backbone, pretrained(backbone.name, progress), f"The weights of {backbone.name}")
        backbone.said = ()  # it is nobody's own file
        return
    path = file_in(Path(source))
    label = "".join(letter if letter.isprintable() else "?" for letter in path.name)
    with foreign.plain(path, label) as copy:
        table = reading.read(copy, label)
        values.check_learned(table.tensors, label)
        fill(backbone, table.tensors, label)
    backbone.said = (*_said_of_place(table.place, table.also), *backbone.said)


def pretrained(name: str, progress: OnProgress | None = None) -> dict[str, Tensor]:
    """Read the pretrained weights of the catalogue's ``name``, under the original network's names of its tensors.

    Raises `WeightsError` where what should have come with the lab is missing or altered, and `DownloadError`.
    """
    origin = catalogue.entry(name).origin
    if origin == "own":
        return read(built_in_weights_path())
    if origin == "package":
        names = [theirs for theirs in stages.original_names(name) if not theirs.endswith(catalogue.COUNTER)]
        return packaged.read(name, names)
    path = downloaded(name, progress)
    return timm_networks.state(name, str(path)) if origin == "timm" else read(path)


def built_in_weights_path() -> Path:
    """Where the built-in backbone's weights stand; `WeightsError` if this copy of the lab lacks them."""
    path = catalogue.built_in("tiny_resnet18.safetensors")
    if not path.is_file():
        raise errors.WeightsError(
            "The built-in weights are missing from this copy of the lab; get a complete copy, or train them with "
            "tools/pretrain_backbone.py."
        )
    return path


def downloaded(name: str, progress: OnProgress | None = None) -> Path:
    """Fetch the weights of ``name`` once, into torch's own cache, checking their hash; raises `DownloadError`.

    torchvision's have it in their name, and of timm's the server states it.
    """
    if catalogue.is_timm(name):
        url = timm_networks.address(name)
        return download.fetch(url, _timm_folder(name), progress, hash_in_name=False)
    return download.fetch(_torchvision_weights(name).url, _download_folder(), progress)


def are_here(name: str) -> bool:
    """Whether the pretrained weights of ``name`` can be read without a download."""
    origin = catalogue.entry(name).origin
    if origin == "own":
        return True
    if origin == "package":
        return packaged.path_of(name) is not None
    if origin == "timm":
        return download.here("model.safetensors", _timm_folder(name), hash_in_name=False) is not None
    return download.here(_torchvision_weights(name).url, _download_folder()) is not None


def content_sha256(name: str) -> str:
    """SHA-256 of the file that the pretrained weights of ``name`` are read from."""
    origin = catalogue.entry(name).origin
    if origin == "package":
        return packaged.PACKAGED[name].sha256  # checked whenever it is read
    path = built_in_weights_path() if origin == "own" else downloaded(name)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _download_folder() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"


def _timm_folder(name: str) -> Path:
    return _download_folder() / "timm" / name.removeprefix(catalogue.TIMM_PREFIX)


def source_class_names(entry: catalogue.BackboneEntry) -> tuple[str, ...]:
    """Name the classes of the source task, in the order of the original head's outputs; none if they have no names."""
    if entry.origin == "timm" and entry.source_classes != _IMAGENET_CLASSES:
        return timm_networks.class_names(entry.name)
    if entry.name != catalogue.BUILT_IN:
        known = (
            entry.name if entry.origin == "torchvision" else "resnet18"
        )  # the same 1,000, in the same order
        return tuple(_torchvision_weights(known).meta["categories"])
    rows = json.loads(catalogue.built_in("classes.json").read_text(encoding="utf-8"))
    return tuple(row["name"] for row in rows)


def _torchvision_weights(name: str) -> torchvision.models.Weights:
    return torchvision.models.get_model_weights(name)[catalogue.TORCHVISION_WEIGHTS].value


def file_in(path: Path) -> Path:
    """Return ``path``, or the one weights file in it if it is a folder; raises `WeightsError`."""
    try:
        if path.is_file():
            return path
        if not path.exists():
            raise errors.WeightsError(f"There is no file or folder {path}.")
        if not path.is_dir():
            raise errors.WeightsError(f"{path} is a device or a pipe; choose a .safetensors or a .pth file.")
        found = sorted(
            file
            for file in path.iterdir()
            if file.name.lower().endswith(file_kinds.SUFFIXES) and file.is_file()
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise errors.WeightsError(f"The weights {str(path)[:200]} cannot be read: {reason}.") from error
    preferred = [file for file in found if file.suffix.lower() == ".safetensors"] or found
    if not preferred:
        raise errors.WeightsError(f"The folder {path} holds no .safetensors or .pth file.")
    if len(preferred) > 1:
        names = ", ".join(f.name for f in preferred)
        raise errors.WeightsError(
            f"The folder {path} holds several weights files ({names}); name one of them."
        )
    return preferred[0]


def read(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a file that comes from us or, with its hash checked, from torchvision."""
    return reading.read(path, path.name).tensors


def said(path: Path, network: str, label: str) -> tuple[str, ...]:
    """Tell, from the header of a plain file, how it fills ``network``; a `WeightsError` where it does not."""
    header = reading.header(path, label)
    return (*_said_of_place(header.place, header.also), *naming.fit(header.tensors, network, label).said)


def _said_of_place(place: str, also: str) -> list[str]:
    if not place:
        return []
    more = f"; it also holds '{also}', which was left out" if also else ""
    return [f"The weights were taken from '{place}' in the file{more}."]


@torch.no_grad()
def fill(backbone: Backbone, state: Mapping[str, Tensor], label: str) -> None:
    """Copy ``state`` (the original network's tensor names) into ``backbone``: all stages, or nothing.

    Raises `WeightsError` naming the first tensor that is missing, of another shape or kind, not finite or unknown.
    """
    found = naming.fit(naming.describe(state), backbone.name, label)
    own = backbone.state_dict()
    for theirs, ours in found.names.items():
        values.check(theirs, state[theirs], label)
        constant = not own[ours].is_floating_point() and not ours.endswith(catalogue.COUNTER)
        if (
            constant
            and not own[ours].is_meta
            and not torch.equal(own[ours], state[theirs].to(own[ours].dtype))
        ):
            raise errors.WeightsError(
                f"{label} does not fit {backbone.name}: tensor '{theirs}' belongs to another architecture."
            )
    for theirs, ours in found.names.items():
        own[ours].copy_(state[theirs])
    backbone.said = found.said
