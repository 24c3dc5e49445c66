"""The classics among hostile archives and pictures, each made on the spot."""

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator

from PIL import Image

from tests.hostile import pictures
from tests.hostile.mutants import CENTRAL, LOCAL, packed
from tests.hostile.pictures import Case
from tests.hostile.sound import archive, holding, picture, saved, sound

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
    yield "polyglot: GIF and ZIP (GIFAR)", lambda: pictures.frames(2, "GIF") + packed(sound())
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
    yield from pictures.cases()
