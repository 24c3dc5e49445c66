"""Every orientation in every format that can say one: the picture stands upright, turned once."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image

from core.images.decoding import decode
from core.images.to_rgb import FITS, PictureReading

# What an orientation's pixels are stored as, for a picture that is upright afterwards: the inverse of what turns it.
_STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="{}"/>'
    "</rdf:RDF></x:xmpmeta>"
)


def upright(width: int = 48, height: int = 32) -> Image.Image:
    """Four quarters of four colours: no turn leaves it as it is."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = (220, 30, 30)
    pixels[: height // 2, width // 2 :] = (30, 200, 30)
    pixels[height // 2 :, : width // 2] = (30, 30, 220)
    pixels[height // 2 :, width // 2 :] = (230, 230, 40)
    return Image.fromarray(pixels)


def stored(orientation: int, picture: Image.Image | None = None) -> Image.Image:
    picture = picture or upright()
    turn = _STORED[orientation]
    return picture if turn is None else picture.transpose(turn)


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return exif


def _saved(picture: Image.Image, form: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def _by_pillow(form: str, **options: object) -> Callable[[int], bytes]:
    return lambda orientation: _saved(stored(orientation), form, exif=_exif(orientation), **options)


def _by_xmp(form: str, **options: object) -> Callable[[int], bytes]:
    def save(orientation: int) -> bytes:
        xmp = _XMP.format(orientation).encode()
        way = {"tiffinfo": {700: xmp}} if form == "TIFF" else {"xmp": xmp}
        return _saved(stored(orientation), form, **way, **options)

    return save


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png_with_late_exif(orientation: int) -> bytes:
    plain = _saved(stored(orientation), "PNG")
    exif = _chunk(b"eXIf", _exif(orientation).tobytes()[6:])
    return plain[:-12] + exif + plain[-12:]


def _jpeg2000_with_exif(orientation: int) -> bytes:
    plain = _saved(stored(orientation), "JPEG2000")
    body = b"JpgTiffExif->JP2" + _exif(orientation).tobytes()[6:]
    place = plain.index(b"jp2c") - 4
    return plain[:place] + struct.pack(">I", 8 + len(body)) + b"uuid" + body + plain[place:]


def _sixteen_bit(form: str, **options: object) -> Callable[[int], bytes]:
    def save(orientation: int) -> bytes:
        grey = np.asarray(stored(orientation).convert("L")).astype(np.uint16) * 257
        return _saved(Image.fromarray(grey), form, exif=_exif(orientation), **options)

    return save


FORMATS: dict[str, Callable[[int], bytes]] = {
    "JPEG": _by_pillow("JPEG", quality=95),
    "JPEG by XMP": _by_xmp("JPEG", quality=95),
    "MPO": _by_pillow("MPO", quality=95),
    "PNG": _by_pillow("PNG"),
    "PNG, after its pixels": _png_with_late_exif,
    "PNG of 16 bits": _sixteen_bit("PNG"),
    "WebP": _by_pillow("WEBP", lossless=True),
    "WebP by XMP": _by_xmp("WEBP", lossless=True),
    "AVIF": _by_pillow("AVIF", quality=95),
    "TIFF": _by_pillow("TIFF"),
    "TIFF, deflated": _by_pillow("TIFF", compression="tiff_deflate"),
    "TIFF by XMP": _by_xmp("TIFF"),
    "TIFF of 16 bits": _sixteen_bit("TIFF"),
    "JPEG 2000": _jpeg2000_with_exif,
}


def _close(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    return float(np.abs(one.astype(int) - other.astype(int)).mean()) < 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", FORMATS)
def test_a_picture_of_any_format_stands_upright(form: str, orientation: int) -> None:
    square, _ = decode(FORMATS[form](orientation), 32)
    picture = upright().convert("L") if "16 bits" in form else upright()
    expected, _ = decode(_saved(picture, "PNG"), 32)
    assert _close(square, expected)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("fit", FITS)
def test_whatever_the_fit_a_turned_picture_is_the_upright_one_to_the_pixel(
    fit: str, orientation: int
) -> None:
    for size in ((60, 20), (61, 24), (17, 50)):  # bars of odd widths, too
        picture = upright(*size)
        expected, _ = decode(_saved(picture, "PNG"), 30, reading=PictureReading(fit=fit))
        for form in ("PNG", "TIFF"):
            content = _saved(stored(orientation, picture), form, exif=_exif(orientation))
            square, _ = decode(content, 30, reading=PictureReading(fit=fit))
            assert np.abs(square.astype(int) - expected.astype(int)).max() <= 1  # resized before it is turned


def test_an_orientation_that_is_none_is_ignored() -> None:
    for value in (0, 9, 77):
        square, _ = decode(_saved(upright(), "PNG", exif=_exif(value)), 32)
        assert _close(square, decode(_saved(upright(), "PNG"), 32)[0])
