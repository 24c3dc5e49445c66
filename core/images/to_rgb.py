"""From whatever a decoder gives to a square of 8-bit RGB, and a word for what was given up on the way."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def conversion(picture: Image.Image, content: bytes) -> str | None:
    """Name what will be given up on the way to 8-bit RGB; grey pictures lose nothing."""
    if picture.format != "MPO" and getattr(picture, "is_animated", False):
        return "animation (first picture)" if picture.format != "TIFF" else "several pages (first page)"
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        return "16-bit" if picture.mode != "F" else "floating point"
    if content.startswith(_PNG_SIGNATURE) and content[24:25] == b"\x10":  # bit depth in the IHDR chunk
        return "16-bit"
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        return "transparency (on white)"
    return {"P": "palette", "CMYK": "CMYK", "YCbCr": None, "RGB": None, "L": None, "1": None}.get(
        picture.mode, picture.mode
    )


def rgb_square(picture: Image.Image, side: int) -> Image.Image:
    """Bring any mode to 8-bit RGB and the size asked for; transparency last, when there are few pixels left."""
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        return square(_stretched(picture).convert("RGB"), side)
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        # Pillow resizes with the colours weighted by their opacity: the same as on white first, but for rounding.
        small = square(picture if picture.mode == "RGBA" else picture.convert("RGBA"), side)
        return Image.alpha_composite(Image.new("RGBA", small.size, "white"), small).convert("RGB")
    if picture.mode in ("1", "L"):
        return square(picture.convert("L"), side).convert("RGB")
    return square(picture if picture.mode == "RGB" else picture.convert("RGB"), side)


def _stretched(picture: Image.Image) -> Image.Image:
    """Bring more than 8 bits to 8: PNG by its full range, scientific formats by the picture's own range."""
    # (H, W); worked on in place, for it can be large. 24 bits of precision hold 16 exactly.
    values: NDArray[np.floating] = np.array(picture, dtype=np.float64 if picture.mode == "I" else np.float32)
    if picture.format == "PNG":
        low, high = 0.0, 65535.0
    else:
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    with np.errstate(all="ignore"):  # floating point pictures may hold anything
        np.nan_to_num(values, copy=False, nan=low, posinf=high, neginf=low)
        values -= low
        values *= 255 / max(high - low, 1e-12)
        return Image.fromarray(values.clip(0, 255, out=values).round(out=values).astype(np.uint8))


def square(picture: Image.Image, side: int) -> Image.Image:
    """Centre crop and antialiased resize in one step."""
    width, height = picture.size
    short = min(width, height)
    left, top = (width - short) / 2, (height - short) / 2
    return picture.resize(
        (side, side), Image.Resampling.BILINEAR, box=(left, top, left + short, top + short), reducing_gap=3.0
    )
