"""How a setting is declared: one field of a configuration carries its default, help, limits and title. Torch-free.

Pages draw such fields, the command line makes options of them, and `check` says in one sentence what is wrong.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from core import errors


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A field of a configuration, as whoever draws or reads it needs it."""

    name: str
    title: str  # what it is called on screen
    help: str
    default: Any
    kind: type  # bool, int, float or str, of what is not None
    choices: tuple[str, ...]  # all that a ``Literal`` may be; empty for any other field
    low: float | None  # both limits are allowed; None: there is none
    high: float | None

    @property
    def words(self) -> str:
        """Its name in a sentence, and on the command line but for the spaces."""
        return self.name.replace("_", " ")


def setting(
    default: Any, help: str = "", low: float | None = None, high: float | None = None, *, title: str = ""
) -> Any:
    """Declare a field; ``title`` where its own name says too little on screen, at most about 20 characters."""
    return dataclasses.field(
        default=default, metadata={"help": help, "low": low, "high": high, "title": title}
    )


def described(kind: type) -> Mapping[str, Setting]:
    """Describe every field of a configuration, by its name."""
    return _described(kind)


@cache
def _described(kind: type) -> Mapping[str, Setting]:
    hints = typing.get_type_hints(kind)
    return {
        field.name: Setting(
            name=field.name,
            title=field.metadata["title"] or field.name.replace("_", " ").capitalize(),
            help=field.metadata["help"],
            default=field.default,
            kind=_kind(hints[field.name]),
            choices=typing.get_args(hints[field.name]) if _is_choice(hints[field.name]) else (),
            low=field.metadata["low"],
            high=field.metadata["high"],
        )
        for field in dataclasses.fields(kind)
    }


def check(settings: Any, *, by_title: bool = False) -> None:
    """Raise `OutOfRange` for the first field that is none of its choices, or outside its limits; None may stand.

    ``by_title``: the sentence begins with the field's title instead of its name.
    """
    for field in described(type(settings)).values():
        value, name = getattr(settings, field.name), field.title if by_title else field.words
        if field.choices:
            errors.one_of(name, value, field.choices)
        elif value is not None and field.low is not None and field.high is not None:
            errors.within(name, value, field.low, field.high)


def _kind(hint: Any) -> type:
    members = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    return next((kind for kind in (bool, int, float) if kind in members), str)


def _is_choice(hint: Any) -> bool:
    return typing.get_origin(hint) is typing.Literal
