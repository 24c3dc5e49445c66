"""The classics among hostile archives and pictures, each made on the spot."""

import io
import stat
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from random import Random

import numpy as np
from PIL import Image

from benchmarks.upload_mutants import CENTRAL, LOCAL, Pictures, packed

Entries = list[tuple[zipfile.ZipInfo | str, bytes]]
Case = tuple[str, Callable[[], bytes]]  # its name, and what makes it


def picture(seed: int = 0, side: int = 16, kind: str = "PNG", **options: object) -> bytes:
    """Make a small picture of noise."""
    noise = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return saved(Image.fromarray(noise), kind, **options)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """Write an image in a format."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def sound() -> Pictures:
    """Two classes of three small pictures."""
    return {
        name: [(f"{number}.png", picture(number + 10 * place)) for number in range(3)]
        for place, name in enumerate(("cat", "dog"))
    }


def archive(extra: Entries, method: int = zipfile.ZIP_STORED) -> bytes:
    """Make a sound archive and add entries to it."""
    stream = io.BytesIO(packed(sound()))
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(stream, "a", method) as target:
        for entry, content in extra:
            target.writestr(entry, content)
    return stream.getvalue()


def holding(*contents: bytes, suffix: str = "png") -> bytes:
    """Make a sound archive with further pictures."""
    return archive([(f"cat/more{number}.{suffix}", content) for number, content in enumerate(contents)])


# --- archives by their bytes ------------------------------------------------------------------------------


def written(entries: list[tuple[bytes, bytes, int, int, int]], *, flags: int = 0) -> bytes:
    """Write an archive by hand: (name, stored bytes, method, claimed packed size, claimed size) each."""
    body, listing = b"", b""
    for name, content, method, packed_size, size in entries:
        common = struct.pack(
            "<HHHHHIIIHH", 20, flags, method, 0, 33, zlib.crc32(content), packed_size, size, len(name), 0
        )
        listing += (
            CENTRAL + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + name
        )
        body += LOCAL + common + name + content
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, *[len(entries) & 0xFFFF] * 2, len(listing), len(body), 0)
    return body + listing + end


def deflated(size: int) -> bytes:
    """Pack zeros, a thousandfold."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (
        b"".join(packer.compress(bytes(min(1 << 24, size - at))) for at in range(0, size, 1 << 24))
        + packer.flush()
    )


def lying(size: int) -> bytes:
    """Claim a thousand bytes and unpack to ``size``."""
    content = deflated(size)
    entries = [
        (f"{name}/{number}.png".encode(), content, 8, len(content), 1000)
        for name in "ab"
        for number in (1, 2)
    ]
    return written(entries)


def overlapping(files: int, kernel: int) -> bytes:
    """Let every file quote the next one's header and share the last one's data (D. Fifield, WOOT 2019)."""
    data, plain_size, crc = deflated(kernel), kernel, zlib.crc32(bytes(kernel))
    body, places = b"", []
    for number in reversed(range(files)):
        if body:  # a stored block that is not the last: the next file's header, taken as data
            quoted = 30 + len(places[-1][0])
            header = body[:quoted]
            data = struct.pack("<BHH", 0, quoted, quoted ^ 0xFFFF) + header + data
            plain_size += quoted
            crc = zlib.crc32(bytes(kernel), zlib.crc32(header)) if files - number == 2 else crc
        name = f"{'ab'[number % 2]}/{number:04d}.png".encode()
        common = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 33, crc, len(data), plain_size, len(name), 0)
        body = LOCAL + common + name + data
        places.append((name, common, len(data)))
    listing = b""
    for name, common, size in places:
        offset = len(body) - size - 30 - len(name)
        listing += CENTRAL + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, offset) + name
    end = struct.pack(
        "<4sHHHHIIH", b"PK\5\6", 0, 0, files & 0xFFFF, files & 0xFFFF, len(listing), len(body), 0
    )
    return body + listing + end


def many_entries(count: int, claimed: int) -> bytes:
    """List one empty file so often."""
    common = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 33, 0, 0, 0, 1, 0)
    entry = CENTRAL + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, 0) + b"a"
    body = LOCAL + common + b"a"
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, claimed, claimed, len(entry) * count, len(body), 0)
    return body + entry * count + end


def nested(depth: int) -> bytes:
    """Put archives into archives, as 42.zip does."""
    content = archive([("cat/x.png", bytes(1 << 20))], zipfile.ZIP_DEFLATED)
    for _ in range(depth):
        content = archive([(f"cat/{number}.zip", content) for number in range(16)], zipfile.ZIP_DEFLATED)
    return content


def containing_itself() -> bytes:
    """List files whose data are the archive itself."""
    size = len(written([(b"a/r.zip", b"", 0, 0, 0), (b"b/r.png", b"", 0, 0, 0)]))
    return written([(b"a/r.zip", b"", 0, size, size), (b"b/r.png", b"", 0, size, size)])


def _flagged(bits: int) -> bytes:
    content = bytearray(packed(sound()))
    for signature, offset in ((LOCAL, 6), (CENTRAL, 8)):
        at = content.find(signature)
        while at >= 0:
            content[at + offset] |= bits & 0xFF
            at = content.find(signature, at + 4)
    return bytes(content)


def _special(mode: int) -> bytes:
    info = zipfile.ZipInfo("cat/link.png")
    info.create_system, info.external_attr = 3, (mode | 0o777) << 16
    return archive([(info, b"/etc/passwd")])


# --- pictures ---------------------------------------------------------------------------------------------


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


def _frames(count: int, kind: str, side: int = 24) -> bytes:
    frames = [
        Image.new("P" if kind == "GIF" else "RGB", (side, side), number % 251) for number in range(count)
    ]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:])


def _rotated(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(Image.new("RGB", (30, 20), "red"), "JPEG", exif=exif)


NAMES = (
    *("../../../../tmp/evil.png", "..\\..\\evil.png", "/etc/evil.png", "C:\\Windows\\evil.png", "C:evil.png"),
    *("\\\\host\\share\\x.png", "cat/../../x.png", "cat/./../dog/x.png", "//x.png", "~/x.png", "$HOME/x.png"),
    *("cat/CON.png", "cat/x.png.", "cat/ ", "cat/x.png:stream", "train/../x.png", ".ssh/authorized_keys"),
    "<script>alert(1)</script>/x.png",
    "<img src=x onerror=alert(1)>/x.png",
    "![x](http://example.org/x.png)/x.png",
    ":red[x] :material/home: $\\frac{1}{0}$ `x` [a](javascript:alert(1))/x.png",
    "cat/\x1b[31mred\x07\x08.png",
    "cat/line\nbreak\r.png",
    "\x01\x02\x7f/x.png",
    "\u202egnp.exe/x.png",
    "\u2066\u200b\ufeff/x.png",
    "\U0001f408\u200d\u2b1b/x.png",
    "e\u0301/x.png",
    "\u00e9/x.png",
    "Cat/x.png",
    "a" * 65_000 + "/x.png",
    "d/" * 30_000 + "x.png",
    "cat/" + "n" * 65_000 + ".png",
    "%2e%2e%2f/x.png",
    "__proto__/x.png",
    "=cmd|' /C calc'!A0/x.png",
    "{0.__class__}/%s.png",
)


def cases() -> Iterator[Case]:
    """Name every classic, with what makes it."""
    yield "sound archive", lambda: packed(sound())
    yield "not a ZIP: text", lambda: b"hello" * 100
    yield "not a ZIP: zeros", lambda: bytes(1_000_000)
    yield "empty archive", lambda: packed({})
    yield (
        "bomb: zeros, a thousandfold",
        lambda: archive([("cat/x.png", bytes(40_000_000))], zipfile.ZIP_DEFLATED),
    )
    yield "bomb: claims 1 kB, unpacks to 1 GB each", lambda: lying(1_000_000_000)
    yield "bomb: nested three deep, as 42.zip", lambda: nested(3)
    yield "bomb: overlapping files, 1,000 x 10 MB", lambda: overlapping(1000, 10_000_000)
    yield "bomb: overlapping files, below 1 MB each", lambda: overlapping(2000, 900_000)
    yield "contains itself", containing_itself
    yield (
        "claims 4 GB each",
        lambda: written([(f"{n}/1.png".encode(), b"x", 0, 1, 0xFFFFFFFE) for n in "abcdef"]),
    )
    yield (
        "claims 4 GB packed",
        lambda: written([(f"{n}/1.png".encode(), b"x", 8, 0xFFFFFFFE, 50) for n in "abcdef"]),
    )
    yield "2,500,000 entries", lambda: many_entries(2_500_000, 0xFFFF)
    yield "900,000 entries, said to be 3", lambda: many_entries(900_000, 3)
    yield "140,000 entries", lambda: many_entries(140_000, 0xFFFF)
    yield "70,000 pictures", lambda: archive([(f"cat/{n}.png", b"x") for n in range(70_000)])
    yield "2,000 classes", lambda: archive([(f"class {n}/1.png", picture()) for n in range(2000)])
    for mode, what in ((stat.S_IFLNK, "symbolic link"), (stat.S_IFCHR, "device"), (stat.S_IFIFO, "pipe")):
        yield what, lambda mode=mode: _special(mode)  # type: ignore[misc]
    yield "encrypted", lambda: _flagged(1)
    yield "strong encryption", lambda: _flagged(0x41)
    yield "patch data", lambda: _flagged(0x20)
    for method in (1, 6, 9, 12, 14, 93, 95, 98, 99):
        yield (
            f"compression {method}",
            lambda m=method: written(  # type: ignore[misc]
                [(f"{n}/1.png".encode(), picture(), m, len(picture()), 900) for n in "ab"]
            ),
        )
    yield "polyglot: PDF", lambda: b"%PDF-1.7\n1 0 obj<<>>endobj\n" + packed(sound()) + b"%%EOF"
    yield "polyglot: HTML", lambda: b"<html><script>alert(1)</script>" + packed(sound()) + b"</html>"
    yield "polyglot: GIF and ZIP (GIFAR)", lambda: _frames(2, "GIF") + packed(sound())
    yield "polyglot: a picture that is a ZIP, too", lambda: holding(picture() + packed(sound()))
    yield (
        "polyglot: JPEG with HTML in its comment",
        lambda: holding(
            saved(Image.new("RGB", (9, 9)), "JPEG", comment=b"<script>alert(1)</script>"), suffix="jpg"
        ),
    )
    for name in NAMES:
        yield f"name {name[:40]!a}", lambda n=name: archive([(n, picture(seed)) for seed in range(3)])  # type: ignore[misc]
    for raw in (b"\xff\xfe\xfd/\x80.png", b"\xed\xa0\x80/x.png", b"a\x00b/x.png", b"\xc0\xae\xc0\xae/x.png"):
        for flags in (0, 0x800):
            yield (
                f"name {raw!r}, flags {flags:#x}",
                lambda r=raw, f=flags: written(  # type: ignore[misc]
                    [
                        (one, picture(), 0, len(picture()), len(picture()))
                        for one in (r, b"cat/1.png", b"dog/1.png")
                    ],
                    flags=f,
                ),
            )
    yield (
        "the same name 50 times",
        lambda: written(
            [(name, picture(), 0, len(picture()), len(picture())) for name in (b"a/1.png", b"b/1.png") * 50]
        ),
    )
    yield from _pictures()


def _pictures() -> Iterator[Case]:
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
        lambda: holding(patched(_frames(2, "WEBP"), (24, b"\xff\x3f\0\xff\x3f\0")), suffix="webp"),
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
    yield "GIF with 3,000 pictures", lambda: holding(_frames(3000, "GIF"), suffix="gif")
    yield "WebP with 500 pictures", lambda: holding(_frames(500, "WEBP"), suffix="webp")
    yield "PNG with 500 pictures", lambda: holding(_frames(500, "PNG"))
    yield "TIFF with 3,000 pages", lambda: holding(_frames(3000, "TIFF"), suffix="tif")
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
