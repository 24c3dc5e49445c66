"""Pictures of more than 8 bits: every format gives all of them, and one rule makes greys of them for a whole set."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from core.errors import DataError
from core.images.decoding import decode, decode_all
from core.images.to_rgb import PictureReading, deep_values, is_deep, open_picture, read_square, rule

Values = NDArray[Any]


def pillow(values: Values, form: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, form, **options)
    return stream.getvalue()


def tiff(values: Values, **options: Any) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, values, **options)
    return stream.getvalue()


def png(values: Values, colour: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A 16-bit PNG of any colour type; Pillow writes grey ones alone."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0))
    middle = b"".join(chunk(*one) for one in chunks)
    return b"\x89PNG\r\n\x1a\n" + header + middle + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def netpbm(values: Values, largest: int) -> bytes:
    kind = b"P6" if values.ndim == 3 else b"P5"
    return (
        kind + f" {values.shape[1]} {values.shape[0]} {largest}\n".encode() + values.astype(">u2").tobytes()
    )


def twelve_bit_tiff(values: Values) -> bytes:
    """Two numbers in three bytes, as cameras write them."""
    rows = b""
    for row in values:
        bits = "".join(f"{value:012b}" for value in row)
        bits += "0" * (-len(bits) % 8)
        rows += int(bits, 2).to_bytes(len(bits) // 8, "big")
    height, width = values.shape
    tags = [(256, 3, width), (257, 3, height), (258, 3, 12), (259, 3, 1), (262, 3, 1)]
    tags += [(273, 4, 8), (277, 3, 1), (278, 3, height), (279, 4, len(rows))]
    directory = struct.pack("<H", len(tags)) + b"".join(
        struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags
    )
    return b"II*\0" + struct.pack("<I", 8 + len(rows)) + rows + directory + struct.pack("<I", 0)


def _colour(largest: int = 4095) -> Values:
    return np.random.default_rng(0).integers(0, largest + 1, (9, 12, 3)).astype(np.uint16)


def _with_alpha(values: Values) -> Values:
    return np.concatenate([values, np.full((*values.shape[:2], 1), 65535, np.uint16)], axis=2)


RGB, GREY = _colour(), _colour()[..., 0]
SIGNED = GREY.astype(np.int32) - 2000
REAL = (GREY / 4095).astype(np.float32)
KINDS: dict[str, tuple[bytes, Values]] = {
    "PNG": (pillow(GREY, "PNG"), GREY),
    "PNG in colour": (png(RGB, 2), RGB),
    "PNG in colour with opacity": (png(_with_alpha(RGB), 6), RGB),
    "PNG in grey with opacity": (png(_with_alpha(GREY[..., None]), 4), GREY),
    "JPEG 2000": (pillow(GREY, "JPEG2000"), GREY),
    "PGM": (netpbm(GREY, 65535), GREY),
    "PPM": (netpbm(RGB, 65535), RGB),
    "PFM": (b"Pf\n12 9\n-1.0\n" + REAL[::-1].astype("<f4").tobytes(), REAL),
    "TIFF of 12 bits": (twelve_bit_tiff(GREY), GREY),
    "TIFF, planes apart": (
        tiff(RGB.transpose(2, 0, 1).copy(), photometric="rgb", planarconfig="separate"),
        RGB,
    ),
    "TIFF in tiles": (tiff(RGB, photometric="rgb", tile=(16, 16)), RGB),
    "TIFF in tiles, deflated": (tiff(RGB, photometric="rgb", tile=(16, 16), compression="zlib"), RGB),
    "TIFF, predicted": (tiff(RGB, photometric="rgb", compression="zlib", predictor=True), RGB),
    "TIFF with opacity": (tiff(_with_alpha(RGB), photometric="rgb", extrasamples=["unassalpha"]), RGB),
    "BigTIFF": (tiff(RGB, photometric="rgb", bigtiff=True), RGB),
} | {
    f"TIFF of {values.dtype}, {order}, {packed}": (
        tiff(values, byteorder=order, compression=packed, photometric="rgb" if values.ndim == 3 else "minisblack"),
        values,
    )
    for values in (GREY, RGB, SIGNED.astype(np.int16), SIGNED, REAL, (SIGNED // 20).astype(np.int8))
    for order in "<>"
    for packed in (None, "zlib")
}  # fmt: skip


def _jpeg_2000(values: Values, bits: int) -> bytes:
    """A JPEG 2000 that says ``bits``: Pillow writes 16, so the level that decoders shift by is made up for first."""
    content = bytearray(pillow((values + 2**15 - 2 ** (bits - 1)).astype(np.uint16), "JPEG2000"))
    content[content.index(b"\xff\x4f\xff\x51") + 42] = bits - 1
    return bytes(content)


KINDS |= {f"JPEG 2000 of {bits} bits": (_jpeg_2000(GREY, bits), GREY) for bits in (12, 15)}


@pytest.mark.parametrize("kind", KINDS)
def test_every_bit_of_a_deep_picture_arrives(kind: str) -> None:
    content, expected = KINDS[kind]
    picture = open_picture(content)
    assert is_deep(picture)
    deep = deep_values(picture, content)
    assert deep is not None
    np.testing.assert_array_equal(deep.values, expected)


def test_unsigned_numbers_of_32_bits_do_not_turn_negative() -> None:
    values = np.array([[0, 2**31, 2**32 - 1]], np.uint32)
    square, source = decode(tiff(values, photometric="minisblack"), 3)
    assert source == "32-bit"
    middle = square[1, :, 0]
    assert middle[0] < middle[2]


def _read(*contents: bytes, fit: str = "crop") -> tuple[NDArray[np.uint8], PictureReading]:
    decoded = decode_all([lambda content=content: content for content in contents], 8, fit=fit)  # type: ignore[misc]
    assert not decoded.failed
    return decoded.squares, decoded.reading


def _even(value: float, dtype: Any = np.uint16) -> Values:
    return np.full((8, 8), value, dtype)


# One and the same brightness, half of white, in each format's own way.
SAME: dict[str, Callable[[], bytes]] = {
    "PNG": lambda: pillow(_even(2048), "PNG"),
    "PNG in colour": lambda: png(np.repeat(_even(2048)[..., None], 3, axis=2), 2),
    "TIFF": lambda: tiff(_even(2048), photometric="minisblack"),
    "TIFF, big-endian and packed": lambda: tiff(
        _even(2048), photometric="minisblack", byteorder=">", compression="zlib"
    ),
    "TIFF in colour": lambda: tiff(np.repeat(_even(2048)[..., None], 3, axis=2), photometric="rgb"),
    "TIFF of signed numbers": lambda: tiff(_even(2048, np.int16), photometric="minisblack"),
    "TIFF of floating point counts": lambda: tiff(_even(2048, np.float32), photometric="minisblack"),
    "TIFF where 0 is white": lambda: tiff(_even(4095 - 2048), photometric="miniswhite"),
    "TIFF of 12 bits": lambda: twelve_bit_tiff(_even(2048)),
    "PGM that says 4095": lambda: netpbm(_even(2048), 4095),
    "PGM that says 65535": lambda: netpbm(_even(2048), 65535),
    "PPM that says 4095": lambda: netpbm(np.repeat(_even(2048)[..., None], 3, axis=2), 4095),
    "JPEG 2000": lambda: pillow(_even(2048), "JPEG2000"),
    "JPEG 2000 of 12 bits": lambda: _jpeg_2000(_even(2048), 12),
    "JPEG 2000 of 15 bits": lambda: _jpeg_2000(_even(2048), 15),
    "8-bit PNG": lambda: pillow(_even(128, np.uint8), "PNG"),
}


def test_the_same_brightness_is_the_same_grey_in_every_format_of_a_set() -> None:
    white = pillow(_even(4000), "PNG")  # the set's largest value: 12 bits
    squares, reading = _read(*(make() for make in SAME.values()), white)
    greys = {name: int(square[4, 4, 0]) for name, square in zip([*SAME, "white"], squares, strict=True)}
    assert reading.counts == (0, 4095)
    assert set(greys.values()) - {greys["white"]} <= {127, 128}, greys
    assert greys["white"] == round(4000 * 255 / 4095)


@pytest.mark.parametrize("bits", [9, 10, 12, 14, 16])
def test_a_set_that_uses_few_bits_of_its_container_uses_all_greys(bits: int) -> None:
    largest = 2**bits - 1
    contents = [pillow(_even(value), "PNG") for value in (0, largest // 2, largest)]
    squares, reading = _read(*contents)
    assert reading.counts == (0, largest)
    assert squares[:, 4, 4, 0].tolist() == [0, 127, 255]


def test_floating_point_pictures_of_a_set_stay_comparable() -> None:
    values = (0.25, 0.5, 1.0)
    squares, reading = _read(*(tiff(_even(one, np.float32), photometric="minisblack") for one in values))
    assert (reading.counts, reading.shares) == (None, (0.0, 1.0))
    assert squares[:, 4, 4, 0].tolist() == [64, 128, 255]


def test_negative_values_are_darker_than_zero_and_what_is_no_number_is_black() -> None:
    values = _even(0, np.int16)
    low, high = values - 1000, values + 1000
    squares, reading = _read(*(tiff(one, photometric="minisblack") for one in (low, values, high)))
    assert reading.counts == (-1024, 1023)
    assert squares[:, 4, 4, 0].tolist() == [round((value + 1024) * 255 / 2047) for value in (-1000, 0, 1000)]
    broken = _even(1, np.float32)
    broken[:4] = np.nan
    broken[0, 0], broken[0, 1], broken[0, 2] = np.inf, -np.inf, -3.4e38
    squares, reading = _read(tiff(broken, photometric="minisblack"))
    assert reading.shares == (0.0, 1.0)
    assert (int(squares[0, 1, 1, 0]), int(squares[0, 6, 6, 0])) == (0, 255)


def test_where_gdal_says_that_nothing_was_measured_the_rest_keeps_its_range() -> None:
    values = _even(200, np.float32)
    values[:4] = -9999
    content = tiff(values, photometric="minisblack", extratags=[(42113, 2, 6, "-9999", True)])
    squares, reading = _read(content)
    assert reading.shares == (0, 255)
    assert (int(squares[0, 1, 1, 0]), int(squares[0, 6, 6, 0])) == (0, 200)


def test_opacity_of_16_bits_goes_on_white() -> None:
    clear = np.zeros((8, 8, 4), np.uint16)
    clear[:4, :, 3] = 65535
    for content in (png(clear, 6), png(clear[..., [0, 3]], 4)):
        squares, _ = _read(content)
        assert (int(squares[0, 1, 1, 0]), int(squares[0, 6, 6, 0])) == (0, 255)
    see_through = png(_even(1000), 0, (b"tRNS", struct.pack(">H", 1000)))
    assert _read(see_through)[0].min() == 255


@pytest.mark.parametrize(
    ("extremes", "counts", "shares"),
    [
        ([], None, None),
        ([(True, 0, 65535)], (0, 65535), None),
        ([(True, 3, 700), (True, 0, 1000)], (0, 1023), None),
        ([(True, 0, 0)], (0, 1), None),
        ([(True, -1024, 3071)], (-1024, 4095), None),
        ([(False, 0, 1)], None, (0, 1)),
        ([(False, 0.5, 0.5)], None, (0, 0.5)),
        ([(False, 0, 0.04)], None, (0, 0.0625)),
        ([(False, -1, 1)], None, (-1, 1)),
        ([(False, 0, 1.003)], None, (0, 1)),  # a little beyond, by resampling
        ([(False, 0, 255.0)], (0, 255), (0, 255)),
        ([(True, 0, 65535), (False, 0, 1)], (0, 65535), (0, 1)),
        ([(True, 0, 4000), (False, 0, 60000.5)], (0, 65535), (0, 65535)),
    ],
)
def test_the_rule(
    extremes: list[tuple[bool, float, float]],
    counts: tuple[float, float] | None,
    shares: tuple[float, float] | None,
) -> None:
    found = rule(extremes)
    assert (found.counts, found.shares) == (counts, shares)
    assert PictureReading.from_json(found.to_json()) == found
    assert "-0.0" not in str(found)


def test_a_later_picture_is_read_by_the_rule_of_the_set() -> None:
    _, reading = _read(pillow(_even(4000), "PNG"), pillow(_even(100), "PNG"))
    later = tiff(_even(500), photometric="minisblack")  # alone, its 9 bits would be all there are
    grey = round(500 * 255 / 4095)
    assert int(decode(later, 8, reading=reading)[0][4, 4, 0]) == grey
    assert int(read_square(later, 8, reading)[4, 4, 0]) == grey
    assert int(decode(later, 8)[0][4, 4, 0]) == round(500 * 255 / 511)
    assert int(decode(pillow(_even(9000), "PNG"), 8, reading=reading)[0].min()) == 255  # beyond white


def test_one_faulty_pixel_that_darkens_a_set_is_said() -> None:
    random = np.random.default_rng(0)
    frames = [random.integers(0, 1024, (64, 64)).astype(np.uint16) for _ in range(4)]
    frames[0][0, 0] = 65535
    decoded = decode_all([lambda one=one: pillow(one, "PNG") for one in frames], 32)  # type: ignore[misc]
    assert decoded.dark == 4
    assert decode_all([lambda: pillow(frames[1], "PNG")], 32).dark == 0


def test_deep_pictures_are_counted_once_and_progress_never_goes_back() -> None:
    seen: list[tuple[int, int]] = []
    contents = [pillow(_even(9 * number), "PNG") for number in range(20)] + [b""] * 3
    decoded = decode_all(
        [lambda content=content: content for content in contents],  # type: ignore[misc]
        8,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert decoded.numbers.tolist() == list(range(20))
    assert seen == sorted(seen)
    assert seen[-1] == (23, 23)


def test_what_would_be_read_wrongly_is_refused_with_its_reason() -> None:
    apart = tiff(
        RGB.transpose(2, 0, 1).copy(), photometric="rgb", planarconfig="separate", compression="zlib"
    )
    with pytest.raises(DataError, match="interleaved"):
        decode(apart, 8)
