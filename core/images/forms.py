"""What a picture's form tells before anything is decoded: refused is what no program writes and costs seconds to read.

Pillow walks the parts of a file one by one, in Python for the most part; here they are counted, no further than to
the bound. What this does not foresee is bounded by the process in which pictures are read (`reader`).
"""

import re
import struct

_MOST_PARTS = (
    20_000  # chunks of a PNG or WebP, segments of a JPEG, blocks of a GIF beyond those that are usual
)
_USUAL_BLOCK = 100  # bytes of a GIF's block, at least; encoders fill 255
_MOST_TAGS = 1_000  # of a TIFF
_MOST_STRIPS = 100_000  # of a TIFF, or tiles
_MOST_TILES = 10_000  # of a JPEG 2000
_MOST_COMPONENTS = 5
_MOST_BLOCKS = 300_000  # code blocks of a JPEG 2000: 64 million pixels in blocks of 64 x 64 have 47,000
_MOST_SCANS = 50
_LONGEST_HEADER = 4_096  # bytes of a PNM's, with its comments

_JPEG_SCAN = b"\xff\xda"  # a marker (ITU T.81, B.1.1.3): compressed data never contain it
_JPEG_END = b"\xff\xd9"
_JPEG_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")  # with a length: no stuffed zero, no restart
_CODESTREAM = b"\xff\x4f\xff\x51"  # of JPEG 2000: its start, and the marker of its size
_COMMENT = re.compile(rb"#[^\r\n]*(?:[\r\n]|$)")

_PLAIN = "The picture keeps its pixels as text (plain PNM), which cannot be read here; save it as PNG."
_RUN_LENGTHS = "The BMP is packed by run lengths, which cannot be read here; save it as PNG."


def refusal(content: bytes) -> str | None:
    """Say why a file's form is not one to be decoded; None where it may be."""
    return next((check(content) for begins, check in _CHECKS if content.startswith(begins)), None)


def scans(content: bytes) -> int:
    """Count the scans of a JPEG's own picture: not a thumbnail's, nor what a phone appends (a film, a depth map)."""
    return _jpeg_parts(content)[0]


def _parts(what: str, parts: str = "parts") -> str:
    return f"The {what} has more {parts} than any program writes; save the picture again."


def _png(content: bytes) -> str | None:
    """Count the chunks: a length, a kind, content, a checksum (ISO 15948, 5.3)."""
    at = 8
    for _ in range(_MOST_PARTS):
        if at + 12 > len(content) or content[at + 4 : at + 8] == b"IEND":
            return None
        at += 12 + int.from_bytes(content[at : at + 4], "big")
    return _parts("PNG")


def _webp(content: bytes) -> str | None:
    """Count the chunks: a kind, a length, content of an even number of bytes."""
    at = 12
    for _ in range(_MOST_PARTS):
        if at + 8 > len(content) or content[8:12] != b"WEBP":
            return None
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        at += 8 + size + size % 2
    return _parts("WebP")


def _bmp(content: bytes) -> str | None:
    return _RUN_LENGTHS if content[30:34] in (b"\1\0\0\0", b"\2\0\0\0") else None


def _jpeg(content: bytes) -> str | None:
    scans, parts = _jpeg_parts(content)
    if scans > _MOST_SCANS:
        return f"The JPEG is stored in more than {_MOST_SCANS} passes, as no camera does; save the picture again."
    return _parts("JPEG") if parts > _MOST_PARTS else None


def _jpeg_parts(content: bytes) -> tuple[int, int]:
    """Count the scans and the segments; before the first scan every stray byte counts, too, as each costs a step."""
    place, scans, parts = 2, 0, 0
    while parts <= _MOST_PARTS:
        marker = _JPEG_MARKER.search(content, place)
        if marker is None or marker.group() == _JPEG_END:
            return scans, parts
        parts += 1 + (0 if scans else marker.start() - place)
        scans += marker.group() == _JPEG_SCAN
        place = marker.end() + int.from_bytes(content[marker.end() : marker.end() + 2], "big")
    return scans + content.count(_JPEG_SCAN, place), parts  # hostile: not worth a walk


def _gif(content: bytes) -> str | None:
    """Count the blocks up to the second picture (GIF89a, 15-26): whether there is one, is asked."""
    flags = content[10] if len(content) > 10 else 0
    at, steps, pictures, within = 13 + (6 << (flags & 7) if flags & 128 else 0), 0, 0, False
    while at < len(content):
        steps += 1
        if steps > _MOST_PARTS + at // _USUAL_BLOCK:
            return _parts("GIF", "blocks")
        byte = content[at]
        at += 1
        if within:  # a block: its length, its bytes
            within, at = byte > 0, at + byte
        elif byte == 0x21:  # an extension: its kind, blocks
            at, within = at + 1, True
        elif byte == 0x2C:  # a picture: place and size, flags, colours, bits, blocks
            pictures += 1
            if pictures == 2:
                break
            flags = content[at + 8] if len(content) > at + 8 else 0
            at, within = at + 10 + (6 << (flags & 7) if flags & 128 else 0), True
        elif byte == 0x3B:
            break
    return None


def _tiff(content: bytes) -> str | None:
    """Count the tags of the first directory, and its strips or tiles (TIFF 6.0, section 2; BigTIFF)."""
    order = "<" if content[:2] == b"II" else ">"
    big = content[2:4] in (b"+\0", b"\0+")
    count_code, offset_code, row, first = ("Q", "Q", 20, 8) if big else ("H", "I", 12, 4)
    try:
        (at,) = struct.unpack_from(order + offset_code, content, first)
        (count,) = struct.unpack_from(order + count_code, content, at)
        if count > _MOST_TAGS:
            return _parts("TIFF", "tags")
        at += struct.calcsize(count_code)
        for place in range(at, at + row * count, row):
            tag, _, length = struct.unpack_from(order + "HH" + offset_code, content, place)
            if tag in (273, 279, 324, 325) and length > _MOST_STRIPS:  # where they are, and how long
                return _parts("TIFF", "strips or tiles")
    except struct.error:  # a part of a TIFF: its decoder says so
        return None
    return None


def _plain_pnm(_content: bytes) -> str:
    return _PLAIN


def _pnm(content: bytes) -> str | None:
    """Find the three or four words of the header at the beginning; bitmaps have no largest value."""
    words = _COMMENT.sub(b" ", content[:_LONGEST_HEADER]).split(maxsplit=4)
    usual = len(words) >= (3 if content.startswith(b"P4") else 4) and content[1:2] in b"456f"
    return None if usual else "The PNM picture has no usual header; save it as PNG."


def _jpeg2000(content: bytes) -> str | None:
    """Count the tiles, components and code blocks of the codestream (ITU T.800, A.5.1 and A.6.1)."""
    at = content.find(_CODESTREAM)
    if at < 0 or len(content) < at + 42:
        return None
    right, bottom, _, _, width, height, left, top, components = struct.unpack_from(">8IH", content, at + 8)
    tiles = -(-max(0, right - left) // max(1, width)) * -(-max(0, bottom - top) // max(1, height))
    if tiles > _MOST_TILES or components > _MOST_COMPONENTS:
        return _parts("JPEG 2000", "tiles or channels")
    style = content.find(b"\xff\x52", at)
    if 0 <= style < len(content) - 12:
        block = 1 << (content[style + 10] & 15) + (content[style + 11] & 15) + 4
        if components * right * bottom // block > _MOST_BLOCKS * 3:
            return _parts("JPEG 2000", "blocks")
    return None


_CHECKS = (
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"RIFF", _webp),
    (b"\xff\xd8", _jpeg),
    (b"GIF8", _gif),
    (b"BM", _bmp),
    ((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), _tiff),
    ((b"P1", b"P2", b"P3"), _plain_pnm),
    ((b"P0", b"P4", b"P5", b"P6", b"Pf", b"Py"), _pnm),  # all that Pillow takes for one
    ((b"\0\0\0\x0cjP  ", _CODESTREAM), _jpeg2000),
)
