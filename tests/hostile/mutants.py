"""Real archives and pictures, damaged at random: what the fuzzer feeds to the way that an upload takes."""

import io
import itertools
import struct
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

from PIL import Image

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
# (offset, bytes) of the fields in each header: APPNOTE.TXT 4.3.7, 4.3.12, 4.3.16
LOCAL_FIELDS = ((4, 2), (6, 2), (8, 2), (10, 2), (12, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2))
CENTRAL_FIELDS = (
    *((4, 2), (6, 2), (8, 2), (10, 2), (12, 2), (14, 2), (16, 4), (20, 4), (24, 4)),
    *((28, 2), (30, 2), (32, 2), (34, 2), (36, 2), (38, 4), (42, 4)),
)
END_FIELDS = ((4, 2), (6, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2))
METHODS = (0, 1, 6, 8, 9, 12, 14, 20, 93, 95, 97, 98, 99, 255)
FORMATS: tuple[tuple[str, dict[str, object]], ...] = (
    ("JPEG", {"quality": 85}),
    ("JPEG", {"quality": 60, "progressive": True}),
    ("PNG", {}),
    ("WEBP", {"quality": 70}),
    ("WEBP", {"lossless": True}),
    ("GIF", {}),
    ("BMP", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"compression": "tiff_adobe_deflate"}),
    ("TIFF", {"compression": "jpeg"}),
    ("AVIF", {"quality": 50}),
    ("JPEG2000", {}),
    ("PPM", {}),
    ("TGA", {}),
)

Pictures = dict[str, list[tuple[str, bytes]]]


def sample(path: Path, rng: Random, of_each: int = 5, classes: int = 4) -> Pictures:
    """Draw a few pictures as they are, byte for byte, from an archive of class folders."""
    with zipfile.ZipFile(path) as archive:
        by_class: dict[str, list[str]] = {}
        for name in archive.namelist():
            if name.lower().endswith((".jpg", ".jpeg", ".png")):
                by_class.setdefault(name.rsplit("/", 2)[-2], []).append(name)
        return {
            class_: [
                (name.rsplit("/", 1)[-1], archive.read(name))
                for name in rng.sample(by_class[class_], min(of_each, len(by_class[class_])))
            ]
            for class_ in sorted(by_class)[:classes]
        }


def packed(pictures: Pictures, method: int = zipfile.ZIP_STORED) -> bytes:
    """Make an archive of class folders."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for class_, members in pictures.items():
            for name, content in members:
                archive.writestr(f"{class_}/{name}", content)
    return stream.getvalue()


def reencoded(content: bytes, rng: Random) -> tuple[str, bytes]:
    """Write a real picture in a format drawn at random; its suffix and bytes."""
    name, options = rng.choice(FORMATS)
    with Image.open(io.BytesIO(content)) as picture:
        small = picture.convert("RGB").resize((rng.randint(8, 96), rng.randint(8, 96)))
    if name in ("PNG", "TIFF", "GIF") and "compression" not in options:
        small = small.convert(rng.choice(("RGB", "L", "P", "1", "RGBA") if name != "GIF" else ("P", "L")))
    stream = io.BytesIO()
    small.save(stream, name, **options)
    return "." + {"JPEG2000": "jp2"}.get(name, name).lower(), stream.getvalue()


def _wild(rng: Random, size: int) -> int:
    """Draw a number that readers trip over."""
    top = (1 << 8 * size) - 1
    return rng.choice((0, 1, 2, 0x7F, 0x80, 0xFF, top, top - 1, top // 2, top // 2 + 1, rng.randint(0, top)))


def flip(content: bytes, rng: Random) -> bytes:
    """Flip up to 64 bits."""
    out = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def cut(content: bytes, rng: Random) -> bytes:
    """Keep the beginning, or the end."""
    at = rng.randrange(len(content))
    return content[:at] if rng.random() < 0.7 else content[at:]


def splice(content: bytes, rng: Random) -> bytes:
    """Copy, delete, repeat or overwrite a stretch."""
    a, b = sorted(rng.sample(range(len(content) + 1), 2))
    at = rng.randrange(len(content))
    return rng.choice(
        (
            content[:a] + content[b:],
            content[:at] + content[a:b] + content[at:],
            content[:b] + content[a:b] * rng.randint(1, 3) + content[b:],
            content[:a] + rng.randbytes(min(b - a, 4096)) + content[min(b, a + 4096) :],
            content[:a] + bytes(min(b - a, 4096)) + content[min(b, a + 4096) :],
        )
    )


def beginning(content: bytes, rng: Random) -> bytes:
    """Write numbers that readers trip over into the header, in either byte order."""
    out = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        size = rng.choice((1, 2, 4))
        at = rng.randrange(max(1, min(len(out) - size, 160)))
        out[at : at + size] = _wild(rng, size).to_bytes(size, rng.choice(("little", "big")))
    return bytes(out)


def _places(content: bytes, signature: bytes) -> list[int]:
    found, at = [], content.find(signature)
    while at >= 0:
        found.append(at)
        at = content.find(signature, at + 4)
    return found


def _field(signature: bytes, fields: Sequence[tuple[int, int]]) -> Callable[[bytes, Random], bytes]:
    def change(content: bytes, rng: Random) -> bytes:
        out = bytearray(content)
        places = _places(content, signature)
        for _ in range(rng.choice((1, 1, 2, 5))):
            at, (offset, size) = rng.choice(places), rng.choice(fields)
            value = rng.choice(METHODS) if (offset, size) in ((8, 2), (10, 2)) else _wild(rng, size)
            out[at + offset : at + offset + size] = value.to_bytes(size, "little")
        return bytes(out)

    return change


def _listing(content: bytes) -> tuple[int, list[bytes], bytes]:
    """Take an archive apart: where its listing begins, the listing's entries, the end record."""
    places = _places(content, CENTRAL)
    end = content.rindex(END)
    borders = [*places, end]
    return places[0], [content[a:b] for a, b in itertools.pairwise(borders)], content[end:]


def relisted(content: bytes, rng: Random) -> bytes:
    """Repeat, drop, swap or shuffle the listing's entries, or exchange their names; counts are made to fit or not."""
    start, entries, end = _listing(content)
    kind = rng.randrange(5)
    if kind == 0:
        entries += [rng.choice(entries) for _ in range(rng.choice((1, 5, 500)))]
    elif kind == 1:
        del entries[rng.randrange(len(entries))]
    elif kind == 2:
        rng.shuffle(entries)
    elif kind == 3:  # all point at one local header
        offset = rng.choice(entries)[42:46]
        entries = [entry[:42] + offset + entry[46:] for entry in entries]
    else:
        names = [entry[46 : 46 + int.from_bytes(entry[28:30], "little")] for entry in entries]
        rng.shuffle(names)
        entries = [
            entry[:28]
            + len(name).to_bytes(2, "little")
            + entry[30:46]
            + name
            + entry[46 + int.from_bytes(entry[28:30], "little") :]
            for entry, name in zip(entries, names, strict=True)
        ]
    listing = b"".join(entries)
    if rng.random() < 0.8:
        counts = struct.pack("<HHI", len(entries) & 0xFFFF, len(entries) & 0xFFFF, len(listing))
        end = end[:8] + counts + end[16:]
    return content[:start] + listing + end


def renamed(content: bytes, rng: Random) -> bytes:
    """Overwrite some names in the listing with bytes drawn at random or from what file systems dislike."""
    start, entries, end = _listing(content)
    wild = (
        b"../../x.png",
        b"/etc/x.png",
        b"C:\\x.png",
        b"a/\x00b.png",
        b"\xff\xfe/x.png",
        b"",
        b"/",
        b"//",
        b".",
        b"a",
    )
    for place in rng.sample(range(len(entries)), rng.randint(1, len(entries))):
        entry = entries[place]
        length = int.from_bytes(entry[28:30], "little")
        name = rng.choice((*wild, rng.randbytes(rng.randint(1, 40)), b"d/" * rng.randint(1, 2000) + b"x.jpg"))
        entries[place] = (
            entry[:28] + len(name).to_bytes(2, "little") + entry[30:46] + name + entry[46 + length :]
        )
    listing = b"".join(entries)
    return content[:start] + listing + end[:12] + len(listing).to_bytes(4, "little") + end[16:]


def zip64(content: bytes, rng: Random) -> bytes:
    """Put ZIP64 records with wild sizes before the end record, and make the end record point there."""
    at = content.rindex(END)
    sizes = [rng.choice((_wild(rng, 8), _wild(rng, 4), len(content), at)) for _ in range(4)]
    record = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, *sizes)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, rng.choice((at, _wild(rng, 8), len(content))), 1)
    end = bytearray(content[at:])
    end[8:20] = b"\xff" * 12
    return content[:at] + record + locator + bytes(end)


def joined(content: bytes, rng: Random) -> bytes:
    """Put something before or behind the archive."""
    other = rng.choice((rng.randbytes(rng.randint(1, 5000)), content, END + bytes(18), b"PK\x03\x04" * 50))
    return other + content if rng.random() < 0.5 else content + other


ON_ARCHIVES: tuple[Callable[[bytes, Random], bytes], ...] = (
    *(flip, cut, splice, relisted, renamed, zip64, joined),
    _field(LOCAL, LOCAL_FIELDS),
    _field(CENTRAL, CENTRAL_FIELDS),
    _field(CENTRAL, CENTRAL_FIELDS),
    _field(END, END_FIELDS),
)
ON_PICTURES: tuple[Callable[[bytes, Random], bytes], ...] = (flip, cut, splice, beginning, beginning)


def mutants(samples: Sequence[Pictures], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Make ``count`` damaged archives, (family, bytes): one half by their own bytes, one half by their pictures'."""
    for number in range(count):
        rng = Random(f"{seed} {number}")
        pictures = rng.choice(samples)
        if number % 2:
            method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
            content = packed(pictures, method)
            for _ in range(rng.choice((1, 1, 1, 2, 4))):
                try:
                    content = rng.choice(ON_ARCHIVES)(content, rng)
                except (ValueError, IndexError):  # an earlier blow left nothing for this one
                    break
            yield "archive's bytes", content
        else:
            yield "pictures' bytes", packed(_damaged(pictures, rng))


def _damaged(pictures: Pictures, rng: Random) -> Pictures:
    """Put beside every picture one in some format, most of them damaged; the sound ones keep the classes alive."""
    out: Pictures = {}
    for class_, members in pictures.items():
        kept = out.setdefault(class_, list(members))
        for name, content in members:
            suffix, fresh = reencoded(content, rng)
            for _ in range(rng.choice((0, 1, 1, 1, 3))):
                if fresh:
                    fresh = rng.choice(ON_PICTURES)(fresh, rng)
            kept.append((f"again {name.rsplit('.', 1)[0]}{suffix}", fresh))
    return out
