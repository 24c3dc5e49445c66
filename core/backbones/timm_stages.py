"""Stages of timm's networks: derived from what timm declares, and proven before anybody gets them.

`plan` reads the chain of a network's modules off a forward pass (`timm_chain`) and cuts it where timm's
``feature_info`` says that features can be read; the plan holds names only, so that `take_apart` also works on networks
without numbers. `prove` compares the composed stages with the network's own forward pass. What cannot be composed, or
does not compose to the same bits, is a `SettingsError`.
"""

import logging
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from core import errors
from core.backbones.backbone import Backbone, Stage
from core.backbones.timm_chain import (
    EMBEDDING,
    Broken,
    Call,
    Chain,
    ChainPiece,
    Link,
    nothing_in_place,
    watched,
)
from core.backbones.timm_modules import LINES, FittingSides, TurnedBlocks, embedding

_log = logging.getLogger(__name__)

_MOST_STAGES = 7  # before `pre_logits`
_GROUPS = (6, 4, 5)  # of like blocks: the first number that divides theirs
_SINGULAR = {"stages": "stage", "layers": "stage", "levels": "stage", "blocks": "block", "features": "block"}
_WHOLE = ("stem", "patch_embed")  # are a stage, and are not opened


@dataclass(frozen=True, kw_only=True)
class PlannedStage:
    """A stage by the pieces of the chain that it is made of."""

    name: str
    channels: int
    reduction: int
    pieces: tuple[ChainPiece, ...]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a network is taken apart; ``prefix`` counts the tokens before those of patches."""

    stages: tuple[PlannedStage, ...]
    neck: tuple[ChainPiece, ...]
    head: tuple[ChainPiece, ...]  # behind the neck
    feature_size: int
    prefix: int
    flat: (
        bool  # False: the head stands before the last piece of the neck, which flattens maps of one position
    )


@dataclass(frozen=True, kw_only=True)
class Sides:
    """What squares a network takes, in pixels."""

    own: int  # what it was made for
    tried: int  # what it is watched and proven at
    fixed: bool  # True: takes its own only
    step: int  # takes multiples of this
    smallest: int  # of those that are not fixed: where it cannot be told from outside, 1


@contextmanager
def refusing(name: str) -> Iterator[None]:
    """Turn whatever goes wrong with a network into one `SettingsError` that says why it cannot be used."""
    why = "it is not built as timm's other networks are"
    try:
        yield
        return
    except errors.LabError:
        raise
    except Broken as broken:
        why = str(broken)
    except MemoryError:
        why = "it needs more memory than this machine has"
    except Exception as error:  # what can go wrong in 1,300 architectures is not to be listed
        _log.info("timm's %s: %s: %s", name, type(error).__name__, error)
    raise errors.SettingsError(
        f"timm's {name} cannot be taken apart into stages here, since {why}; choose another network."
    )


# --- the plan ------------------------------------------------------------------------------------------------


def plan(network: Any, sides: Sides) -> Plan:
    """Watch ``network``, on the CPU with numbers, look at noise, and plan its stages; raises `Broken`."""
    prefix = int(getattr(network, "num_prefix_tokens", 0))
    with _looking(network), nothing_in_place(network):
        images = noise(sides.tried, seed=2)
        with watched(network) as root:
            features = network.forward_features(images)
            calls = len(root.inner)
            scores = network.forward_head(features)
        if not isinstance(features, Tensor) or not isinstance(scores, Tensor):
            raise Broken("it answers with more than one tensor")
        chain = Chain(network, prefix)
        body = chain.links(root.inner[:calls], images, features, from_images=True)
        head = chain.links(root.inner[calls:], features, scores)
        modules = _feature_modules(network)
        body = _opened(chain, body, lambda path: path not in _WHOLE and _holds_any(path, modules))
        head = _opened(chain, head, lambda path: True)
    cutter = _Cutter(network, sides, prefix)
    return cutter.plan([piece for piece, _ in body], [piece for piece, _ in head], modules)


def _opened(chain: Chain, links: list[Link], wanted: Any) -> list[Link]:
    opened = [one for link in links for one in chain.opened(link, wanted)]
    return [link for link in opened if not _idle(link[1])]


def _idle(call: Call | None) -> bool:
    module = None if call is None else call.module
    return isinstance(module, nn.Identity) or (isinstance(module, nn.Dropout) and not module.p)


def _feature_modules(network: Any) -> set[str]:
    infos = network.feature_info
    return {str(info["module"]) for info in getattr(infos, "info", infos)}


def _holds_any(path: str, modules: set[str]) -> bool:
    return any(name.startswith(path + ".") for name in modules)


_Group = list[ChainPiece]


class _Cutter:
    """Cuts a chain into stages, neck and head."""

    def __init__(self, network: nn.Module, sides: Sides, prefix: int) -> None:
        self._network, self._sides, self._prefix = network, sides, prefix

    def plan(self, body: list[ChainPiece], head: list[ChainPiece], modules: set[str]) -> Plan:
        stages: list[PlannedStage] = []
        last = False  # whether what comes in has its channels last
        for name, group in _named(_few(self._groups(body, modules))):
            stages.append(self._stage(name, [ChainPiece(path="+channels_last"), *group] if last else group))
            last = _channels_last(group[-1].shape)
        if last:
            head = [ChainPiece(path="+channels_last"), *head]
        learned = [number for number, piece in enumerate(head) if self._learns(piece)]
        end = len(head)
        if learned and int(getattr(self._network, "num_classes", 0)) > 0:
            end = learned.pop()
            if not isinstance(self._module(head[end]), nn.Linear | nn.Conv2d):
                raise Broken("its last layer is no linear one")
        before, classifier = head[:end], head[end:]
        drops = [piece for piece in before if self._drops(piece)]
        before = [piece for piece in before if not self._drops(piece)]
        if learned:  # layers between the stages and the classifier are one more stage
            behind = 1 + max(number for number, piece in enumerate(before) if self._learns(piece))
            if _is_vector(before[behind - 1].shape):
                behind = len(before)
            stages.append(self._stage("pre_logits", before[:behind]))
            before = before[behind:]
        shape = before[-1].shape if before else stages[-1].pieces[-1].shape
        if not _is_vector(shape):
            raise Broken("its features are not pooled to one vector a picture")
        flat = len(shape) == 1
        if not flat:
            before.append(ChainPiece(path="+flatten", shape=shape[:1]))
        return Plan(
            stages=tuple(stages),
            neck=tuple(before),
            head=(*drops, *classifier),
            feature_size=shape[0],
            prefix=self._prefix,
            flat=flat or not classifier or isinstance(self._module(classifier[0]), nn.Linear),
        )

    def _groups(self, pieces: list[ChainPiece], modules: set[str]) -> list[_Group]:
        """Cut behind every one of ``modules``; what has learned nothing stays with what stands before it."""
        groups: list[_Group] = [[]]
        cut = False
        for piece in pieces:
            if cut and self._learns(piece):
                groups.append([])
                cut = False
            groups[-1].append(piece)
            cut = cut or piece.path in modules or piece.path in _WHOLE or _holds_any(piece.path, modules)
            cut = cut or piece.path == EMBEDDING
        if len(groups) > 1 and not cut and not self._convolves(groups[-1]):  # a last norm
            groups[-2:] = [groups[-2] + groups[-1]]
        if len(groups) < 2:
            raise Broken("timm does not say where its features can be read")
        return groups

    def _stage(self, name: str, group: _Group) -> PlannedStage:
        pieces, shape = list(group), group[-1].shape
        if _channels_last(shape):
            shape = (shape[2], *shape[:2])
            pieces.append(ChainPiece(path="+channels_first", shape=shape))
        channels, reduction = self._figures(shape)
        return PlannedStage(name=name, channels=channels, reduction=reduction, pieces=tuple(pieces))

    def _figures(self, shape: tuple[int, ...]) -> tuple[int, int]:
        if _is_vector(shape):
            return shape[0], self._sides.own
        if len(shape) == 2:
            grid = round((shape[0] - self._prefix) ** 0.5)
            if grid**2 + self._prefix != shape[0]:
                raise Broken("its tokens do not lie in a square")
            return shape[1], round(self._sides.tried / grid)
        if len(shape) != 3:
            raise Broken("its features are neither maps nor tokens")
        ratio = self._sides.tried / shape[1]
        power = 1 << max(0, round(ratio).bit_length() - 1)
        near = min((power, 2 * power), key=lambda n: abs(n / ratio - 1))
        return shape[0], near if abs(near / ratio - 1) < 0.2 else round(ratio)

    def _module(self, piece: ChainPiece) -> nn.Module | None:
        return self._network.get_submodule(piece.path) if piece.is_module else None

    def _learns(self, piece: ChainPiece) -> bool:
        module = self._module(piece)
        return piece.path == EMBEDDING or (module is not None and bool(module.state_dict()))

    def _drops(self, piece: ChainPiece) -> bool:
        return isinstance(self._module(piece), nn.Dropout)

    def _convolves(self, group: _Group) -> bool:
        modules = [module for module in map(self._module, group) if module is not None]
        return any(isinstance(inner, nn.Conv2d) for module in modules for inner in module.modules())


def _is_vector(shape: tuple[int, ...]) -> bool:
    return len(shape) == 1 or (len(shape) == 3 and shape[1:] == (1, 1))


def _channels_last(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and shape[0] == shape[1] != shape[2]


def _few(groups: list[_Group]) -> list[_Group]:
    """Join neighbours whose answers have one shape, where there are too many groups: blocks of a transformer."""
    if len(groups) <= _MOST_STAGES:
        return groups
    runs: list[list[_Group]] = [[groups[0]]]
    for number, group in enumerate(groups[1:]):
        if number and group[-1].shape == runs[-1][-1][-1].shape:
            runs[-1].append(group)
        else:
            runs.append([group])
    joined = []
    for run in runs:
        parts = next((n for n in _GROUPS if len(run) % n == 0), _GROUPS[0]) if len(runs) < 4 else 1
        parts = min(parts, len(run))
        ends = [round(len(run) * n / parts) for n in range(parts + 1)]
        for begin, end in pairwise(ends):
            joined.append([piece for group in run[begin:end] for piece in group])
    return joined


def _named(groups: list[_Group]) -> list[tuple[str, _Group]]:
    """Name groups after timm's modules: the first "stem" or "patches", then numbered from 1, at last "last_conv"."""
    names: list[str] = []
    counts: dict[str, int] = {}
    like = len(groups) > 2 and len({group[-1].shape for group in groups}) == 1  # blocks of a transformer
    for number, group in enumerate(groups):
        paths = [piece.path for piece in group if piece.is_module]
        inner = [path for path in paths if "." in path]
        if number == 0:
            tokens = group[0].path == EMBEDDING or paths[0].startswith("patch_embed")
            name = "patches" if tokens else "stem"
        elif not inner:
            name = "last_conv" if number == len(groups) - 1 and "conv" in paths[0] else paths[-1]
        else:
            parent, _, end = inner[-1].rpartition(".")
            begin = next(path for path in inner if path.startswith(parent + ".")).rpartition(".")[2]
            if like and begin.isdigit() and end.isdigit():
                name = f"blocks{int(begin) + 1}_{int(end) + 1}" if begin != end else f"block{int(end) + 1}"
            else:
                word = parent.rpartition(".")[2]
                word = _SINGULAR.get(word, word)
                counts[word] = counts.get(word, 0) + 1
                name = f"{word}{counts[word]}"
        names.append(name if name not in names else f"{name}_{number}")
    return list(zip(names, groups, strict=True))


# --- the network, taken apart ---------------------------------------------------------------------------------


def take_apart(name: str, network: nn.Module, planned: Plan, sides: Sides) -> Backbone:
    """Make a backbone of ``network``'s own modules as ``planned``; works on the "meta" device, too."""
    stages = []
    for number, stage in enumerate(planned.stages):
        parts = _parts(network, stage.pieces, planned.prefix)
        if number == 0 and (sides.fixed or sides.step > 1):
            check = FittingSides(sides.own if sides.fixed else None, sides.step, sides.smallest)
            parts = OrderedDict(size=check, **parts)
        only = next(iter(parts.values()))
        module = only if len(parts) == 1 else nn.Sequential(parts)
        stages.append(
            Stage(name=stage.name, module=module, channels=stage.channels, reduction=stage.reduction)
        )
    pooling = _modules(network, planned.neck, planned.prefix)
    neck = pooling[0] if len(pooling) == 1 else nn.Sequential(*pooling) if pooling else nn.Flatten()
    head = _modules(network, planned.head, planned.prefix)
    return Backbone(
        name=name,
        stages=tuple(stages),
        neck=neck,
        feature_size=planned.feature_size,
        head=nn.Sequential(neck, *head) if planned.flat else nn.Sequential(*pooling[:-1], *head),
    )


def _modules(network: nn.Module, pieces: tuple[ChainPiece, ...], prefix: int) -> list[nn.Module]:
    return [
        network.get_submodule(piece.path) if piece.is_module else LINES[piece.path[1:]](prefix)
        for piece in pieces
    ]


def _parts(network: Any, pieces: tuple[ChainPiece, ...], prefix: int) -> "OrderedDict[str, nn.Module]":
    """Make the modules of pieces, by name; neighbours from one list stay together, under its name and their keys."""
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    lists: dict[str, tuple[str, bool]] = {}
    for piece in pieces:
        parent, _, key = piece.path.rpartition(".")
        if piece.path == EMBEDDING:
            made = embedding(network)
            assert made is not None
            parts["embedding"] = made
        elif not piece.is_module:
            line = piece.path[1:]
            parts[line if line not in parts else f"{line}_{len(parts)}"] = LINES[line](prefix)
        elif parent:
            name = parent.replace(".", "_")
            lists[name] = (parent, piece.turned)
            group = parts.setdefault(name, nn.Sequential())
            group.add_module(key, network.get_submodule(piece.path))
        else:
            parts[piece.path] = network.get_submodule(piece.path)
    for name, (_, turned) in lists.items():
        if turned:
            parts[name] = TurnedBlocks(parts[name], network.rope, prefix)
    return parts


# --- the proof --------------------------------------------------------------------------------------------------


def prove(backbone: Backbone, network: nn.Module, sides: Sides, seed: int = 3) -> None:
    """Compare the composed stages with the forward pass of ``network``, whose modules they are made of.

    Both look at the same image of noise, in eval mode: the scores must be equal to the bit, every tensor of the
    network must stand in exactly one stage or in the head, and no stage may change its input. Raises `Broken`.
    """
    named = list(backbone.state_dict(keep_vars=True).values())
    ours = {id(tensor) for tensor in named}
    if any(id(tensor) not in ours for tensor in network.state_dict(keep_vars=True).values()):
        raise Broken("some of what it has learned has no place in them")
    if len(ours) < len(named):
        raise Broken("some of what it has learned is used in two places")
    with _looking(network, backbone):
        images = noise(sides.tried, seed)[:1]
        expected = network(images)
        features = images.clone()
        for stage in backbone.table:
            before = features.clone()
            answer = stage.module(features)
            if not torch.equal(features, before):
                _keep_input(stage.module)
                answer = stage.module(before.clone())
            features = answer
        scores = backbone.head(features)
    if expected.shape != scores.shape or not bool(expected.isfinite().all()):
        raise Broken("its own answers to noise cannot be compared")
    if not torch.equal(expected, scores):
        raise Broken("the stages together do not give the same numbers as timm's own forward pass")


def _keep_input(module: nn.Module) -> None:
    """Let activations in a stage leave what comes in alone: it may be kept, and given to others."""
    for inner in module.modules():
        if getattr(inner, "inplace", False):
            setattr(inner, "inplace", False)  # noqa: B010 - modules declare no such attribute


def noise(side: int, seed: int) -> Tensor:
    """Draw two images (2, 3, side, side)."""
    return torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(seed))


@contextmanager
def _looking(network: nn.Module, *parts_of_it: nn.Module) -> Iterator[None]:
    """Eval mode, no gradients, and numbers that all matter, for as long as the block lasts."""
    modules = [module for one in (network, *parts_of_it) for module in one.modules()]
    modes = {module: module.training for module in modules}
    for module in modules:
        module.training = False
    try:
        with torch.no_grad(), _spread(network):
            yield
    finally:
        for module, training in modes.items():
            module.training = training


@contextmanager
def _spread(network: nn.Module) -> Iterator[None]:
    """Give every tensor that holds one number over and over others, and then that one again.

    Fresh norms, layer scales and some heads are constants, which would hide a module that is missing or misplaced.
    """
    generator = torch.Generator().manual_seed(7)
    constants: list[tuple[Tensor, Tensor]] = []
    for tensor in network.state_dict().values():
        if tensor.is_floating_point() and tensor.numel() and bool(tensor.min() == tensor.max()):
            constants.append((tensor, tensor.flatten()[0].clone()))
            tensor.add_(torch.empty(tensor.shape).uniform_(0.01, 0.1, generator=generator))
    try:
        yield
    finally:
        for tensor, value in constants:
            tensor.fill_(value)
