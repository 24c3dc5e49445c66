"""Dataclasses as plain values, ready for JSON, and back. Torch-free.

Reading is forgiving in one direction: a name that is not known (any more) is left out, and what is missing takes
its default, so that what an earlier version stored still opens.
"""

import dataclasses
import math
from typing import Any, TypeVar

import cattrs
import numpy as np
from cattrs.gen import make_dict_unstructure_fn, override
from cattrs.strategies import configure_tagged_union

Value = TypeVar("Value")

_converter = cattrs.Converter()


def plain(value: Any) -> Any:
    """Turn dataclasses and arrays, however deep, into dicts and lists; fields marked ``json=False`` are left out."""
    return _converter.unstructure(value)


def read(kind: type[Value], values: Any) -> Value:
    """Rebuild what `plain` wrote, after a round trip through JSON. Raises `ValueError` where it does not fit."""
    try:
        return _converter.structure(values, kind)
    except (cattrs.BaseValidationError, TypeError, KeyError) as error:
        raise ValueError("; ".join(cattrs.transform_error(error))) from error


def tagged(union: Any, tag: str) -> None:
    """Let values of a union carry the name of their class, in small letters, under ``tag``."""
    configure_tagged_union(
        union, _converter, tag_name=tag, tag_generator=lambda one: str(one.__name__).lower()
    )


def _left_out(kind: type) -> Any:
    silent: dict[str, Any] = {
        field.name: override(omit=True)
        for field in dataclasses.fields(kind)
        if not field.metadata.get("json", True)
    }
    return make_dict_unstructure_fn(kind, _converter, **silent)


_converter.register_unstructure_hook_factory(
    lambda kind: dataclasses.is_dataclass(kind) and isinstance(kind, type), _left_out
)
# JSON has no word for a loss that diverged: what writes it says None.
_converter.register_structure_hook(float, lambda value, _: math.nan if value is None else float(value))
_converter.register_unstructure_hook_func(
    lambda kind: getattr(kind, "__origin__", kind) is np.ndarray, np.ndarray.tolist
)
_converter.register_structure_hook_func(
    lambda kind: getattr(kind, "__origin__", kind) is np.ndarray,
    lambda values, kind: np.array(values, dtype=kind.__args__[1].__args__[0]),
)
