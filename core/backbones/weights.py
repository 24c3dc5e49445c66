"""The door for pretrained weights: built in, downloaded, or from a file; nothing that runs code gets in."""

import json
import pickle
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from core import errors
from core.backbones import catalogue, download, stages
from core.backbones.backbone import Backbone
from core.vision import torchvision

Progress = Callable[[int, int], None]  # bytes so far, bytes in all

SAFETENSORS = (".safetensors",)
PICKLES = (".pth", ".pt", ".bin")

# Names that torchvision's own loaders also translate, since its older files still carry them: in
# densenet._load_state_dict and in vision_transformer.MLPBlock._load_from_state_dict.
_OLDER_NAMES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\."), r"\1\2."),
    (re.compile(r"(encoder_layer_\d+\.mlp)\.linear_1\."), r"\1.0."),
    (re.compile(r"(encoder_layer_\d+\.mlp)\.linear_2\."), r"\1.3."),
)


def load_pretrained(
    backbone: Backbone, source: str | Path = "pretrained", progress: Progress | None = None
) -> None:
    """Fill ``backbone``, whose head is still the original one, with pretrained weights.

    ``source`` is ``"pretrained"`` (the built-in weights, or torchvision's download, kept for the next time),
    or a local ``.safetensors`` or ``.pth`` file, or a folder that holds one. Every tensor must be there and
    fit; nothing is changed otherwise. Weights of a run of this lab (`stages.to_state` with a new head) fill
    the stages and leave the head as it is. ``progress`` is told of a download's bytes.
    Raises `WeightsError` and `DownloadError`.
    """
    if stages.has_new_head(backbone):
        raise errors.SettingsError("Load pretrained weights before the head is replaced.")
    if str(source) != "pretrained":
        path = _file_in(Path(source))
    elif backbone.name == catalogue.BUILT_IN:
        path = built_in_weights_path()
    else:
        path = downloaded(backbone.name, progress)
    fill(backbone, read(path), path.name)


def built_in_weights_path() -> Path:
    """Where the built-in backbone's weights stand; `WeightsError` if this copy of the lab lacks them."""
    path = catalogue.built_in("tiny_resnet18.safetensors")
    if not path.is_file():
        raise errors.WeightsError(
            "The built-in weights are missing from this copy of the lab; get a complete copy, or train them with "
            "tools/pretrain_backbone.py."
        )
    return path


def downloaded(name: str, progress: Progress | None = None) -> Path:
    """Fetch torchvision's weights of ``name`` once, into torch's own cache, checking the hash in its name."""
    return download.fetch(_torchvision_weights(name).url, _download_folder(), progress)


def are_here(name: str) -> bool:
    """Whether the pretrained weights of ``name`` can be read without a download."""
    if name == catalogue.BUILT_IN:
        return True
    url: str = _torchvision_weights(name).url
    return (_download_folder() / url.rsplit("/", 1)[-1]).is_file()


def _download_folder() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"


def source_class_names(entry: catalogue.BackboneEntry) -> tuple[str, ...]:
    """Name the classes of the source task, in the order of the original head's outputs."""
    if entry.name != catalogue.BUILT_IN:
        return tuple(_torchvision_weights(entry.name).meta["categories"])
    rows = json.loads(catalogue.built_in("classes.json").read_text(encoding="utf-8"))
    return tuple(row["name"] for row in rows)


def _torchvision_weights(name: str) -> torchvision.models.Weights:
    return torchvision.models.get_model_weights(name)[catalogue.TORCHVISION_WEIGHTS].value


def _file_in(path: Path) -> Path:
    """Return ``path``, or the one weights file in it if it is a folder."""
    if path.is_file():
        return path
    if not path.exists():
        raise errors.WeightsError(f"There is no file or folder {path}.")
    found = sorted(f for f in path.iterdir() if f.is_file() and f.suffix in SAFETENSORS + PICKLES)
    preferred = [f for f in found if f.suffix in SAFETENSORS] or found
    if not preferred:
        raise errors.WeightsError(f"The folder {path} holds no .safetensors or .pth file.")
    if len(preferred) > 1:
        names = ", ".join(f.name for f in preferred)
        raise errors.WeightsError(
            f"The folder {path} holds several weights files ({names}); name one of them."
        )
    return preferred[0]


def read(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a ``.safetensors``, ``.pth``, ``.pt`` or ``.bin`` file, on the CPU."""
    suffix = path.suffix.lower()
    if suffix in SAFETENSORS:
        try:
            with safe_open(path, framework="pt") as file:
                return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dictionary)
        except (SafetensorError, OSError, ValueError) as error:
            raise errors.WeightsError(_damaged(path)) from error
    if suffix in PICKLES:
        return _read_pickle(path)
    raise errors.WeightsError(f"{path.name} is neither a .safetensors nor a .pth file.")


def _damaged(path: Path) -> str:
    return f"{path.name} is cut short or damaged, or is no weights file; fetch or save it again."


def _read_pickle(path: Path) -> dict[str, Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # "Unsupported operand" means bytes that are no pickle; the refusals name a global, a class or a call.
        reason = str(error).rsplit("WeightsUnpickler error:", 1)[-1].lower()
        if re.search(r"\b(global|globals|class|reduce|instantiate|build)\b", reason):
            raise errors.WeightsError(
                f"{path.name} holds more than tensors: opening it could run code of its author, so it was not "
                "opened; save only the state dict, best as .safetensors."
            ) from error
        raise errors.WeightsError(_damaged(path)) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise errors.WeightsError(_damaged(path)) from error
    for wrapper in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise errors.WeightsError(f"{path.name} holds no state dict: a table of tensors by name.")
    state = {str(key): value for key, value in content.items()}
    if all(key.startswith("module.") for key in state):  # saved from a DataParallel wrapper
        state = {key.removeprefix("module."): value for key, value in state.items()}
    return state


@torch.no_grad()
def fill(backbone: Backbone, state: Mapping[str, Tensor], label: str) -> None:
    """Copy ``state`` (the original network's tensor names) into ``backbone``: all of it, or nothing.

    Raises `WeightsError` naming the first tensor that is missing, of another shape, not finite or unknown.
    """
    state = {_current_name(key): value for key, value in state.items()}
    names = stages.original_names(backbone.name)
    if any(key.startswith("head.") for key in state) and not any(
        ours.startswith("head.") and theirs in state for theirs, ours in names.items()
    ):
        # A network that this lab trained, with a head for other classes: its stages are what is wanted.
        state = {key: value for key, value in state.items() if not key.startswith("head.")}
        names = {theirs: ours for theirs, ours in names.items() if not ours.startswith("head.")}
    own = backbone.state_dict()
    for theirs, ours in names.items():
        if theirs in state:
            _check(theirs, state[theirs], own[ours], label, backbone.name)
        elif not theirs.endswith(catalogue.COUNTER):
            raise errors.WeightsError(
                f"{label} does not fit {backbone.name}: it has no tensor '{theirs}'{_looks_like(state)}."
            )
    extra = next((key for key in state if key not in names), None)
    if extra is not None:
        raise errors.WeightsError(
            f"{label} does not fit {backbone.name}: that network has no tensor '{extra}'{_looks_like(state)}."
        )
    for theirs, value in state.items():
        own[names[theirs]].copy_(value)


def _check(name: str, value: Tensor, wanted: Tensor, label: str, network: str) -> None:
    if value.shape != wanted.shape:
        raise errors.WeightsError(
            f"{label} does not fit {network}: tensor '{name}' has shape {tuple(value.shape)}, "
            f"but the network needs {tuple(wanted.shape)}."
        )
    if value.is_floating_point() and not bool(torch.isfinite(value).all()):
        raise errors.WeightsError(
            f"{label} cannot be used: tensor '{name}' holds values that are not finite numbers."
        )


def _current_name(key: str) -> str:
    for pattern, replacement in _OLDER_NAMES:
        key = pattern.sub(replacement, key)
    return key


def _looks_like(state: Mapping[str, Tensor]) -> str:
    """Say which network of the catalogue ``state`` belongs to, if it is one of them."""
    shapes = {key: tuple(value.shape) for key, value in state.items()}
    layout = catalogue.layout(shapes)
    match = next((entry.name for entry in catalogue.BACKBONES.values() if entry.layout == layout), None)
    return f"; it looks like {match}" if match else ""
