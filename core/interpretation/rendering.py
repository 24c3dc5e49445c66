"""Maps and tiles -> pictures: arrays in, uint8 RGB arrays out.

Blue and orange mean frozen and trained everywhere in the lab, so maps use other colours: gold speaks for, violet
against; a map by itself runs from dark violet to pale gold.
"""

import base64
import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.arrays import Pixels

GOLD, VIOLET = (255, 196, 37), (138, 63, 252)
GAP_LEVEL = 128  # grey of the gaps between tiles: visible on light and dark pages

Map = NDArray[np.floating]

# Anchors of the ramp for maps by themselves, dark to light; luminance rises evenly.
_RAMP = np.array(
    [
        (16, 10, 34),
        (66, 24, 98),
        (138, 38, 108),
        (206, 72, 74),
        (242, 138, 46),
        (255, 206, 88),
        (255, 248, 216),
    ],
    dtype=np.float64,
)


_LEVELS = 1020  # between dark and light, more than a screen's 255, so that no step is skipped
_TABLE = (
    np.stack(
        [
            np.interp(np.linspace(0, len(_RAMP) - 1, _LEVELS + 1), np.arange(len(_RAMP)), channel)
            for channel in _RAMP.T
        ],
        axis=-1,
    )
    .round()
    .astype(np.uint8)
)


def ramp(values: Map) -> Pixels:
    """Colour values (…), 0-1, dark to light: (…, 3) uint8."""
    shares = np.clip(np.nan_to_num(values), 0, 1)
    colours: Pixels = _TABLE[(shares * _LEVELS + 0.5).astype(np.int16)]
    return colours


def scaled(values: Map, *, percentile: float = 99.5) -> NDArray[np.float64]:
    """Divide by the ``percentile`` of the magnitudes, clip to -1..1: one hot pixel hides nothing else."""
    numbers = np.asarray(values, dtype=np.float64)
    most = float(np.percentile(np.abs(numbers), percentile)) if numbers.size else 0.0
    most = most or float(np.abs(numbers).max(initial=0.0))
    return np.clip(numbers / most, -1, 1) if most > 0 else np.zeros_like(numbers)


def resized(values: Map, side: int, *, smooth: bool = True) -> NDArray[np.float64]:
    """Resize a map (h, w) to (side, side)."""
    picture = Image.fromarray(np.asarray(values, dtype=np.float32), mode="F")
    way = Image.Resampling.BICUBIC if smooth else Image.Resampling.NEAREST
    return np.asarray(picture.resize((side, side), way), dtype=np.float64)


def enlarged(picture: Pixels, side: int) -> Pixels:
    """Enlarge a square picture (S, S, 3) smoothly to (side, side, 3)."""
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC))


def overlay(picture: Pixels, values: Map, *, smooth: bool = True) -> Pixels:
    """Lay a signed map (h, w) over a picture (S, S, 3): gold where it is positive, violet where negative.

    The map is scaled to its own largest magnitude first; where it is near 0 the picture shows, greyed.
    """
    heat = scaled(resized(scaled(values), picture.shape[0], smooth=smooth))
    strength = np.abs(heat) ** 0.8 * 0.85
    # Pillow blends in integers, twice as fast as NumPy does in floats: a click draws several of these.
    grey = Image.fromarray(picture).convert("RGB", _GREYED)
    gold, violet = (Image.new("RGB", grey.size, colour) for colour in (GOLD, VIOLET))
    colour = Image.composite(gold, violet, _mask(np.heaviside(heat, 1)))
    return np.asarray(Image.composite(colour, grey, _mask(strength)))


# A quarter of each colour's sum and a tenth of itself, a row for each of red, green and blue.
_GREYED = (0.35, 0.25, 0.25, 0, 0.25, 0.35, 0.25, 0, 0.25, 0.25, 0.35, 0)


def _mask(shares: Map) -> Image.Image:
    """Make a mask of shares (0-1)."""
    return Image.fromarray((shares * 255.0 + 0.5).astype(np.uint8))


def frame(picture: Pixels, box: tuple[float, float, float, float], *, width: int = 3) -> Pixels:
    """Draw a gold frame with a dark edge around ``box`` (left, top, right, bottom as shares of the side)."""
    side = picture.shape[0]
    left, top, right, bottom = (round(min(max(part, 0.0), 1.0) * (side - 1)) for part in box)
    drawn = picture.copy()
    for colour, grow in (((20, 16, 8), 1), (GOLD, 0)):
        thick = width + 2 * grow
        x0, y0 = max(left - grow, 0), max(top - grow, 0)
        x1, y1 = min(right + grow + 1, side), min(bottom + grow + 1, side)
        drawn[y0 : y0 + thick, x0:x1] = colour
        drawn[max(y1 - thick, 0) : y1, x0:x1] = colour
        drawn[y0:y1, x0 : x0 + thick] = colour
        drawn[y0:y1, max(x1 - thick, 0) : x1] = colour
    return drawn


def contact_sheet(tiles: Pixels, columns: int | None = None, *, gap: int = 1) -> Pixels:
    """Put tiles (N, h, w, 3) row by row on one sheet, ``gap`` grey pixels around each; near square by default.

    Every cell of the sheet is (h + gap) x (w + gap), so the cell under a click follows from the shares alone.
    """
    count, height, width = tiles.shape[:3]
    columns = columns or max(1, math.ceil(math.sqrt(count)))
    rows = math.ceil(count / columns)
    sheet = np.full((rows * (height + gap), columns * (width + gap), 3), GAP_LEVEL, dtype=np.uint8)
    for number in range(count):
        top, left = number // columns * (height + gap), number % columns * (width + gap)
        sheet[top : top + height, left : left + width] = tiles[number]
    return sheet


def map_tiles(maps: Map, side: int | None = None) -> Pixels:
    """Colour maps (N, h, w), each scaled by its own range, as tiles (N, side, side, 3)."""
    low = maps.min(axis=(1, 2), keepdims=True)
    span = maps.max(axis=(1, 2), keepdims=True) - low
    tiles = ramp((maps - low) / np.where(span > 0, span, 1))
    if side is None or side == maps.shape[1]:
        return tiles
    nearest = np.arange(side) * maps.shape[1] // side
    return tiles[:, nearest[:, None], nearest]


def encode(picture: Pixels, *, quality: int | None = None) -> bytes:
    """Encode a picture (H, W, 3): as WebP without loss, or as JPEG at ``quality`` (0-100).

    A lossy WebP of 448 x 448 pixels takes 17 ms, a JPEG 1 ms, and a click draws several. What has transparent parts,
    (H, W, 4), becomes WebP all the same, since JPEG knows none.
    """
    out = io.BytesIO()
    if quality is None:
        Image.fromarray(picture).save(out, "WEBP", lossless=True, quality=0, method=0)
    elif picture.shape[-1] == 4:
        Image.fromarray(picture).save(out, "WEBP", quality=quality, method=0)
    else:
        Image.fromarray(picture).save(out, "JPEG", quality=quality, subsampling=0)
    return out.getvalue()


def kind(encoded: bytes) -> str:
    """Tell what `encode` made: "jpeg" or "webp"."""
    return "jpeg" if encoded.startswith(b"\xff\xd8") else "webp"


def data_address(encoded: bytes) -> str:
    """Write an encoded picture as a ``data:`` address."""
    return f"data:image/{kind(encoded)};base64,{base64.b64encode(encoded).decode()}"
