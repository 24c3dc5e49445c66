"""From a file's bytes to a table of tensors: nothing but tensors, and no more than a file of its size can hold.

Two defences, one behind the other: what a pickle would call is read off before torch sees it, and torch's own
unpickler is the restricted one (``weights_only``). Foreign files are read here only in a process of its own
(`foreign`), which bounds what the two let through.
"""

import contextlib
import pickle
import re
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import errors
from core.backbones import file_kinds, pickles
from core.words import megabytes

if TYPE_CHECKING:
    from torch import Tensor

MOST_HEADER_BYTES = 2_000_000  # of safetensors: names, shapes, places
_LONGEST_NAME = 500
_DEEPEST = 4  # tables in tables

# Where training programs put the network, the best first: torch's and Lightning's examples, torchvision's, timm's.
TABLES = (
    "state_dict",
    "model_state_dict",
    "model",
    "net",
    "network",
    "net_state_dict",
    "params",
    "weights",
    "model_ema",
    "state_dict_ema",
    "params_ema",
    "ema",
)
_ELSEWHERE = (
    "optim",
    "scheduler",
    "callbacks",
    "loops",
    "amp",
    "scaler",
)  # tables of tensors that are no network

# What follows a network as an average of it: of self-supervised training (MoCo's encoder_k, BYOL's target, DINO's
# teacher) and of timm's and torch's averages.
_AVERAGE = re.compile(r"(?:^|[._])(?:ema|swa|averaged|teacher|target|momentum|key|k)(?:[._]|$)")


@dataclass(frozen=True, kw_only=True)
class Described:
    """One tensor of a file, without its numbers; ``dtype`` as torch spells it, without "torch."."""

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a file says of its tensors, and where they were: see `TensorTable`."""

    tensors: dict[str, Described]
    place: str = ""
    also: str = ""


@dataclass(frozen=True, kw_only=True)
class TensorTable:
    """Tensors by name, and where in the file they were: ``place`` is "" at the top, ``also`` a second such table."""

    tensors: dict[str, "Tensor"]
    place: str = ""
    also: str = ""


def inspect(path: Path, label: str) -> file_kinds.FileKind:
    """Refuse what is no table of tensors by its form, without torch; else tell the form.

    Raises `WeightsError`, one sentence that begins with ``label``.
    """
    kind = file_kinds.kind_of(path, label)
    with _refusing(label):
        if kind == "safetensors":
            check_header(path, label)
        elif kind == "zip":
            pickles.check_archive(path, label)
        else:
            pickles.check_older(path, label)
    return kind


def read(path: Path, label: str) -> TensorTable:
    """Read safetensors, ``torch.save``'s ZIP or its older form, whatever the file's name; tensors lie on the CPU.

    Raises `WeightsError`, one sentence that begins with ``label``.
    """
    kind = inspect(path, label)
    with _refusing(label):
        return _from_safetensors(path, label) if kind == "safetensors" else _from_torch(path, label)


@contextlib.contextmanager
def _refusing(label: str) -> Iterator[None]:
    try:
        yield
    except errors.WeightsError:
        raise
    except MemoryError as error:
        raise errors.WeightsError(too_much(label)) from error
    except (
        Exception
    ) as error:  # what malformed bytes make of readers in C, Rust and Python is not to be listed
        raise errors.WeightsError(_reason(label, error)) from error


def too_much(label: str) -> str:
    """Say that a file wants more memory or time than one of its size needs."""
    return (
        f"{label} asks for more memory or time than a file of its size needs, so it was not opened; save only the "
        "state dict, best as .safetensors."
    )


def _reason(label: str, error: Exception) -> str:
    text = str(error).lower()
    if "can't allocate memory" in text or "not enough memory" in text or "cannot allocate memory" in text:
        return too_much(label)
    if isinstance(error, pickle.UnpicklingError) and "unsupported" not in text:
        return pickles.more_than_tensors(label)
    return file_kinds.damaged(label)


# --- safetensors -------------------------------------------------------------------------------------------


def check_header(path: Path, label: str) -> None:
    """Refuse a safetensors file whose header lists far more than any network has, before anything reads it."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if MOST_HEADER_BYTES < length < path.stat().st_size:
        raise errors.WeightsError(
            f"{label} has a header of {megabytes(length, 0)}, which lists more tensors than any network here has; "
            "save only the network's state dict."
        )


def _from_safetensors(path: Path, label: str) -> TensorTable:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        names = list(file.keys())
        _check_names(names, label)
        notes = file.metadata() or {}
        return TensorTable(
            tensors={name: file.get_tensor(name) for name in names},
            place=place_of(notes, "place"),
            also=place_of(notes, "also"),
        )


def header(path: Path, label: str) -> Header:
    """Read what a safetensors file says of its tensors, without their numbers; raises `WeightsError`."""
    from safetensors import safe_open

    with _refusing(label):
        check_header(path, label)
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            _check_names(names, label)
            notes = file.metadata() or {}
            parts = {name: file.get_slice(name) for name in names}
            return Header(
                tensors={
                    name: Described(shape=tuple(part.get_shape()), dtype=_spelled(part.get_dtype()))
                    for name, part in parts.items()
                },
                place=place_of(notes, "place"),
                also=place_of(notes, "also"),
            )


def _spelled(dtype: str) -> str:
    """Spell a type of safetensors as torch does: "BF16" is "bfloat16"."""
    words = re.fullmatch(r"(BF|F|I|U|C)(16|32|64|8)", dtype)
    kinds = {"BF": "bfloat", "F": "float", "I": "int", "U": "uint", "C": "complex"}
    return kinds[words[1]] + words[2] if words else dtype.lower()


def place_of(notes: Mapping[str, str], key: str) -> str:
    """Read what `foreign` noted of a table's place; nothing from what a stranger wrote there."""
    place = notes.get(key, "")
    return place if len(place) <= _LONGEST_NAME and place.replace(".", "_").isidentifier() else ""


def _check_names(names: Collection[str], label: str) -> None:
    count = len(names)
    if count > pickles.MOST_TENSORS:
        raise errors.WeightsError(
            f"{label} lists {count:,} tensors, more than any network here has; save only the network's state dict."
        )
    # They are shown to people, in terminals and on pages.
    if any(len(name) > _LONGEST_NAME or not name.isprintable() for name in names):
        raise errors.WeightsError(file_kinds.damaged(label))


# --- torch.save --------------------------------------------------------------------------------------------


class _Aside:
    """Stands, empty, where a training program kept something beside the weights."""

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, _: object) -> None:
        pass


def _table(*_: object) -> dict[Any, Any]:
    return {}


def _from_torch(path: Path, label: str) -> TensorTable:
    import torch

    aside: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
        (_table if name == pickles.TABLE_WITH_DEFAULT else _Aside, name) for name in pickles.BOOKKEEPING
    ]
    with warnings.catch_warnings(), torch.serialization.safe_globals(aside):
        warnings.simplefilter("ignore")  # about old forms of storages
        # Not by its name, which torch takes for the form where it ends in ".safetensors".
        with path.open("rb") as file:
            content = torch.load(file, map_location="cpu", weights_only=True)
    found = dict(_tables(content))
    if not found:
        if content == {}:
            return TensorTable(tensors={})
        raise errors.WeightsError(f"{label} holds no state dict: a table of tensors by name.")
    places = sorted(found, key=lambda place: _rank(place, found[place]))
    best = found[places[0]]
    _check_tensors(best, path.stat().st_size, label)
    return TensorTable(tensors=best, place=places[0], also=places[1] if len(places) > 1 else "")


def _tables(content: Any, place: str = "", depth: int = 0) -> Iterator[tuple[str, dict[str, "Tensor"]]]:
    """Find tables of tensors by name, and tables in tables: (place, tensors)."""
    from torch import Tensor

    if not isinstance(content, Mapping) or depth > _DEEPEST:
        return
    tensors = {
        key: value for key, value in content.items() if isinstance(key, str) and isinstance(value, Tensor)
    }
    if any(value.ndim for value in tensors.values()):
        yield place, tensors
    for key, value in content.items():
        if isinstance(key, str) and not key.lower().startswith(_ELSEWHERE):
            yield from _tables(value, f"{place}.{key}" if place else key, depth + 1)


def _rank(place: str, tensors: dict[str, "Tensor"]) -> tuple[int, bool, int]:
    """Order tables: those with a name that is known first, of the others what was trained, and the largest."""
    known = [TABLES.index(part) for part in place.split(".") if part in TABLES]
    size = sum(value.numel() for value in tensors.values())
    return (known[0] if known else len(TABLES), is_average(place), -size)


def is_average(name: str) -> bool:
    """Whether a table or a prefix is called as one that follows the trained network as an average of it."""
    return bool(_AVERAGE.search(name.lower()))


def _check_tensors(tensors: dict[str, "Tensor"], size: int, label: str) -> None:
    """Refuse what is larger than the file, and what has no values of its own."""
    import torch

    _check_names(tensors, label)
    for name, value in tensors.items():
        if value.is_quantized:
            raise errors.WeightsError(
                f"{label} holds {pickles.OTHER_TENSORS['torch._utils _rebuild_qtensor']}."
            )
        if value.layout != torch.strided:
            raise errors.WeightsError(
                f"{label} holds {pickles.OTHER_TENSORS['torch._utils _rebuild_sparse_tensor']}."
            )
        if value.device.type != "cpu":
            raise errors.WeightsError(f"{label} holds tensors without values: '{name}'.")
    # A tensor that two names share is stored once.
    largest = max((value.nbytes for value in tensors.values()), default=0)
    if largest > size or sum(value.nbytes for value in tensors.values()) > 2 * size:
        raise errors.WeightsError(too_much(label))
