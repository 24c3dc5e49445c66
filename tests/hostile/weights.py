"""Weights files that nobody should have to open: made here, byte by byte.

What torch's own restricted unpickler lets through (``bytearray`` of any size, storages and shapes of any size),
what its archives may be (deflated, TorchScript), and what a network cannot be filled with.
"""

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import torch
from torch import Tensor

State = dict[str, Tensor]
NETWORK = "tiny_resnet18"


def state() -> State:
    """All tensors of the built-in architecture, with seeded values."""
    from core.backbones import stages

    return stages.to_state(stages.build(NETWORK, seed=11))


def pth(content: Any, *, zipped: bool = True) -> bytes:
    """What ``torch.save`` writes of ``content``."""
    packed = io.BytesIO()
    torch.save(content, packed, _use_new_zipfile_serialization=zipped)
    return packed.getvalue()


def safetensors(entries: dict[str, Any], data: bytes = b"") -> bytes:
    """Write a safetensors file whose header says ``entries``, true or not."""
    header = json.dumps(entries, separators=(",", ":")).encode()
    return struct.pack("<Q", len(header)) + header + data


def archive(pickled: bytes, *, compression: int = zipfile.ZIP_STORED, storage: bytes = b"") -> bytes:
    """Wrap a pickle as ``torch.save`` wraps one."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as file:
        file.writestr("a/data.pkl", pickled)
        file.writestr("a/byteorder", "little")
        file.writestr("a/data/0", storage)
        file.writestr("a/version", "3\n")
    return packed.getvalue()


def great_bytearrays(size: int = 1_500_000_000, count: int = 3) -> bytes:
    """Ask for ``count`` byte arrays in a few hundred bytes: ``weights_only`` allows ``bytearray``."""
    one = b"cbuiltins\nbytearray\n(J" + struct.pack("<i", size) + b"tR"
    return archive(b"\x80\x02(" + one * count + b"l.")


def great_storage(size: int = 2_000_000_000) -> bytes:
    """Ask for a tensor of ``size`` numbers over a storage of one."""
    tensor = (
        b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000"
        b"X\x03\x00\x00\x00cpuK\x01tQK\x00J" + struct.pack("<i", size) + b"\x85K\x01\x85\x89"
        b"ccollections\nOrderedDict\n)RtR"
    )
    return archive(b"\x80\x02}X\x0c\x00\x00\x00conv1.weight" + tensor + b"s.", storage=bytes(4))


def great_claim(size: int = 2_000_000_000) -> bytes:
    """Claim a storage of ``size`` numbers in the form before torch 1.6, which makes room before it reads."""
    content = pth({"conv1.weight": torch.zeros(1)}, zipped=False)
    return content.replace(b"K\x01Ntq", b"J" + struct.pack("<i", size) + b"Ntq", 1)


def deflated(size: int = 300_000_000) -> bytes:
    """Pack ``size`` zeros (four bytes each) into about a thousandth: ``torch.load`` unpacks what it never packs."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        pickled = io.BytesIO(pth({"conv1.weight": torch.zeros(1)}))
        with zipfile.ZipFile(pickled) as source:
            for name in source.namelist():
                if name.endswith("data/0"):
                    with target.open(name, "w", force_zip64=True) as member:
                        for _ in range(0, size, 1_000_000):
                            member.write(bytes(4_000_000))
                    continue
                content = source.read(name)
                if name.endswith("data.pkl"):  # the storage's length: one number, now ``size`` of them
                    content = content.replace(b"K\x01tq", b"J" + struct.pack("<i", size) + b"tq", 1)
                target.writestr(name, content)
    return packed.getvalue()


def million_tensors(count: int = 1_000_000) -> bytes:
    """Name so many empty tensors in a header."""
    one = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    return safetensors({f"t{number}": one for number in range(count)})


def million_pickled(count: int = 300_000) -> bytes:
    """Name so many empty tensors in a pickle."""
    return pth({f"t{number}": None for number in range(count)} | {"conv1.weight": torch.zeros(1)})


def stretched() -> bytes:
    """Write one number that says it is ten thousand million of them."""
    return pth({"conv1.weight": torch.zeros(1).expand(100_000, 100_000)})


def overlapping() -> bytes:
    """Let a thousand entries of a ZIP share one megabyte."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("a/data.pkl", b"\x80\x02}.")
        file.writestr("a/data/0", bytes(1_000_000))
        first = file.infolist()[1]
        for number in range(1, 1000):
            again = zipfile.ZipInfo(f"a/data/{number}")
            again.header_offset, again.CRC = first.header_offset, first.CRC
            again.file_size = again.compress_size = first.file_size
            file.filelist.append(again)
            file.NameToInfo[again.filename] = again
    return packed.getvalue()


class _Caller:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self._call = function, arguments

    def __reduce__(self) -> Any:
        return self._call


def _calling(function: Any, *arguments: Any) -> bytes:
    return pth({"conv1.weight": _Caller(function, *arguments)})


def _altered(name: str, value: Callable[[Tensor], Tensor]) -> Callable[[], bytes]:
    def make() -> bytes:
        whole = state()
        return pth(whole | {name: value(whole[name])})

    return make


def cases() -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield (name, how to make it); none of them may be used."""
    import os
    import subprocess

    kernel, spread = "layer2.0.conv1.weight", "layer2.0.bn1.running_var"
    yield "three byte arrays of 1.5 GB", great_bytearrays
    yield "a tensor of 8 GB over four bytes", great_storage
    yield "8 GB claimed in the older form", great_claim
    yield "1.2 GB deflated to 1.2 MB", deflated
    yield "a million empty tensors", million_tensors
    yield "300,000 entries that are nothing", million_pickled
    yield "ten thousand million times one number", stretched
    yield "a thousand ZIP entries on one place", overlapping
    yield "os.system", lambda: _calling(os.system, "true")
    yield "eval", lambda: _calling(eval, "1")
    yield "subprocess", lambda: _calling(subprocess.check_output, ["true"])
    yield "a bare pickle with protocol 4", lambda: pickle.dumps({"a": 1}, protocol=4)
    yield "a pickle that never ends", lambda: b"\x80\x02" + b"(" * 5_000_000
    yield "a deep pickle", lambda: archive(b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b".")
    yield (
        "an integer of a million digits",
        lambda: archive(b"\x80\x02\x8b" + struct.pack("<i", 4_000_000) + b"\x7f" * 4_000_000 + b"."),
    )
    yield "deep JSON in a header", lambda: struct.pack("<Q", 400_000) + b'{"a":' + b"[" * 399_995
    yield "a header longer than the file", lambda: struct.pack("<Q", 2**40) + b"{}"
    yield "a negative header", lambda: struct.pack("<q", -8) + b"{}"
    yield (
        "offsets beyond the file",
        lambda: safetensors(
            {"conv1.weight": {"dtype": "F32", "shape": [10**9], "data_offsets": [0, 4 * 10**9]}}, bytes(64)
        ),
    )
    yield (
        "a shape that overflows",
        lambda: safetensors(
            {"conv1.weight": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 64]}}, bytes(64)
        ),
    )
    yield "NaN", _altered(kernel, lambda value: value * float("nan"))
    yield "infinity", _altered(kernel, lambda value: value * float("inf"))
    yield "1e30", _altered(kernel, lambda value: value * 0 + 1e30)
    yield "a negative running variance", _altered(spread, lambda value: -value)
    yield "complex", _altered(kernel, lambda value: value.to(torch.complex64))
    yield "bool", _altered(kernel, lambda value: value > 0)
    yield "int8", _altered(kernel, lambda value: (value * 100).to(torch.int8))
    yield "8-bit floats", _altered(kernel, lambda value: value.to(torch.float8_e4m3fn))
    yield "quantised", _altered(kernel, lambda value: torch.quantize_per_tensor(value, 0.1, 0, torch.qint8))
    yield "sparse", _altered(kernel, lambda value: value.to_sparse())
    yield "sparse rows", _altered("fc.weight", lambda value: value.to_sparse_csr())
    yield "without values", _altered(kernel, lambda value: value.to("meta"))
    yield "all zero", lambda: pth({name: torch.zeros_like(value) for name, value in state().items()})
    yield "a whole network", lambda: pth(torch.nn.Linear(2, 2))
    yield "nothing", lambda: b""
    yield "zeros", lambda: bytes(100_000)
    yield "JPEG", lambda: b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(5_000)
    yield "an empty table", lambda: pth({})


_EDGES = 20_000  # bytes at the beginning and the end that say what is where


def mutants(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield (form, content): whole files with some bytes changed, cut off, repeated or taken out near their edges."""
    from safetensors.torch import save

    whole = state()
    forms = {"zip": pth({"model": whole}), "older": pth(whole, zipped=False), "safetensors": save(whole)}
    for number in range(count):
        rng = Random(f"{seed} weights {number}")
        form = rng.choice(sorted(forms))
        content = bytearray(forms[form])
        for _ in range(rng.choice((1, 1, 3, 30))):
            place = rng.randrange(min(_EDGES, len(content)))
            place = place if rng.random() < 0.5 else len(content) - 1 - place
            way = rng.random()
            if way < 0.7:
                content[place] = rng.randrange(256)
            elif way < 0.8:
                del content[place:]
                break
            elif way < 0.9:
                content[place:place] = content[place : place + rng.randrange(1, 100)]
            else:
                del content[place : place + rng.randrange(1, 100)]
        yield form, bytes(content)
