"""One picture's file -> a square of 8-bit RGB, by the rule of the set that it belongs to.

This file needs nothing but NumPy and Pillow, on purpose: an exported script carries its text, so that it reads new
pictures exactly as the lab does.
"""

import io
import math
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile

# Formats that people bring, and that Pillow decodes by itself. EPS, PDF and the like, which start other programs, are
# left out; so are ICO, whose header does not tell how large the picture inside is, and TGA, which has no signature.
FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000")
FITS = ("crop", "pad", "squash")
PADDING = (128, 128, 128)  # near the mean of photographs, so that bars are little to look at

# EXIF orientation (CIPA DC-008, tag 0x0112) -> what turns the stored picture upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_EXIF_IN_JPEG2000 = b"JpgTiffExif->JP2"  # the UUID of its box
_CODESTREAM = b"\xff\x4f\xff\x51"  # of JPEG 2000: its start, and the marker of its size (ITU T.800, A.5.1)
_ROWS = 256  # of a picture with more than 8 bits that are worked on at a time
_ABSURD = 1e30  # beyond this a floating point number means "nothing was measured here"
_ONE = 1.01  # floating point pictures of 0 to 1 may go a little beyond 1, by resampling
_WHITE_IS_ZERO, _GDAL_NODATA = 0, 42113  # TIFF: a photometric interpretation, and a tag


class UnreadableError(ValueError):
    """A picture that would be read wrongly; the message is a sentence for whoever brought it."""


@dataclass(frozen=True, kw_only=True)
class PictureReading:
    """How the pictures of one set become squares of 8-bit RGB; kept with the set, for pictures that come later.

    ``fit``: "crop" cuts the centred square out, "pad" puts grey bars beside the whole picture, "squash" makes it
    square. ``counts`` and ``shares``: what becomes black and what white, of pictures that hold whole numbers of more
    than 8 bits and of pictures that hold floating point numbers; None: there were none in the set, so a picture that
    does comes by the rule of a set of its own.
    """

    fit: str = "crop"
    counts: tuple[float, float] | None = None
    shares: tuple[float, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values, ready for ``json.dumps``."""
        bounds = {"counts": self.counts, "shares": self.shares}
        return {"fit": self.fit, **{name: value and list(value) for name, value in bounds.items()}}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "PictureReading":
        """Rebuild a rule from `to_json`."""
        counts, shares = values.get("counts"), values.get("shares")
        return cls(
            fit=values["fit"],
            counts=None if counts is None else (counts[0], counts[1]),
            shares=None if shares is None else (shares[0], shares[1]),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Deep:
    """A decoded picture of more than 8 bits: ``values`` (H, W) or (H, W, 3), with no regard to what they mean.

    ``white``: the value that the format itself declares to be white; None where it only says how much room there is,
    as 16-bit files do whatever the camera counted to. ``opacity`` (H, W) uint8; ``inverted``: 0 is white.
    """

    values: NDArray[Any]
    white: float | None = None
    opacity: NDArray[np.uint8] | None = None
    inverted: bool = False

    @property
    def whole(self) -> bool:
        """Whether the values are whole numbers."""
        return self.values.dtype.kind != "f"

    def extremes(self) -> tuple[bool, float, float] | None:
        """Give (whether whole numbers, smallest, largest), for `rule`; None where nothing has to be found out."""
        if self.white is not None:
            return None
        low, high = math.inf, -math.inf
        for block in _blocks(self.values):
            sound = block if self.whole else block[np.abs(block) < _ABSURD]  # not NaN either
            if sound.size:
                low, high = min(low, float(sound.min())), max(high, float(sound.max()))
        return (self.whole, low, high) if low <= high else (self.whole, 0.0, 0.0)


def read_square(content: bytes, side: int, reading: PictureReading | None = None) -> NDArray[np.uint8]:
    """Bring a picture's file to (``side``, ``side``, 3) uint8 RGB; whatever the decoder raises is raised."""
    with open_picture(content) as picture:
        draft(picture, content, side)
        return np.asarray(rgb_square(picture, content, side, reading))


def open_picture(content: bytes) -> ImageFile.ImageFile:
    """Read a picture's header. Of formats that this build of Pillow lacks, nothing is recognised."""
    Image.init()
    return Image.open(io.BytesIO(content), formats=[name for name in FORMATS if name in Image.OPEN])


def draft(picture: ImageFile.ImageFile, content: bytes, side: int) -> int:
    """Have a JPEG or JPEG 2000 decoded at the smallest scale that still leaves twice ``side``, to be antialiased.

    Returns how many pixels will be decoded.
    """
    width, height = picture.size
    shrink = max(1.0, min(width, height) / (2 * side))
    if picture.format == "JPEG2000" and not is_deep(
        picture
    ):  # the range of deep ones is that of all their pixels
        halvings = min(int(math.log2(shrink)), _halvings(content))
        if halvings:
            picture.reduce = halvings  # type: ignore[assignment, method-assign]
            # Pillow rounds the reduced size, and the standard rounds it up: told this size, both say the same.
            width, height = -(-width >> halvings), -(-height >> halvings)
            picture._size = width << halvings, height << halvings
        return width * height
    picture.draft("RGB" if picture.mode != "CMYK" else None, (int(width / shrink), int(height / shrink)))
    return picture.width * picture.height


def _halvings(content: bytes) -> int:
    """Read how often a JPEG 2000 picture may be halved (ITU T.800, annex A): by its least decomposed component."""
    start = content.find(_CODESTREAM)
    place, levels = start + 2, []
    if start < 0 or any(
        content[place + 14 : place + 22]
    ):  # an offset from the origin: sizes are rounded otherwise
        return 0
    while (
        place + 12 < len(content) and content[place] == 0xFF and content[place + 1] != 0x90
    ):  # up to the first tile
        if content[place + 1] == 0x52:
            levels.append(content[place + 9])
        elif content[place + 1] == 0x53:
            return 0  # a component of its own kind
        place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    return min(levels, default=0)


def rgb_square(
    picture: ImageFile.ImageFile, content: bytes, side: int, reading: PictureReading | None = None
) -> Image.Image:
    """Bring an opened picture to an upright square of 8-bit RGB; ``content`` is its file.

    Without a ``reading`` the picture is cropped, and a set of its own.
    """
    reading = reading or PictureReading()
    return upright_square(*decoded(picture, content, reading), side, reading.fit)


def decoded(
    picture: ImageFile.ImageFile, content: bytes, reading: PictureReading
) -> tuple[Image.Image, Image.Transpose | None]:
    """Decode an opened picture to 8 bits, lying as its file stores it, and say what turns it upright."""
    deep = deep_values(picture, content)
    if deep is not None:
        stored = _eight_bits(deep, reading)
    else:
        picture.load()
        stored = _eight_bit_mode(picture)
    # Only now: a PNG may tell its orientation after its pixels, and Pillow turns TIFFs itself and says so here.
    return stored, _UPRIGHT.get(_orientation(picture, content) or 1)


def upright_square(stored: Image.Image, turn: Image.Transpose | None, side: int, fit: str) -> Image.Image:
    """Bring what `decoded` gives to a square of RGB. Transparent parts become white, when there are few pixels left."""
    small = _resized(stored, side, fit)
    if small.mode == "RGBA":
        # Pillow resizes with the colours weighted by their opacity: the same as on white first, but for rounding.
        small = Image.alpha_composite(Image.new("RGBA", small.size, "white"), small)
    small = small.convert("RGB")
    if turn is not None:  # a centred square may be turned after cropping: less to turn
        small = small.transpose(turn)
    if small.size == (side, side):
        return small
    padded = Image.new("RGB", (side, side), PADDING)
    padded.paste(small, ((side - small.width) // 2, (side - small.height) // 2))
    return padded


def rule(extremes: Iterable[tuple[bool, float, float]], fit: str = "crop") -> PictureReading:
    """Choose what becomes black and white in all pictures of a set, from the `Deep.extremes` of each.

    Black is 0, white the largest number of as many bits as the largest value needs: 4,095 for the 12 bits of a camera,
    whatever container they came in. Floating point numbers up to 1 are shares of white; larger ones count like whole
    numbers. Where there are negative values, black goes down to the power of two below them.
    """
    measured = list(extremes)
    whole = [(low, high) for is_whole, low, high in measured if is_whole]
    real = [(low, high) for is_whole, low, high in measured if not is_whole]
    if real and max(max(-low, high) for low, high in real) > _ONE:
        both = _bounds(whole + real)
        return PictureReading(fit=fit, counts=both, shares=both)
    return PictureReading(fit=fit, counts=_bounds(whole), shares=_bounds(real, of_one=True))


def _bounds(extremes: list[tuple[float, float]], *, of_one: bool = False) -> tuple[float, float] | None:
    if not extremes:
        return None
    low, high = min(low for low, _ in extremes), max(high for _, high in extremes)
    if of_one:
        black, white = -_power(-low) or 0.0, _power(high)
    else:
        black = -float(2 ** (math.ceil(-low) - 1).bit_length()) if low < 0 else 0.0
        white = float(2 ** math.ceil(high).bit_length() - 1) if high > 0 else 0.0
    return (black, white) if black < white else (0.0, 1.0)


def _power(share: float) -> float:
    """Round a share up to a power of two: at most 1; 0 for 0 and less."""
    return 2.0 ** min(0, math.ceil(math.log2(share))) if share > 0 else 0.0


# --- more than 8 bits -----------------------------------------------------------------------------------


def is_deep(picture: ImageFile.ImageFile) -> bool:
    """Tell from a picture's header whether `deep_values` has something to give."""
    return (
        picture.mode in ("I", "F") or picture.mode.startswith("I;16") or _halves(picture) or _signed(picture)
    )


def deep_values(picture: ImageFile.ImageFile, content: bytes) -> Deep | None:
    """Decode a picture of more than 8 bits with all of them; None for any other, which is not decoded."""
    if not is_deep(picture):
        return None
    _mend_byte_order(picture)
    if _halves(picture):
        return _sixteen_bit_colour(picture, content)
    tags = _tags(picture)
    bits, inverted = (tags.get(258) or (0,))[0], tags.get(262) == _WHITE_IS_ZERO
    white, depth = _declared_white(picture, bits), _depth_of_jpeg2000(content)
    nothing = _missing(tags.get(_GDAL_NODATA))
    signed, unsigned = _signed(picture), (tags.get(339) or (1,))[0] == 1
    values = np.array(picture)  # decodes
    if signed:
        values = values.view(np.int8)
    elif picture.format == "JPEG2000":  # its depth is but room: satellites say 15 bits and use 12
        values = values >> 16 - depth
    elif bits == 32 and unsigned and values.dtype == np.int32:
        values = values.view(np.uint32)
    transparent = picture.info.get("transparency") if picture.format == "PNG" else None
    if isinstance(transparent, int):
        return Deep(
            values=values, white=white, opacity=np.where(values == transparent, 0, 255).astype(np.uint8)
        )
    if nothing is not None and (values == nothing).any():
        values = np.where(values == nothing, np.float32(np.nan), values)  # nothing was measured there
    return Deep(values=values, white=white, inverted=inverted)


def _depth_of_jpeg2000(content: bytes) -> int:
    """Read the bits of a JPEG 2000's first component, which Pillow scales to 16."""
    place = content.find(_CODESTREAM)
    return min(16, (content[place + 42] & 127) + 1) if 0 <= place < len(content) - 42 else 16


def _declared_white(picture: ImageFile.ImageFile, bits: int) -> float | None:
    """Say what is white in a format that says so, at the scale that Pillow decodes to."""
    if picture.format == "PPM":  # scaled by Pillow, unless its maximum is all that there is room for
        return 65535.0 if picture.mode == "I" and _argument(picture, -1) not in (65535, "I;16B") else None
    return 4095.0 if picture.format == "TIFF" and bits == 12 else None


def _argument(picture: ImageFile.ImageFile, place: int) -> Any:
    """Read an argument of the decoder that Pillow has chosen for a picture."""
    args = picture.tile[0].args if getattr(picture, "tile", None) else ()
    return args[place] if isinstance(args, tuple) and args else args


def _signed(picture: ImageFile.ImageFile) -> bool:
    """Whether it is a TIFF of signed bytes, which Pillow takes for unsigned ones."""
    return picture.format == "TIFF" and picture.mode == "L" and (_tags(picture).get(339) or (1,))[0] == 2


def _tags(picture: ImageFile.ImageFile) -> Any:
    """Give a TIFF's tags, by number; nothing of other formats."""
    return getattr(picture, "tag_v2", {})


def _missing(text: str | None) -> float | None:
    """Read GDAL's word for the value of pixels where nothing was measured."""
    try:
        return None if text is None else float(text.strip("\0 "))
    except ValueError:
        return None


def _mend_byte_order(picture: ImageFile.ImageFile) -> None:
    """Have compressed TIFFs read in the machine's byte order, in which libtiff gives them; Pillow takes the file's."""
    if picture.format == "TIFF" and picture.tile and picture.tile[0].codec_name == "libtiff":
        native = (
            {"I;16BS": "I;16S", "I;32BS": "I;32S", "F;32BF": "F;32F"} if sys.byteorder == "little" else {}
        )
        picture.tile = [
            tile._replace(args=(native.get(tile.args[0], tile.args[0]), *tile.args[1:]))
            for tile in picture.tile
            if isinstance(tile.args, tuple)
        ]


def _halves(picture: ImageFile.ImageFile) -> bool:
    """Whether a picture is of 16-bit colour, of which Pillow decodes the upper bytes alone."""
    tile = picture.tile[0] if getattr(picture, "tile", None) else None
    if tile is None:
        return False
    raw = tile.args if isinstance(tile.args, str) else (tile.args or ("",))[0]
    if picture.format == "PNG":
        return raw in ("RGB;16B", "RGBA;16B", "LA;16B")
    if picture.format == "TIFF":
        bits = _tags(picture).get(258) or (0,)
        return picture.mode in ("RGB", "RGBA") and bits[0] == 16 and not raw.startswith("RGBa")
    return (
        picture.format == "PPM" and tile.codec_name == "ppm" and raw == "RGB" and _argument(picture, -1) > 255
    )


def _sixteen_bit_colour(picture: ImageFile.ImageFile, content: bytes) -> Deep:
    """Decode twice: in the other byte order, Pillow takes the lower bytes for the upper ones."""
    again = open_picture(content)
    maximum = _argument(picture, -1) if picture.format == "PPM" else 65535
    grey = picture.format == "PNG" and picture.tile[0].args == "LA;16B"
    if picture.format == "TIFF" and _tags(picture).get(284) == 2 and picture.tile[0].codec_name == "libtiff":
        raise UnreadableError(
            "The TIFF keeps the 16-bit planes of its colours apart and compressed, which cannot be read here; save it "
            "with interleaved channels, or as PNG."
        )
    upper, lower = (
        [_tile(one, tile, lower=lower) for tile in one.tile]
        for one, lower in ((picture, False), (again, True))
    )
    picture.tile, again.tile = upper, lower
    high, low = np.asarray(picture), np.asarray(again)  # (H, W, 3 or 4) uint8
    alpha: NDArray[Any] | None = None
    if grey:  # its two numbers of two bytes were read as four bytes
        pairs = low.astype(np.uint16)
        values, alpha = pairs[..., 0] << 8 | pairs[..., 1], pairs[..., 2] << 8 | pairs[..., 3]
    else:
        values = high[..., :3].astype(np.uint16)
        values <<= 8
        values |= low[..., :3]
        if high.shape[2] == 4:
            alpha = high[..., 3].astype(np.uint16) << 8 | low[..., 3]
    opacity = None
    if alpha is not None:
        opacity = _opacity(alpha, int(values.max(initial=0)))
    elif picture.format == "PNG" and isinstance(picture.info.get("transparency"), tuple):
        same = values == np.array(picture.info["transparency"], dtype=np.uint16)
        opacity = np.where(same.all(axis=2), 0, 255).astype(np.uint8)
    return Deep(values=values, white=None if maximum == 65535 else float(maximum), opacity=opacity)


def _tile(picture: ImageFile.ImageFile, tile: Any, *, lower: bool) -> Any:
    """Have one strip or tile of 16-bit colour decoded to its upper or its lower bytes."""
    if picture.format == "PPM":
        return tile._replace(codec_name="raw", args=("RGB;16L" if lower else "RGB;16B", 0, 1))
    raw = tile.args if picture.format == "PNG" else tile.args[0]
    if raw == "LA;16B":
        return tile._replace(args="RGBA")
    if len(raw) == 1:  # one colour's plane alone
        raw += ";16L" if _tags(picture).prefix == b"II" else ";16B"
    if lower:
        order = ("L" if sys.byteorder == "little" else "B") if raw[-1] == "N" else raw[-1]
        raw = raw[:-1] + {"L": "B", "B": "L"}[order]
    return tile._replace(args=raw if picture.format == "PNG" else (raw, *tile.args[1:]))


def _opacity(alpha: NDArray[np.uint16], largest: int) -> NDArray[np.uint8]:
    """Bring opacity to 8 bits: by its full range, or by that of the colours where it stays within theirs."""
    within = 2 ** max(largest, 1).bit_length() - 1
    return _scaled(alpha, 0.0, float(within if 0 < int(alpha.max(initial=0)) <= within else 65535))


def _eight_bits(deep: Deep, reading: PictureReading) -> Image.Image:
    """Bring the values to 8 bits by the rule of the set."""
    bounds = (0.0, deep.white) if deep.white is not None else reading.counts if deep.whole else reading.shares
    if bounds is None:
        extremes = deep.extremes()
        own = rule([extremes] if extremes else [])
        bounds = (own.counts if deep.whole else own.shares) or (0.0, 1.0)
    grey = _scaled(deep.values, *bounds)
    if deep.inverted:
        grey = 255 - grey
    picture = Image.fromarray(grey)
    if deep.opacity is not None:
        picture = picture.convert("RGB")
        picture.putalpha(Image.fromarray(deep.opacity))
    return picture


def _scaled(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Scale ``low`` to ``high`` to 0 to 255; what lies beyond is cut off, what is no number becomes 0."""
    small = np.empty(values.shape, dtype=np.uint8)
    for block, into in zip(_blocks(values), _blocks(small), strict=True):
        with np.errstate(all="ignore"):  # floating point pictures may hold anything
            grey = (block.astype(np.float64) - low) * (255 / (high - low))
            grey = np.where(np.abs(block) < _ABSURD, grey, 0.0)
        into[...] = grey.clip(0, 255).round()
    return small


def _blocks(values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    for top in range(0, len(values), _ROWS):  # all rows at once would take a gigabyte of a large picture
        yield values[top : top + _ROWS]


# --- 8 bits ---------------------------------------------------------------------------------------------


def has_transparency(picture: Image.Image) -> bool:
    """Whether parts of a picture may be transparent."""
    return picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info


def _eight_bit_mode(picture: Image.Image) -> Image.Image:
    """Bring a picture of 8 bits and less to L, RGB, or, where parts may be transparent, to RGBA."""
    mode = "RGBA" if has_transparency(picture) else "L" if picture.mode in ("1", "L") else "RGB"
    return picture if picture.mode == mode else picture.convert(mode)


def _orientation(picture: ImageFile.ImageFile, content: bytes) -> int | None:
    """Read how a decoded picture is still to be turned."""
    try:
        exif = picture.getexif()
        if picture.format == "JPEG2000" and _EXIF_IN_JPEG2000 in content:
            exif.load(content[content.index(_EXIF_IN_JPEG2000) + len(_EXIF_IN_JPEG2000) :])
        return exif.get(ExifTags.Base.Orientation)
    except Exception:  # a damaged EXIF block is no reason to lose the picture
        return None


def _resized(picture: Image.Image, side: int, fit: str) -> Image.Image:
    """Resize, antialiased: the centred square, or all of the picture, to a square or to its own shape within one."""
    width, height = picture.size
    size, box = (side, side), (0.0, 0.0, float(width), float(height))
    if fit == "crop":
        short = min(width, height)
        left, top = (width - short) / 2, (height - short) / 2
        box = (left, top, left + short, top + short)
    elif fit == "pad":
        scale = side / max(width, height)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return picture.resize(size, Image.Resampling.BILINEAR, box=box, reducing_gap=3.0)


def square(picture: Image.Image, side: int) -> Image.Image:
    """Crop the centred square and resize it, in one step."""
    return _resized(picture, side, "crop")
