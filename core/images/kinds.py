"""What a picture's file is, in words: what it was converted from, and why it cannot be read."""

import re
import struct
from collections.abc import Iterator

from PIL import ExifTags, ImageFile, TiffImagePlugin, TiffTags, UnidentifiedImageError

from core.images.to_rgb import has_transparency

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEIC = (
    "The file is a HEIC photograph, which cannot be read here; export it as JPEG (on a Mac: Preview, File, Export; an "
    "iPhone takes JPEG pictures under Settings, Camera, Formats, Most Compatible)."
)
_HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}
_VIDEO_BRANDS = {b"qt  ", b"isom", b"iso2", b"mp41", b"mp42", b"avc1", b"M4V ", b"3gp4", b"3gp5"}
_JPEG_XL = "The file is a JPEG XL picture, which cannot be read here; export it as JPEG or PNG."

# Where and how files begin (in lower case) that stand among pictures and cannot be read, and what they are.
_OTHERS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%pdf", "The file is a PDF document, not a picture; export its pages as PNG."),
    (0, b"8bps", "The file is a Photoshop document, which cannot be read here; export it as PNG."),
    (0, b"\xff\x0a", _JPEG_XL),
    (4, b"jxl ", _JPEG_XL),
    (0, b"pk\x03\x04", "The file is a ZIP archive (or an office document), not a picture; unpack it first."),
    (0, b"\x1f\x8b", "The file is packed by gzip, not a picture; unpack it first."),
    (0, b"\x89hdf", "The file is an HDF5 file, not a picture; export its pictures as PNG or TIFF."),
    (0, b"\x93numpy", "The file is a NumPy array, not a picture; save it as PNG or TIFF."),
    (128, b"dicm", "The file is a DICOM file, which cannot be read here; export it as PNG or TIFF."),
    (
        0,
        b"version https://git-lfs",
        "The file is only a pointer of Git LFS; fetch the picture itself with “git lfs pull”.",
    ),
)


def conversion(picture: ImageFile.ImageFile, content: bytes) -> str | None:
    """Name what an opened picture will give up on the way to 8-bit RGB; grey pictures lose nothing."""
    words = []
    bits = _bits(picture, content)
    if picture.mode == "F":
        words.append("floating point")
    elif bits > 8:
        words.append(f"{bits}-bit")
    if picture.format != "MPO" and getattr(picture, "is_animated", False):
        words.append(
            "animation (first picture)" if picture.format != "TIFF" else "several pages (first page)"
        )
    if has_transparency(picture):
        words.append("transparency (on white)")
    if not words and picture.mode not in ("YCbCr", "RGB", "L", "1"):
        words.append({"P": "palette"}.get(picture.mode, picture.mode))
    return ", ".join(words) or None


def _bits(picture: ImageFile.ImageFile, content: bytes) -> int:
    """Read how many bits a channel has; 8 also stands for fewer."""
    if picture.format == "PNG":
        return content[24] if content.startswith(_PNG_SIGNATURE) else 8  # in the IHDR chunk
    if picture.format == "TIFF":
        return max(getattr(picture, "tag_v2", {}).get(ExifTags.Base.BitsPerSample) or (8,))
    if picture.format == "JPEG2000":
        place = content.find(b"\xff\x4f\xff\x51")  # the codestream's SIZ marker (ITU T.800, A.5.1)
        return (content[place + 42] & 127) + 1 if 0 <= place < len(content) - 42 else 8
    if picture.format == "AVIF":
        place = content.find(
            b"av1C"
        )  # AV1 codec configuration (AV1-ISOBMFF, 2.3.3): bits 6 and 5 of its third byte
        flags = content[place + 6] if 0 <= place < len(content) - 6 else 0
        return 8 if not flags & 0x40 else 12 if flags & 0x20 else 10
    if picture.format == "PPM" and picture.tile:
        args = picture.tile[0].args
        largest = args[-1] if isinstance(args, tuple) and picture.tile[0].codec_name.startswith("ppm") else 0
        return 16 if args == "I;16B" else max(8, int(largest).bit_length())
    return 8


def refusal(content: bytes) -> str | None:
    """Say what a file is that cannot be a picture which can be read; None where it may be one."""
    if not content:
        return "The file is empty (0 bytes); export or download it again."
    if not content[:4096].strip(b"\0") and not content.strip(b"\0"):
        return "The file holds nothing but zero bytes; copy or download it again."
    if content.startswith(b"\xff\xd8") and _jpeg_precision(content) > 8:
        return "The JPEG has 12 bits a channel, which cannot be read here; save it as PNG or TIFF."
    if content[4:8] == b"ftyp":
        return _media(_brands(content))
    return _text(content[:1024]) or next(
        (why for place, begins, why in _OTHERS if content[place : place + len(begins)].lower() == begins),
        None,
    )


def _text(start: bytes) -> str | None:
    """Say what a text that stands in for a picture is."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16
        start = start[2:].replace(b"\0", b"")
    start = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    start = re.sub(rb"^(<!--.*?-->\s*)+", b"", start, flags=re.DOTALL)
    if b"<svg" in start:
        return "The file is an SVG drawing, not pixels; export it as PNG."
    if start.startswith(
        (b"<!doctype", b"<html", b"<head", b"<body", b"<meta", b"<script", b"<?xml", b"<!--")
    ):
        return "The file is a web page, not a picture: open its link in a browser and save the picture."
    return None


def _media(brands: set[bytes]) -> str | None:
    """Say what an ISO media file is; None for an AVIF, which shares its container with HEIC and video."""
    if brands & _AVIF_BRANDS:
        return None
    if brands & _HEIC_BRANDS:
        return _HEIC
    if brands & _VIDEO_BRANDS:
        return "The file is a video, not a picture; export single pictures of it as JPEG or PNG."
    return None


def _brands(content: bytes) -> set[bytes]:
    """Read the major and the compatible brands of an ISO media file (ISO 14496-12, 4.3)."""
    size = min(int.from_bytes(content[:4], "big"), 4096, len(content))
    return {content[8:12], *(content[place : place + 4] for place in range(16, size - 3, 4))}


def _jpeg_precision(content: bytes) -> int:
    """Read the bits per channel from a JPEG's frame header (ITU T.81, B.2.2); 8 where none is found."""
    place = 2
    while place + 5 < len(content) and content[place] == 0xFF:
        kind = content[place + 1]
        if kind == 0xFF:  # a fill byte
            place += 1
            continue
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            return content[place + 4]
        place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    return 8


def undecodable(content: bytes, error: Exception) -> str:
    """Say why a decoder gave up on a file."""
    tiff = _tiff(content)
    if isinstance(error, UnidentifiedImageError):
        if tiff:
            return (
                f"The TIFF is of a kind that cannot be read here ({tiff}); save it as grey or RGB with 8 or 16 bits a "
                "channel, as TIFF or PNG."
            )
        return (
            "The file is not a picture in a format that can be read (JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF)."
        )
    if "truncated" in str(error).lower():
        return "The picture is cut off in the middle; copy or download the file again."
    if tiff and ("decoder" in str(error) or "codec" in str(error)) and not isinstance(error, MemoryError):
        return (
            f"The TIFF is damaged, or packed in a way that cannot be read here ({tiff}); save it again without "
            "compression, or as PNG."
        )
    return "The picture is damaged and cannot be decoded; copy or download the file again."


def _tiff(content: bytes) -> str:
    """Describe a TIFF's first picture in a few words; "" where it is none, or its tags cannot be read."""
    if content[:4] not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return ""
    try:
        tags = dict(_tags(content))
    except (struct.error, IndexError, ValueError):
        return ""
    bits = tags.get(ExifTags.Base.BitsPerSample, (1,))
    channels = tags.get(ExifTags.Base.SamplesPerPixel, (1,))[0]
    kind = {2: "signed ", 3: "floating point "}.get(tags.get(ExifTags.Base.SampleFormat, (1,))[0], "")
    packed = tags.get(ExifTags.Base.Compression, (1,))[0]
    words = [
        f"{channels} channel{'' if channels == 1 else 's'} of {max(bits)}-bit {kind}numbers",
        TiffImagePlugin.COMPRESSION_INFO.get(packed, f"compression {packed}").replace("raw", ""),
        "white is zero" if tags.get(ExifTags.Base.PhotometricInterpretation) == (0,) else "",
    ]
    return ", ".join(filter(None, words))


def _tags(content: bytes) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Read the whole numbers among the tags of a TIFF's first directory (TIFF 6.0, section 2; BigTIFF)."""
    order = "<" if content[:2] == b"II" else ">"
    big = content[2:4] in (b"+\0", b"\0+")
    head, count_code, row, offset_code = (16, "Q", 20, "Q") if big else (8, "H", 12, "I")
    first = struct.unpack_from(order + offset_code, content, head - struct.calcsize(offset_code))[0]
    count = struct.unpack_from(order + count_code, content, first)[0]
    codes = {TiffTags.BYTE: "B", TiffTags.SHORT: "H", TiffTags.LONG: "I", TiffTags.LONG8: "Q"}
    for number in range(min(count, 256)):
        place = first + struct.calcsize(count_code) + number * row
        tag, kind, length = struct.unpack_from(order + "HH" + offset_code, content, place)
        if kind in codes and 0 < length <= 64:
            at = place + 4 + struct.calcsize(offset_code)
            if length * struct.calcsize(codes[kind]) > struct.calcsize(offset_code):
                at = struct.unpack_from(order + offset_code, content, at)[0]
            yield tag, struct.unpack_from(f"{order}{length}{codes[kind]}", content, at)
