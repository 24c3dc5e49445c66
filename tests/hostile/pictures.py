"""The classics among hostile pictures, each inside a sound archive, made on the spot."""

import struct
import zlib
from collections.abc import Callable, Iterator
from random import Random

import numpy as np
from PIL import Image

from tests.hostile.sound import holding, picture, saved

Case = tuple[str, Callable[[], bytes]]  # its name, and what makes it


def chunk(kind: bytes, content: bytes) -> bytes:
    """Write one chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(
    width: int, height: int, *, depth: int = 1, colour: int = 0, more: bytes = b"", rows: int | None = None
) -> bytes:
    """Write a black PNG of any claimed size, without holding its pixels."""
    line = 1 + (width * depth * {0: 1, 2: 3, 6: 4}[colour] + 7) // 8
    packer = zlib.compressobj(9)
    body = (
        b"".join(packer.compress(bytes(line)) for _ in range(height if rows is None else rows))
        + packer.flush()
    )
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + more + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def patched(content: bytes, *changes: tuple[int, bytes]) -> bytes:
    """Overwrite bytes at places."""
    out = bytearray(content)
    for at, new in changes:
        out[at : at + len(new)] = new
    return bytes(out)


def many_scans(scans: int, side: int) -> bytes:
    """Repeat a progressive JPEG's last pass over all of the picture."""
    content = saved(Image.new("RGB", (side, side), "red"), "JPEG", progressive=True)
    at = content.rindex(b"\xff\xda")
    return content[:at] + content[at:-2] * scans + content[-2:]


def _huge_jpeg() -> bytes:
    content = saved(Image.new("RGB", (9, 9)), "JPEG")
    return patched(content, (content.index(b"\xff\xc0") + 5, b"\xff\xdc\xff\xdc"))


def _beginning(content: bytes, share: float) -> bytes:
    return content[: int(share * len(content))]


def looped_tiff() -> bytes:
    """Let the directory's successor be itself."""
    content = bytearray(saved(Image.new("L", (16, 16)), "TIFF"))
    at = struct.unpack_from("<I", content, 4)[0]
    count = struct.unpack_from("<H", content, at)[0]
    struct.pack_into("<I", content, at + 2 + 12 * count, at)
    return bytes(content)


def tiff_tag(tag: int, value: int, **options: object) -> bytes:
    """Write a TIFF and change one number of its directory."""
    content = bytearray(saved(Image.new("RGB", (64, 64), "red"), "TIFF", **options))
    at = struct.unpack_from("<I", content, 4)[0]
    for number in range(struct.unpack_from("<H", content, at)[0]):
        place = at + 2 + 12 * number
        if struct.unpack_from("<H", content, place)[0] == tag:
            struct.pack_into("<HII", content, place + 2, 4, 1, value)
    return bytes(content)


def frames(count: int, kind: str, side: int = 24) -> bytes:
    """Write an animation, or pages."""
    mode = "P" if kind == "GIF" else "RGB"
    first, *others = [Image.new(mode, (side, side), number % 251) for number in range(count)]
    return saved(first, kind, save_all=True, append_images=others)


def _rotated(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(Image.new("RGB", (30, 20), "red"), "JPEG", exif=exif)


def cases() -> Iterator[Case]:
    """Name every classic, with what makes it."""
    yield "PNG 64 MP, 1 bit", lambda: holding(png(8000, 8000))
    yield (
        "PNG 64 MP with transparency, eight of them",
        lambda: holding(*[png(8000, 8000, depth=8, colour=6)] * 8),
    )
    yield "PNG 64 MP, 16 bit, four of them", lambda: holding(*[png(8000, 8000, depth=16)] * 4)
    yield "PNG 64 MP, 1 bit, 400 of them", lambda: holding(*[png(8000, 8000)] * 400)
    yield "PNG of 30,000 x 30,000", lambda: holding(png(30_000, 30_000))
    yield "PNG of 2^31 x 2^31", lambda: holding(png(2**31 - 1, 2**31 - 1, rows=0, depth=1))
    yield "PNG of 1 x 1,000,000", lambda: holding(png(1, 1_000_000), png(1_000_000, 1))
    yield "PNG of 0 x 0", lambda: holding(png(0, 0))
    text = zlib.compress(bytes(60_000_000), 9)
    yield "PNG with text of 60 MB", lambda: holding(png(9, 9, more=chunk(b"zTXt", b"a\0\0" + text) * 20))
    yield (
        "PNG with a colour profile of 60 MB",
        lambda: holding(png(9, 9, more=chunk(b"iCCP", b"a\0\0" + text))),
    )
    yield "PNG with 200,000 chunks", lambda: holding(png(9, 9, more=chunk(b"tEXt", b"k\0v") * 200_000))
    for kind, at in (("GIF", 6), ("BMP", 18), ("TGA", 12)):
        yield (
            f"{kind} of 65,535 x 65,535",
            lambda k=kind, a=at: holding(  # type: ignore[misc]
                patched(
                    saved(Image.new("P" if k == "GIF" else "RGB", (9, 9)), k),
                    (a, b"\xff\xff\0\0" if k == "BMP" else b"\xff\xff\xff\xff"),
                ),
                suffix=k.lower(),
            ),
        )
    yield "PPM of 60,000 x 60,000", lambda: holding(b"P6 60000 60000 255\n" + bytes(99), suffix="ppm")
    yield (
        "PPM, plain, with a number of 10 MB",
        lambda: holding(b"P3 9 9 255\n" + b"1" * 10_000_000, suffix="ppm"),
    )
    yield (
        "WebP of 16,384 x 16,384 by its header",
        lambda: holding(patched(frames(2, "WEBP"), (24, b"\xff\x3f\0\xff\x3f\0")), suffix="webp"),
    )
    yield (
        "WebP of 60 MP, four of them",
        lambda: holding(
            *[saved(Image.new("RGB", (7700, 7700)), "WEBP", lossless=True, method=0)] * 4, suffix="webp"
        ),
    )
    yield "JPEG of 65,500 x 65,500 by its header", lambda: holding(_huge_jpeg(), suffix="jpg")
    yield "JPEG with 1,000 passes, 9 MP", lambda: holding(many_scans(1000, 3000), suffix="jpg")
    yield (
        "JPEG with 49 passes, 60 MP, four of them",
        lambda: holding(*[many_scans(40, 7700)] * 4, suffix="jpg"),
    )
    yield (
        "JPEG 2000 of 20 MP",
        lambda: holding(saved(Image.new("RGB", (4500, 4500)), "JPEG2000"), suffix="jp2"),
    )
    yield (
        "AVIF of 36 MP",
        lambda: holding(saved(Image.new("RGB", (6000, 6000)), "AVIF", speed=10), suffix="avif"),
    )
    yield "GIF with 3,000 pictures", lambda: holding(frames(3000, "GIF"), suffix="gif")
    yield "WebP with 500 pictures", lambda: holding(frames(500, "WEBP"), suffix="webp")
    yield "PNG with 500 pictures", lambda: holding(frames(500, "PNG"))
    yield "TIFF with 3,000 pages", lambda: holding(frames(3000, "TIFF"), suffix="tif")
    yield "TIFF that follows itself", lambda: holding(looped_tiff(), suffix="tif")
    for tag, what in (
        (256, "width"),
        (257, "height"),
        (278, "rows a strip"),
        (279, "strip length"),
        (277, "samples"),
    ):
        for value in (0, 65_535, 2**31 - 1, 2**32 - 1):
            for packing in ("raw", "tiff_lzw", "jpeg"):
                yield (
                    f"TIFF, {packing}, {what} {value}",
                    lambda t=tag, v=value, p=packing: holding(  # type: ignore[misc]
                        tiff_tag(t, v, compression=p), suffix="tif"
                    ),
                )
    for extreme in (np.inf, np.nan, 3e38):
        yield (
            f"TIFF, floating point, {extreme}",
            lambda e=extreme: holding(  # type: ignore[misc]
                saved(Image.fromarray(np.array([[e, 1, -e]] * 3, np.float32)), "TIFF"), suffix="tif"
            ),
        )
    for orientation in range(10):
        yield f"EXIF orientation {orientation}", lambda o=orientation: holding(_rotated(o), suffix="jpg")  # type: ignore[misc]
    yield "JPEG, CMYK", lambda: holding(saved(Image.new("CMYK", (30, 20)), "JPEG"), suffix="jpg")
    yield "PNG, 16 bit", lambda: holding(saved(Image.fromarray(np.full((9, 9), 40_000, np.uint16)), "PNG"))
    for share in (0.01, 0.3, 0.9, 0.999):
        yield (
            f"JPEG cut at {share}",
            lambda s=share: holding(  # type: ignore[misc]
                _beginning(picture(3, 64, "JPEG"), s), suffix="jpg"
            ),
        )
    yield (
        "SVG",
        lambda: holding(
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", suffix="svg"
        ),
    )
    yield (
        "SVG with entities",
        lambda: holding(
            b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><svg>&b;</svg>',
            suffix="png",
        ),
    )
    yield "web page named .jpg", lambda: holding(b"<!DOCTYPE html><p>404</p>", suffix="jpg")
    yield (
        "PostScript named .png",
        lambda: holding(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n"),
    )
    yield "0 bytes", lambda: holding(b"")
    yield "noise", lambda: holding(*[Random(n).randbytes(5000) for n in range(20)])
