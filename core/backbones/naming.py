"""Whose tensors are these? A file's names and shapes beside those of a network of the catalogue.

Training programs put names in front ("module.", "model.", "backbone.", "_orig_mod."), replace heads, and add parts of
their own. Names and shapes alone decide here, so that a header suffices and no number has to be read.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from core import errors
from core.backbones import catalogue, reading, stages
from core.backbones.reading import Described
from core.words import count

# What the heads of fine-tuned networks are called, by this lab ("head.1.weight") and by others.
_HEADS = ("head", "heads", "fc", "classifier", "last_linear", "linear", "logits", "output")
FLOATS = ("float16", "bfloat16", "float32", "float64")
_INTEGERS = ("int64", "int32")

# Names that torchvision's own loaders also translate, since its older files still carry them: in
# densenet._load_state_dict and in vision_transformer.MLPBlock._load_from_state_dict.
_OLDER_NAMES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\."), r"\1\2."),
    (re.compile(r"(encoder_layer_\d+\.mlp)\.linear_1\."), r"\1.0."),
    (re.compile(r"(encoder_layer_\d+\.mlp)\.linear_2\."), r"\1.3."),
)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Which of a file's tensors fill a network: the file's name -> the backbone's; and what is said about it."""

    names: dict[str, str]
    has_head: bool  # False: only the stages are filled
    said: tuple[str, ...]


class _Misfit(Exception):
    """Why a file does not fit: a clause that goes on after "…: "."""


def describe(state: Mapping[str, Tensor]) -> dict[str, Described]:
    """Describe tensors at hand."""
    return {
        name: Described(shape=tuple(value.shape), dtype=str(value.dtype).removeprefix("torch."))
        for name, value in state.items()
    }


def fit(file: Mapping[str, Described], network: str, label: str) -> Fit:
    """Find the ``network`` of the catalogue among the tensors of a file, called ``label``.

    All tensors of all stages must be there, of their shapes, of floating-point numbers. The head may be another one or
    none. Raises `WeightsError` naming the first tensor that is missing, of another shape or kind, or unknown, and
    the network of the catalogue that the file does fit.
    """
    try:
        return _fit(file, network)
    except _Misfit as misfit:
        raise errors.WeightsError(
            f"{label} does not fit {network}: {misfit}{_looks_like(file, network)}."
        ) from None


def _looks_like(file: Mapping[str, Described], network: str) -> str:
    for name in catalogue.NAMES:
        if name != network:
            try:
                _fit(file, name)
            except _Misfit:
                continue
            return f"; it looks like {name}, so choose that network, or another file"
    return ""


def _fit(file: Mapping[str, Described], network: str) -> Fit:
    wanted = stages.original_names(network)  # theirs -> ours
    shapes = describe(stages.original_outline(network))
    body = {theirs for theirs, ours in wanted.items() if not ours.startswith("head.")}
    current = {_current_name(name): name for name in file}
    prefix, others = _prefixes(current, body)
    # A further copy of the network beside one whose names have nothing in front is no part of it.
    apart = tuple(others) if not prefix else ()
    inside = {
        name.removeprefix(prefix): given
        for name, given in current.items()
        if name.startswith(prefix) and not (apart and name.startswith(apart))
    }
    used = set(inside.values())
    outside = [given for given in current.values() if given not in used]
    for theirs in wanted:
        if theirs not in body:
            continue
        if theirs in inside:
            _check(inside[theirs], file[inside[theirs]], shapes[theirs])
        elif not theirs.endswith(catalogue.COUNTER):
            raise _Misfit(f"it has no tensor '{prefix}{theirs}'")
    head = set(wanted) - body
    has_head = all(name in inside and file[inside[name]].shape == shapes[name].shape for name in head)
    known = body | head if has_head else body
    for name in known - body:
        _check(inside[name], file[inside[name]], shapes[name])
    unknown = [name for name in inside if name not in known]
    strange = next((name for name in unknown if name not in head and not _is_head(name, head, body)), None)
    if strange is not None:
        raise _Misfit(f"that network has no tensor '{prefix}{strange}'")
    names = {given: wanted[name] for name, given in inside.items() if name in known}
    heads = None if has_head else [file[inside[name]] for name in unknown]
    said = _said(prefix, others, outside, heads, {file[name].dtype for name in names})
    return Fit(names=names, has_head=has_head, said=tuple(said))


def _said(
    prefix: str, others: list[str], outside: list[str], heads: list[Described] | None, dtypes: set[str]
) -> list[str]:
    said = []
    if prefix:
        said.append(f"The prefix '{prefix}' was taken off the names in the weights file.")
    if others:
        named = ", ".join(f"'{one}'" for one in others)
        said.append(
            f"The weights file holds this network more than once; what is under {named} was left out."
        )
    elif outside:
        tensors = count(len(outside), "tensor")
        said.append(f"Left out of the weights file: {tensors} outside this network, such as '{outside[0]}'.")
    if heads is not None:
        # The last layer's bias or weights: (classes,) or (classes, …).
        classes = heads[-1].shape[0] if heads and heads[-1].shape else 0
        said.append(
            f"The head of the weights file, for {classes} classes, was left out: a new one takes its place."
            if classes
            else "The weights file holds no head for the source's classes: a new one takes its place."
        )
    other = sorted(dtypes & set(FLOATS) - {"float32"})
    if other:
        said.append(f"Numbers of type {' and '.join(other)} in the weights file were turned into float32.")
    return said


def _prefixes(names: Mapping[str, str], body: set[str]) -> tuple[str, list[str]]:
    """Find what stands in front of the network's names, and in front of further whole copies of it."""
    votes: Counter[str] = Counter()
    deepest = max(name.count(".") for name in body) + 1
    for name in names:
        parts = name.split(".")
        for start in range(max(0, len(parts) - deepest), len(parts)):
            if ".".join(parts[start:]) in body:
                votes[".".join([*parts[:start], ""])] += 1
    if not votes:
        return "", []
    most = max(votes.values())
    best = [prefix for prefix, count in votes.items() if count == most]
    # "" before all others, then what was trained before its average; a plain file has lost the order it was saved in.
    best.sort(key=lambda prefix: (bool(prefix), reading.is_average(prefix)))
    needed = sum(not name.endswith(catalogue.COUNTER) for name in body)
    return best[0], [one for one in best[1:] if most >= needed]


def _is_head(name: str, head: set[str], body: set[str]) -> bool:
    """Tell whether a tensor that is no part of the network belongs to another head in the place of its own."""
    if any(name.startswith(one.rsplit(".", 1)[0] + ".") for one in head):
        return True
    first = name.split(".", maxsplit=1)[0]
    return first in _HEADS and not any(one.startswith(first + ".") for one in body)


def _check(name: str, given: Described, wanted: Described) -> None:
    if given.shape != wanted.shape:
        raise _Misfit(f"tensor '{name}' has shape {given.shape}, but the network needs {wanted.shape}")
    allowed = FLOATS if wanted.dtype in FLOATS else _INTEGERS + FLOATS
    if given.dtype not in allowed:
        quantised = (
            " (save the original, not a quantised copy)" if given.dtype.lstrip("u").startswith("int") else ""
        )
        raise _Misfit(
            f"tensor '{name}' holds numbers of type {given.dtype}, but the network needs floating-point ones{quantised}"
        )


def _current_name(name: str) -> str:
    for pattern, replacement in _OLDER_NAMES:
        name = pattern.sub(replacement, name)
    return name
