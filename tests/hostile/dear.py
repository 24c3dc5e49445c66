"""Pictures that cost little to send and much to decode: made here byte by byte.

Every maker takes its size, so that a test can have a small one of the same kind.
"""

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from PIL import Image

from tests.hostile.pictures import chunk, many_scans, patched, png
from tests.hostile.sound import holding, saved

Case = tuple[str, Callable[[], bytes]]


def with_chunks(kind: bytes, content: bytes, count: int) -> bytes:
    """Write a small PNG with so many further chunks, before its pixels; at their end where they are IDAT."""
    plain = png(9, 9)
    at = plain.index(b"IEND" if kind == b"IDAT" else b"IDAT") - 4
    return plain[:at] + chunk(kind, content) * count + plain[at:]


def exif_block(tags: int, claimed: int) -> bytes:
    """Write an EXIF block whose tags all claim the same bytes."""
    rows = b"".join(struct.pack("<HHII", number, 7, claimed, 8 + 2 + 12 * tags + 4) for number in range(tags))
    return b"II*\0" + struct.pack("<IH", 8, tags) + rows + bytes(4) + bytes(claimed)


def plain_text(magic: str, side: int) -> bytes:
    """Write a PNM picture in plain text."""
    numbers = side * side * (3 if magic == "P3" else 1)
    return f"{magic} {side} {side} {'' if magic == 'P1' else '255 '}".encode() + b"1 " * numbers


def long_header(size: int, filler: bytes) -> bytes:
    """Write a binary PPM whose header holds a long comment, or much space."""
    return b"P6 " + filler * size + b"\n2 2 255\n" + bytes(12)


def run_length_bmp(side: int) -> bytes:
    """Write a BMP that is packed by run lengths (BI_RLE8), a pixel each."""
    plain = saved(Image.new("P", (side, side)), "BMP")
    at = struct.unpack_from("<I", plain, 10)[0]
    line = b"\1\7" * side + b"\0\0"
    return patched(plain[:at], (30, struct.pack("<I", 1))) + line * side + b"\0\1"


def gif(before: bytes = b"", blocks: bytes = b"") -> bytes:
    """Write a GIF with something before its first picture, and data blocks behind the ones that it needs."""
    plain = saved(Image.new("L", (9, 9)), "GIF")
    at = plain.index(b",\0\0\0\0")
    return plain[:at] + before + plain[at:-2] + blocks + plain[-2:]


def tiff(tags: dict[int, tuple[int, list[int]]], data: bytes, more: bytes = b"") -> bytes:
    """Write a TIFF of one directory: a type and numbers for each tag; ``data`` lies at byte 8, ``more`` at the end."""
    sizes = {3: "H", 4: "I"}
    at = 8 + len(data)
    rows, values = b"", b""
    beyond = at + 2 + 12 * len(tags) + 4
    for tag, (kind, numbers) in sorted(tags.items()):
        packed = struct.pack(f"<{len(numbers)}{sizes[kind]}", *numbers)
        place = packed.ljust(4, b"\0") if len(packed) <= 4 else struct.pack("<I", beyond + len(values))
        values += packed if len(packed) > 4 else b""
        rows += struct.pack("<HHI", tag, kind, len(numbers)) + place
    following = beyond + len(values) if more else 0
    directory = struct.pack("<H", len(tags)) + rows + struct.pack("<I", following)
    return b"II*\0" + struct.pack("<I", at) + data + directory + values + more


def many_strips(rows: int) -> bytes:
    """Write a TIFF of one pixel a strip, all of them the same bytes."""
    return tiff(
        {
            **{256: (4, [1]), 257: (4, [rows]), 258: (3, [8]), 259: (3, [1]), 262: (3, [1]), 277: (3, [1])},
            **{273: (4, [8] * rows), 278: (3, [1]), 279: (4, [1] * rows)},
        },
        bytes(8),
    )


def many_tags(count: int) -> bytes:
    """Write a TIFF with so many tags (at most 60,000) beside its own."""
    own = {256: [4], 257: [4], 258: [8], 259: [1], 262: [1], 273: [8], 277: [1], 278: [4], 279: [16]}
    return tiff(
        {number: (4, [number]) for number in range(1000, 1000 + count)} | {k: (4, v) for k, v in own.items()},
        bytes(16),
    )


def huge_tile(side: int) -> bytes:
    """Write a TIFF whose one tile is far larger than the picture, deflated zeros."""
    tile = zlib.compress(bytes(side * side), 9)
    return tiff(
        {
            **{256: (4, [16]), 257: (4, [16]), 258: (3, [8]), 259: (3, [8]), 262: (3, [1]), 277: (3, [1])},
            **{322: (4, [side]), 323: (4, [side]), 324: (4, [8]), 325: (4, [len(tile)])},
        },
        tile,
    )


def riff_chunks(count: int) -> bytes:
    """Write a WebP with so many empty chunks of its own kind before its picture."""
    plain = saved(Image.new("RGB", (9, 9)), "WEBP", exif=b"Exif\0\0II*\0")
    body = plain[12:30] + b"XXXX\0\0\0\0" * count + plain[30:]
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def segments(count: int) -> bytes:
    """Write a JPEG with so many empty comments."""
    plain = saved(Image.new("RGB", (9, 9)), "JPEG")
    return plain[:2] + b"\xff\xfe\0\2" * count + plain[2:]


def jpeg2000(side: int, **options: object) -> bytes:
    """Write a blank JPEG 2000."""
    return saved(Image.new("RGB", (side, side)), "JPEG2000", **options)


def float_tiff(side: int) -> bytes:
    """Write a deflated TIFF of zeros in floating point."""
    return saved(Image.new("F", (side, side)), "TIFF", compression="tiff_adobe_deflate")


def _animated(count: int) -> bytes:
    stream = io.BytesIO()
    pictures = [Image.fromarray(np.full((2, 2, 3), n % 2 * 255, np.uint8)) for n in range(count)]
    pictures[0].save(stream, "WEBP", save_all=True, append_images=pictures[1:], duration=10, lossless=True)
    return stream.getvalue()


def cases() -> Iterator[Case]:
    """Name every dear picture at its full size, with what makes it."""
    text = b"a\0\0" + zlib.compress(bytes(1_000_000), 9)
    yield "PNG, 3,000,000 text chunks", partial(with_chunks, b"tEXt", b"k\0v", 3_000_000)
    yield "PNG, 4,000,000 empty IDAT", partial(with_chunks, b"IDAT", b"", 4_000_000)
    yield "PNG, 60 packed texts of 1 MB", partial(with_chunks, b"zTXt", text, 60)
    yield "PNG, 2,000,000 frame chunks", partial(with_chunks, b"fcTL", bytes(10), 2_000_000)
    yield (
        "PNG, EXIF of 65,000 tags of 1 MB",
        lambda: with_chunks(b"eXIf", exif_block(65_000, 1_000_000), 1),
    )
    yield "PNG of 64 MP, 16-bit colours and opacity", lambda: png(8000, 8000, depth=16, colour=6)
    yield "PPM, plain", partial(plain_text, "P3", 2_800)
    yield "PGM, plain", partial(plain_text, "P2", 4_900)
    yield "PBM, plain", partial(plain_text, "P1", 4_900)
    yield "PPM, comment of 49 MB", partial(long_header, 49_000_000, b"#")
    yield "PPM, 49 MB of space", partial(long_header, 49_000_000, b" ")
    yield "BMP, run lengths", partial(run_length_bmp, 4_900)
    yield "GIF, 49 MB before its picture", lambda: gif(before=bytes(49_000_000))
    yield "GIF, comment of 24,000,000 blocks", lambda: gif(before=b"!\xfe" + b"\1x" * 24_000_000 + b"\0")
    yield "GIF, 24,000,000 data blocks", lambda: gif(blocks=b"\1x" * 24_000_000)
    yield "TIFF, 1,000,000 strips", partial(many_strips, 1_000_000)
    yield "TIFF, 60,000 tags", partial(many_tags, 60_000)
    yield "TIFF, a tile of 20,000 x 20,000", partial(huge_tile, 20_000)
    yield "TIFF of 64 MP, floating point", partial(float_tiff, 8_000)
    yield "WebP, 5,000,000 chunks", partial(riff_chunks, 5_000_000)
    yield "WebP, 20,000 pictures", partial(_animated, 20_000)
    yield "JPEG, 12,000,000 segments", partial(segments, 12_000_000)
    yield "JPEG with 49 passes, 59 MP", partial(many_scans, 40, 7_700)
    yield "JPEG 2000 of 64 MP, blank", partial(jpeg2000, 8_000)
    yield "JPEG 2000 of 62,500 tiles", partial(jpeg2000, 8_000, tile_size=(32, 32))
    yield (
        "JPEG 2000 of 9 MP, small code blocks",
        partial(jpeg2000, 3_000, codeblock_size=(4, 4), num_resolutions=1),
    )
    yield "JPEG 2000 of 64 MP, one resolution", partial(jpeg2000, 8_000, num_resolutions=1)
    yield "AVIF of 64 MP, blank", lambda: saved(Image.new("RGB", (8_000, 8_000)), "AVIF", speed=10)


def archives() -> Iterator[Case]:
    """Name archives in which every picture is dear, and none of them enough to be refused."""
    yield "30 blank JPEG 2000 of 64 MP", lambda: holding(*[jpeg2000(8_000)] * 30, suffix="jp2")
    yield "3,000 blank JPEG 2000 of 64 MP", lambda: holding(*[jpeg2000(8_000)] * 3_000, suffix="jp2")
    yield "60 PNG of 64 MP, 16-bit colours", lambda: holding(*[png(8_000, 8_000, depth=16, colour=6)] * 60)
    yield "400 TIFF of 90,000 strips", lambda: holding(*[many_strips(90_000)] * 400, suffix="tif")
    yield "2,000 PNG of 19,000 chunks", lambda: holding(*[with_chunks(b"tEXt", b"k\0v", 19_000)] * 2_000)
