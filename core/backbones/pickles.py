"""What a pickle would call, read off without calling it: rebuilding tensors is all that is let through. Torch-free.

Far more than what ``weights_only`` refuses is refused here: that lets through ``bytearray`` of any size, for instance.
Raises `MemoryError` where more is listed than any network has.
"""

import pickletools
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from core import errors
from core.backbones import file_kinds

MOST_TENSORS = 20_000  # the largest network of the catalogue has 1,000
_MOST_PICKLE_BYTES = 4_000_000
_MOST_OPERATIONS = 500_000  # a network of 1,000 tensors and its optimiser's state have 200,000
_LONGEST_SHOWN = 100  # characters of what a stranger's pickle names
_OLDER_PICKLES = 5  # before torch 1.6: magic number, protocol, system, table, names of storages

_STORAGES = ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
_DTYPES = ("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")
_REBUILDING = {
    "collections OrderedDict",
    "collections Counter",  # of Lightning's learning-rate schedules
    "torch Size",
    "torch device",
    "torch.nn.parameter Parameter",
    "torch.storage UntypedStorage",
    "torch.storage TypedStorage",
    "torch.serialization _get_layout",
    *(f"torch {name}Storage" for name in (*_STORAGES, "ComplexFloat", "ComplexDouble")),
    *(f"torch {name}" for name in (*_DTYPES, "complex64", "complex128")),
    *(
        f"torch._utils _rebuild_{what}"
        for what in ("tensor", "tensor_v2", "tensor_v3", "parameter", "parameter_with_state")
    ),
}
# What training programs keep beside the weights: settings, paths, times, scores of numpy. `reading` puts nothing in
# their place, so that none of it is made; the names are as Python 3 spells them.
TABLE_WITH_DEFAULT = "collections.defaultdict"
BOOKKEEPING = (
    TABLE_WITH_DEFAULT,
    "argparse.Namespace",
    "types.SimpleNamespace",
    *(f"builtins.{name}" for name in ("list", "dict", "int", "float")),
    *(f"datetime.{name}" for name in ("datetime", "date", "timedelta", "timezone")),
    *(
        f"{module}.{name}"
        for module in ("pathlib", "pathlib._local")
        for name in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")
    ),
    "numpy.dtype",
    "numpy.ndarray",
    *(
        f"{module}.multiarray.{name}"
        for module in ("numpy.core", "numpy._core")
        for name in ("scalar", "_reconstruct")
    ),
)
_BESIDE = {
    "builtins set",
    "_codecs encode",  # of bytes in numpy's scores; torch's own unpickler knows both
    *(" ".join(name.rsplit(".", 1)) for name in BOOKKEEPING),
}
# Tensors of kinds that cannot fill a network.
OTHER_TENSORS = {
    "torch._utils _rebuild_qtensor": "a quantised network; save the state dict of the original in float32",
    "torch._utils _rebuild_sparse_tensor": "sparse tensors; save them with to_dense()",
    "torch._utils _rebuild_meta_tensor_no_storage": "tensors without values, from the device 'meta'",
}


_OTHER_NUMBERS = re.compile(r"torch (float8|float4|bits|quint|qint|uint|int|QU?Int)\w*")


def check_archive(path: Path, label: str) -> None:
    """Refuse, with a `WeightsError`, a ZIP that ``torch.save`` did not write, or that calls for more than tensors."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > MOST_TENSORS:
            raise MemoryError
        what = file_kinds.other_archive([member.filename for member in members])
        if what:
            raise errors.WeightsError(f"{label} is {what}")
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise errors.WeightsError(
                f"{label} was packed again after torch.save, which never compresses: it was not opened; save it anew, "
                "best as .safetensors."
            )
        if sum(member.file_size for member in members) > path.stat().st_size:
            raise errors.WeightsError(file_kinds.damaged(label))
        for member in members:
            if member.filename.endswith(".pkl"):
                if member.file_size > _MOST_PICKLE_BYTES:
                    raise MemoryError
                with archive.open(member) as file:
                    _check(file, label)


def check_older(path: Path, label: str) -> None:
    """As `check_archive`, for the form before torch 1.6: pickles one after the other, then the numbers."""
    with path.open("rb") as file:
        _check(file, label, most=_OLDER_PICKLES)


def _check(file: IO[bytes], label: str, most: int = 1) -> None:
    """Read off what the pickles at the place of ``file`` would call, without calling it."""
    for called in _called(file, most):
        if called in _REBUILDING or called.replace("__builtin__ ", "builtins ") in _BESIDE:
            continue
        if _OTHER_NUMBERS.fullmatch(called):
            raise errors.WeightsError(
                f"{label} holds numbers of type {called.removeprefix('torch ')}; save the state dict in float32."
            )
        if called in OTHER_TENSORS:
            raise errors.WeightsError(f"{label} holds {OTHER_TENSORS[called]}.")
        raise errors.WeightsError(more_than_tensors(label, called))


def _called(file: IO[bytes], most: int) -> Iterator[str]:
    operations = 0
    for _ in range(most):
        for code, argument, _place in pickletools.genops(file):
            operations += 1
            if operations > _MOST_OPERATIONS:
                raise MemoryError
            if code.name == "GLOBAL":
                yield str(argument)
            elif code.name in ("STACK_GLOBAL", "INST", "OBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4"):
                yield ""  # torch.save writes none of these
    # What follows are the numbers themselves.


def more_than_tensors(label: str, what: str = "") -> str:
    """Say that a file would have to be run to be opened; ``what`` is what it calls, "MODULE NAME"."""
    named = (
        f" ({what.replace(' ', '.')})" if what and what.isprintable() and len(what) <= _LONGEST_SHOWN else ""
    )
    return (
        f"{label} holds more than tensors{named}: opening it could run code of its author, so it was not opened; "
        "save only the state dict, best as .safetensors."
    )
