"""Decoding one picture and many: what is kept, what is converted, what is refused in which words."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import ExifTags, Image

from core.errors import DataError
from core.images.decoding import DEFAULT_LIMITS, ReadingLimits, decode, decode_all, square_from_array


def encoded(picture: Image.Image, form: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def solid(
    mode: str = "RGB", colour: object = (200, 100, 50), size: tuple[int, int] = (40, 30)
) -> Image.Image:
    return Image.new(mode, size, colour)


def halves() -> Image.Image:
    """40 × 40: the left half red, the right half blue."""
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[:, :20, 0] = 255
    pixels[:, 20:, 2] = 255
    return Image.fromarray(pixels)


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")


def test_a_plain_picture_is_kept_exactly_at_its_own_size() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    square, source = decode(encoded(Image.fromarray(pixels)), 24)
    np.testing.assert_array_equal(square, pixels)
    assert source is None


def test_the_centre_of_a_wide_picture_is_cropped() -> None:
    pixels = np.zeros((20, 60, 3), np.uint8)
    pixels[:, 20:40] = 255  # the centre square is white, the sides are black
    square, _ = decode(encoded(Image.fromarray(pixels)), 20)
    assert square.min() == 255


def test_shrinking_is_antialiased() -> None:
    checks = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)  # one-pixel chequers
    square, _ = decode(encoded(Image.fromarray(checks)), 16)
    assert np.abs(square.astype(int) - 127).max() <= 2  # their mean, not a chance pick of black or white


def test_equals_torchvisions_resize_and_centre_crop() -> None:
    from core.vision import torchvision

    pixels = np.random.default_rng(1).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    steps = torchvision.transforms.Compose(
        [torchvision.transforms.Resize(30), torchvision.transforms.CenterCrop(30)]
    )
    square, _ = decode(encoded(picture), 30)
    assert np.abs(square.astype(int) - np.asarray(steps(picture)).astype(int)).max() <= 1


def test_large_jpegs_look_the_same_when_decoded_at_a_reduced_scale() -> None:
    ramp = np.linspace(0, 255, 800).astype(np.uint8)
    pixels = np.stack(
        [np.tile(ramp, (800, 1)), np.tile(ramp[:, None], (1, 800)), np.full((800, 800), 90)], axis=2
    )
    picture = Image.fromarray(pixels.astype(np.uint8))
    small, _ = decode(encoded(picture, "JPEG", quality=95), 32)
    exact, _ = decode(encoded(picture), 32)
    assert np.abs(small.astype(int) - exact.astype(int)).max() <= 6


@pytest.mark.parametrize("size", [(1030, 777), (800, 800), (513, 1201)])
@pytest.mark.parametrize(
    "options", [{}, {"tile_size": (256, 256)}, {"num_resolutions": 2}, {"irreversible": True}]
)
def test_large_jpeg_2000_pictures_look_the_same_when_decoded_at_a_reduced_scale(
    size: tuple[int, int], options: dict[str, object]
) -> None:
    rows, columns = np.indices(size[::-1])
    pixels = np.stack(
        [rows * 255 / size[1], columns * 255 / size[0], 128 + 100 * np.sin(columns / 90)], axis=2
    )
    picture = Image.fromarray(pixels.astype(np.uint8))
    exact, _ = decode(encoded(picture), 32)
    for no_jp2 in (False, True):
        small, _ = decode(encoded(picture, "JPEG2000", no_jp2=no_jp2, **options), 32)
        assert np.abs(small.astype(int) - exact.astype(int)).max() <= 8


def test_a_jpeg_2000_picture_of_many_pixels_and_few_bytes_costs_few() -> None:
    content = encoded(solid(size=(2048, 2048)), "JPEG2000")
    assert len(content) < 5_000
    decode_all([lambda: content] * 4, 32, ReadingLimits(max_pixels_in_all=4 * 64 * 64))
    with pytest.raises(DataError, match="together"):
        decode_all([lambda: content] * 4, 32, ReadingLimits(max_pixels_in_all=4 * 64 * 64 - 1))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_upright(orientation: int) -> None:
    from PIL import ImageOps

    picture = halves()
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    content = encoded(picture, "PNG", exif=exif)
    square, _ = decode(content, 40)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))))
    np.testing.assert_array_equal(square, expected)


def animation() -> bytes:
    return encoded(solid(), "GIF", save_all=True, append_images=[solid(colour=(0, 255, 0))], duration=50)


def sixteen_bit_png() -> bytes:
    return encoded(Image.fromarray(np.full((30, 40), 200 * 256, np.uint16)))


def sixteen_bit_tiff() -> bytes:
    values = np.full((30, 40), 1000, np.uint16)
    values[:, :20] = 3000
    return encoded(Image.fromarray(values), "TIFF")


@pytest.mark.parametrize(
    ("content", "source", "expected"),
    [
        (lambda: encoded(solid("CMYK", (0, 255, 255, 0)), "JPEG", quality=95), "CMYK", (254, 0, 0)),
        (lambda: encoded(solid().quantize(8)), "palette", (200, 100, 50)),
        (lambda: encoded(solid("RGBA", (0, 0, 0, 0))), "transparency (on white)", (255, 255, 255)),
        (lambda: encoded(solid("LA", (0, 0))), "transparency (on white)", (255, 255, 255)),
        (animation, "animation (first picture)", (200, 100, 50)),
        (sixteen_bit_png, "16-bit", (199, 199, 199)),
        (lambda: encoded(solid("L", 77)), None, (77, 77, 77)),
        (lambda: encoded(solid("1", 1)), None, (255, 255, 255)),
        (lambda: encoded(solid(), "WEBP", lossless=True), None, (200, 100, 50)),
        (lambda: encoded(solid(), "BMP"), None, (200, 100, 50)),
    ],
)
def test_other_kinds_of_pictures_become_rgb(
    content: Callable[[], bytes], source: str | None, expected: tuple[int, int, int]
) -> None:
    square, converted_from = decode(content(), 16)
    assert converted_from == source
    assert np.abs(square[8, 8].astype(int) - expected).max() <= 4


def test_a_sixteen_bit_picture_alone_is_scaled_by_the_bits_that_it_uses() -> None:
    square, source = decode(sixteen_bit_tiff(), 30)
    assert source == "16-bit"
    assert (square[15, 2, 0], square[15, 27, 0]) == (round(3000 * 255 / 4095), round(1000 * 255 / 4095))


def test_floating_point_pictures_with_nan_are_converted() -> None:
    values = np.linspace(0, 1, 900, dtype=np.float32).reshape(30, 30)
    values[0, 0] = np.nan
    square, source = decode(encoded(Image.fromarray(values), "TIFF"), 30)
    assert source == "floating point"
    assert (int(square[0, 1, 0]), int(square[-1, -1, 0])) == (0, 255)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html><body>403</body></html>", "web page"),
        (b"\xef\xbb\xbf\n <HTML><head>", "web page"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "HEIC"),
        (b"just some text", "not a picture"),
        (png_that_claims(30_000, 30_000), "64 million pixels"),
        (png_that_claims(9_000, 9_000), "64 million pixels (9000 × 9000)"),
        (png_that_claims(20, 20), "cut off"),
        (encoded(halves(), "JPEG")[:500], "cut off"),
        (encoded(halves(), "JPEG")[:30], "damaged|not a picture|cut off"),
    ],
)
def test_each_refusal_is_one_sentence(content: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words.replace("(", r"\(").replace(")", r"\)")) as caught:
        decode(content, 16)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_limits_are_settings() -> None:
    content = encoded(solid(size=(40, 30)))
    with pytest.raises(DataError, match="million pixels"):
        decode(content, 16, ReadingLimits(max_pixels=1_199))
    with pytest.raises(DataError, match="larger than"):
        decode(content, 16, ReadingLimits(max_bytes=len(content) - 1))
    decode(content, 16, ReadingLimits(max_pixels=1_200, max_bytes=len(content)))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # pytest sets our own filter aside
def test_a_damaged_exif_block_does_not_lose_the_picture() -> None:
    content = encoded(solid(), "JPEG", exif=b"Exif\x00\x00MM\x00\x2a\xff\xff\xff\xff garbage")
    square, _ = decode(content, 16)
    assert np.abs(square[8, 8].astype(int) - (200, 100, 50)).max() <= 4


def test_changed_bytes_never_raise_anything_but_a_sentence() -> None:
    random = np.random.default_rng(0)
    originals = [encoded(halves(), form) for form in ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")]
    for number in range(300):
        content = bytearray(originals[number % len(originals)])
        for place in random.integers(0, len(content), 4):
            content[place] = random.integers(0, 256)
        try:
            square, _ = decode(bytes(content), 16)
        except DataError:
            continue
        assert square.shape == (16, 16, 3)


def test_many_are_decoded_in_order_and_failures_are_listed() -> None:
    contents = [encoded(solid(colour=(number, 0, 0))) for number in range(200)]
    contents[7] = b""
    contents[9] = encoded(solid("CMYK", (0, 0, 0, 0)), "JPEG")
    seen: list[tuple[int, int]] = []

    def unreadable() -> bytes:
        raise DataError("The disk is gone.")

    reads: list[Callable[[], bytes]] = [lambda content=content: content for content in contents]  # type: ignore[misc]
    reads[11] = unreadable
    decoded = decode_all(reads, 8, DEFAULT_LIMITS, lambda done, total: seen.append((done, total)))
    assert decoded.squares.shape == (198, 8, 8, 3)
    kept = [number for number in range(200) if number not in (7, 11)]
    assert decoded.numbers.tolist() == kept
    reds = [number for number in kept if number != 9]
    assert [int(square[0, 0, 0]) for square in decoded.squares[decoded.numbers != 9]] == reds
    assert "empty" in decoded.failed[7]
    assert decoded.failed[11] == "The disk is gone."
    assert decoded.converted == {9: "CMYK"}
    assert seen[-1] == (200, 200)
    assert seen == sorted(seen)


def test_decoding_nothing_gives_nothing() -> None:
    decoded = decode_all([], 8)
    assert decoded.squares.shape == (0, 8, 8, 3)
    assert len(decoded.numbers) == 0


def test_a_defect_in_reading_is_not_swallowed() -> None:
    def defect() -> bytes:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        decode_all([defect], 8)


def test_arrays_become_rgb_squares() -> None:
    grey = np.full((8, 8), 40, np.uint8)
    assert square_from_array(grey, 16).shape == (16, 16, 3)
    assert np.unique(square_from_array(grey, 16)).tolist() == [40]
