"""What a file is, by its first bytes: a name says what somebody hoped. Torch-free."""

import re
from pathlib import Path
from typing import Literal

from core import errors

SUFFIXES = (".safetensors", ".pth", ".pt", ".pth.tar", ".ckpt", ".bin")
_WEIGHTS = "a .safetensors or a .pth file"

FileKind = Literal["safetensors", "zip", "pickle"]

# (offset, bytes there, what it is), the first that fits.
_OTHERS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"GIF8", "a GIF picture"),
    (0, b"BM", "a BMP picture"),
    (0, b"II*\x00", "a TIFF picture"),
    (0, b"MM\x00*", "a TIFF picture"),
    (8, b"WEBP", "a WebP picture"),
    (8, b"WAVE", "a sound"),
    (4, b"ftyp", "a picture or a film"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras writes them"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"GGUF", "a GGUF file"),
    (4, b"TFL3", "a TensorFlow Lite model"),
    (0, b"version https://git-lfs", "a Git LFS pointer, which stands for the file itself"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
    (0, b"SQLite format 3\x00", "a database"),
)
_PACKED: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x1f\x8b", "compressed with gzip"),
    (0, b"BZh", "compressed with bzip2"),
    (0, b"\xfd7zXZ\x00", "compressed with xz"),
    (0, b"\x28\xb5\x2f\xfd", "compressed with Zstandard"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!", "a RAR archive"),
    (257, b"ustar", "a tar archive"),
)
# ModelProto of onnx.proto: field 1 (a varint), then one that is text or a message.
_ONNX = re.compile(rb"\x08[\x01-\x1f][\x12\x1a\x22\x32\x3a\x42]", re.DOTALL)
_MARKUP = re.compile(rb"\s*<(!doctype|html|\?xml|head|body|svg)", re.IGNORECASE)
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06")
_PICKLE = 0x80  # the first byte of every pickle since protocol 2
_HEAD = 4096  # bytes that tell


def kind_of(path: Path, label: str) -> FileKind:
    """Tell which of the three forms of weights the file ``path`` has; a `WeightsError` says what else it is."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise errors.WeightsError(f"{label} cannot be read: {error.strerror or error}.") from error
    if not head:
        raise errors.WeightsError(f"{label} is empty: cut short or damaged; fetch or save it again.")
    if head.startswith(_ZIPS):
        return "zip"
    # The header's length in 8 bytes, then the header, which is JSON. Before the others: a length may look like "BM".
    if head[4:9] == bytes(4) + b"{":
        return "safetensors"
    other = _other(head)
    if other:
        raise errors.WeightsError(f"{label} is {other}")
    if head[0] == _PICKLE:
        return "pickle"
    raise errors.WeightsError(_unknown(label))


def _other(head: bytes) -> str:
    for offset, signature, what in _OTHERS:
        if head.startswith(signature, offset):
            return f"{what}, no weights file; choose {_WEIGHTS}."
    for offset, signature, what in _PACKED:
        if head.startswith(signature, offset):
            return f"{what}; unpack it, and choose the weights file inside."
    if _ONNX.match(head):
        return "an ONNX model, no weights file; save the state dict of the PyTorch network that it was made from."
    if _MARKUP.match(head):
        return f"a web page, no weights file; fetch the file itself, {_WEIGHTS}."
    return ""


def _unknown(label: str) -> str:
    if not label.lower().endswith(SUFFIXES):
        return f"{label} is neither a .safetensors nor a .pth file; choose one that holds a network's state dict."
    return damaged(label)


def damaged(label: str) -> str:
    """Say that a file is not whole."""
    return f"{label} is cut short or damaged, or is no weights file; fetch or save it again."


def other_archive(names: list[str]) -> str:
    """Say what a ZIP without ``data.pkl`` is, to follow "NAME is"; also one that holds code."""
    files = [name for name in names if not name.endswith("/")]
    last = {name.rsplit("/", 1)[-1] for name in files}
    if "constants.pkl" in last or any("/code/" in name for name in files):
        return (
            "a TorchScript archive, which holds code; load it with torch.jit.load where you made it, and save its "
            "state_dict()."
        )
    if "data.pkl" in last:
        return ""
    if any(name.endswith((*SUFFIXES, ".onnx")) for name in last):
        return "a ZIP archive around a file; unpack it and choose the weights file inside."
    if any(name.endswith(".npy") for name in last):
        what = "a NumPy archive"
    elif any(name.endswith(".h5") for name in last):
        what = "a Keras model"
    else:
        what = "a ZIP archive without a state dict in it"
    return f"{what}, no weights file; choose {_WEIGHTS}."
