"""How a network computes, read off a forward pass: the chain of its modules, and of lines between them.

A network is watched while it looks at noise. Where what one module returns is what the next one gets, they are linked;
where a line of a forward method stands between them, it must be one of `timm_modules.LINES`, found by its numbers,
which are equal to the bit. A module that is itself such a chain can be opened.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from core.backbones.timm_modules import LINES, embedding

EMBEDDING = "+embedding"
_MOST_LINES = 2  # between two modules


class Broken(Exception):
    """Why no chain was found: a clause."""


@dataclass(frozen=True, kw_only=True)
class ChainPiece:
    """One link: a module by its path in the network, or "+" and a name of `LINES`, or `EMBEDDING`."""

    path: str
    shape: tuple[int, ...] = ()  # of what it returns, without the batch
    turned: bool = False  # it gets rotary positions, too

    @property
    def is_module(self) -> bool:
        """Whether it stands in the network as a module."""
        return not self.path.startswith("+")


@dataclass(eq=False)
class Call:
    """One call of a module. ``given`` and ``returned`` are its tensors, None where it was not one of each."""

    path: str
    module: nn.Module
    given: Any = None
    returned: Any = None
    turned: bool = False
    inner: "list[Call]" = field(default_factory=list)


Link = tuple[ChainPiece, Call | None]


@contextmanager
def watched(network: nn.Module) -> Iterator[Call]:
    """Record which module is called in which, and with what, for as long as the block lasts."""
    root = Call(path="", module=network)
    stack = [root]

    def begin(path: str) -> Callable[..., None]:
        def before(module: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
            call = Call(path=path, module=module)
            more = {key for key, value in named.items() if value is not None and value is not False}
            if len(arguments) == 1 and isinstance(arguments[0], Tensor) and more <= {"rope"}:
                call.given, call.turned = arguments[0], bool(more)
            stack[-1].inner.append(call)
            stack.append(call)

        return before

    def after(module: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any], result: Any) -> None:
        stack.pop().returned = result if isinstance(result, Tensor) else None

    handles = []
    for path, module in network.named_modules():
        if path:
            handles.append(module.register_forward_pre_hook(begin(path), with_kwargs=True))
            handles.append(module.register_forward_hook(after, with_kwargs=True))
    try:
        yield root
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def nothing_in_place(network: nn.Module) -> Iterator[None]:
    """Let activations leave their input alone for as long as the block lasts: it is compared later."""
    changed: list[Any] = [module for module in network.modules() if getattr(module, "inplace", False)]
    for module in changed:
        module.inplace = False
    try:
        yield
    finally:
        for module in changed:
            module.inplace = True


class Chain:
    """Follows tensors from call to call in ``network``."""

    def __init__(self, network: nn.Module, prefix: int) -> None:
        self._network = network
        self._lines = {name: make(prefix) for name, make in LINES.items()}

    def links(
        self, calls: list[Call], begin: Tensor, end: Tensor, *, from_images: bool = False
    ) -> list[Link]:
        """Link ``calls`` from the tensor ``begin`` to ``end``, in their order; raises `Broken`."""
        found: list[Link] = []
        current, rest = begin, list(calls)
        tokens = embedding(self._network) if from_images else None
        if tokens is not None:
            current = tokens(begin)
            found.append((ChainPiece(path=EMBEDDING, shape=tuple(current.shape[1:])), None))
            while rest and not (rest[0].given is not None and _same(rest[0].given, current)):
                rest.pop(0)  # is part of it
        for call in rest:
            if call.given is None or call.returned is None:
                raise Broken(f"its part {call.path} does not turn one tensor into one")
            found += [(piece, None) for piece in self._between(current, call.given)]
            piece = ChainPiece(path=call.path, shape=tuple(call.returned.shape[1:]), turned=call.turned)
            found.append((piece, call))
            current = call.returned
        return [*found, *((piece, None) for piece in self._between(current, end))]

    def opened(self, link: Link, wanted: Callable[[str], bool]) -> list[Link]:
        """Put the chain inside a module in its place, and so on, where the module is ``wanted`` and is one."""
        piece, call = link
        if call is None or not call.inner or not wanted(piece.path):
            return [link]
        try:
            inner = self.links(call.inner, call.given, call.returned)
        except Broken:
            return [link]
        return [one for part in inner for one in self.opened(part, wanted)]

    def _between(self, begin: Tensor, end: Tensor) -> list[ChainPiece]:
        """Find the fewest known lines that turn ``begin`` into ``end``; raises `Broken`."""
        if _same(begin, end):
            return []
        reached: list[tuple[list[ChainPiece], Tensor]] = [([], begin)]
        for _ in range(_MOST_LINES):
            further = []
            for pieces, value in reached:
                for name, module in self._lines.items():
                    try:
                        answer = module(value)
                    except (RuntimeError, IndexError):
                        continue
                    so_far = [*pieces, ChainPiece(path=f"+{name}", shape=tuple(answer.shape[1:]))]
                    if _same(answer, end):
                        return so_far
                    further.append((so_far, answer))
            reached = further
        raise Broken("between its parts it computes what is not known here")


def _same(one: Tensor, other: Tensor) -> bool:
    return one is other or (one.shape == other.shape and one.dtype == other.dtype and torch.equal(one, other))
