"""What a file is, in words that are true: AVIF is no HEIC, and what cannot be read says why."""

import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
import tifffile
from PIL import Image

from core.errors import DataError
from core.images.decoding import decode


def _avif(brands: bytes = b"mif1") -> bytes:
    """An AVIF whose major brand is that of its container, as some encoders write it."""
    stream = io.BytesIO()
    Image.new("RGB", (32, 32), (200, 100, 50)).save(stream, "AVIF", quality=95)
    content = stream.getvalue()
    return content[:8] + brands + content[12:]


def _box(major: bytes, *compatible: bytes) -> bytes:
    body = b"ftyp" + major + bytes(4) + b"".join(compatible)
    return struct.pack(">I", 4 + len(body)) + body + bytes(64)


def _tiff(shape: tuple[int, ...], dtype: str, **options: object) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, np.zeros(shape, dtype), **options)  # type: ignore[arg-type]
    return stream.getvalue()


def _twelve_bit_jpeg() -> bytes:
    stream = io.BytesIO()
    Image.new("L", (16, 16)).save(stream, "JPEG")
    content = bytearray(stream.getvalue())
    content[content.index(b"\xff\xc0") + 4] = 12
    return bytes(content)


@pytest.mark.parametrize("major", [b"avif", b"mif1", b"msf1"])
def test_an_avif_is_read_whatever_its_major_brand(major: bytes) -> None:
    square, source = decode(_avif(major), 8)
    assert np.abs(square[4, 4].astype(int) - (200, 100, 50)).max() <= 4
    assert source is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (lambda: _box(b"heic", b"mif1", b"heic"), "HEIC.*Preview.*iPhone"),
        (lambda: _box(b"mif1", b"mif1", b"heic"), "HEIC"),
        (lambda: _box(b"msf1", b"hevc"), "HEIC"),
        (lambda: _box(b"heix"), "HEIC"),
        (lambda: _box(b"isom", b"mp42"), "video"),
        (lambda: _box(b"qt  "), "video"),
        (lambda: b"", "empty"),
        (lambda: bytes(5000), "nothing but zero bytes"),
        (lambda: b"<!-- saved --><html></html>", "web page"),
        (lambda: "<!DOCTYPE html>".encode("utf-16"), "web page"),
        (lambda: b"\n\n<meta charset='utf-8'><title>404</title>", "web page"),
        (lambda: b"%PDF-1.7 ...", "PDF"),
        (lambda: b"\xff\x0a" + bytes(20) + b"x", "JPEG XL"),
        (lambda: b"\x00\x00\x00\x0cJXL \r\n\x87\n" + b"x" * 40, "JPEG XL"),
        (lambda: bytes(128) + b"DICM" + b"x" * 40, "DICOM"),
        (lambda: b"8BPS" + b"x" * 40, "Photoshop"),
        (lambda: b"PK\x03\x04" + b"x" * 40, "ZIP"),
        (lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS"),
        (lambda: b"\x93NUMPY\x01\x00" + b"x" * 40, "NumPy"),
        (_twelve_bit_jpeg, "12 bits"),
        (lambda: _tiff((8, 8), "float64"), "TIFF.*1 channel of 64-bit floating point"),
        (lambda: _tiff((8, 8), "uint32", byteorder=">"), "TIFF.*1 channel of 32-bit numbers"),
        (
            lambda: _tiff((8, 8, 3), "float32", photometric="rgb", compression="zlib"),
            "TIFF.*3 channels of 32-bit floating point numbers, tiff_adobe_deflate",
        ),
        (
            lambda: _tiff((8, 8, 5), "uint16", photometric="minisblack", planarconfig="contig"),
            "TIFF.*5 channels of 16-bit",
        ),
        (lambda: b"II*\0" + b"\xff" * 40, "not a picture in a format|cannot be read|damaged"),
    ],
)
def test_each_file_that_is_no_readable_picture_says_what_it_is(
    content: Callable[[], bytes], words: str
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        decode(content(), 8)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(("depth", "source"), [(8, None), (10, "10-bit"), (12, "12-bit")])
def test_the_bits_of_an_avif_are_said(depth: int, source: str | None) -> None:
    from PIL import ImageFile

    from core.images.kinds import conversion

    content = _avif(b"avif")
    place = content.index(b"av1C") + 6
    flags = {8: 0, 10: 0x40, 12: 0x60}[depth]
    changed = content[:place] + bytes([content[place] & 0x9F | flags]) + content[place + 1 :]
    picture = Image.open(io.BytesIO(content))
    assert isinstance(picture, ImageFile.ImageFile)
    assert conversion(picture, changed) == source
