"""What the files in a ZIP are called, for whoever packed it: never cut in the middle of a letter, never made the same.

A name is bytes. Marked as UTF-8, or with the Unicode-path field of Info-ZIP (APPNOTE.TXT 4.6.9), it says how they are
read. Else the encoding is found from all names of the archive together, since an archive is packed on one machine. In
Big5, GBK and Shift-JIS the second byte of a letter may be a backslash, so names are cut into folders after decoding.
"""

import re
import zipfile
import zlib
from collections.abc import Iterable, Sequence

from core.datasets import name_encodings

_UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075
_LOSSLESS = name_encodings.LOSSLESS
# A backslash after such a byte may be the second half of a letter, where the encoding is not known.
_MAYBE_HALF = re.compile(rb"(?<=[\x81-\xfe])\\")
_UNLIKE_ASCII = re.compile(rb"[\x80-\xff]+")
_SURELY_UTF8 = 8  # bytes beyond ASCII, in different words
_NO_SEPARATOR = "\uff3c"  # a backslash to read, full width


def readable(members: Sequence[zipfile.ZipInfo]) -> tuple[list[str], str]:
    """Give the members' paths with "/" between folders, and a sentence on how they were read ("": as they say)."""
    paths: list[str | None] = [_said(member) for member in members]
    unsaid = {number: _raw(members[number]) for number, path in enumerate(paths) if path is None}
    texts, remark = decode(unsaid.values())
    return [
        (texts[unsaid[number]] if path is None else path).replace("\\", "/")
        for number, path in enumerate(paths)
    ], remark


def decode(names: Iterable[bytes]) -> tuple[dict[bytes, str], str]:
    """Decode names whose encoding nobody says, all together; and a sentence on how, unless they are UTF-8.

    Different names stay different. "/" separates folders in all encodings.
    """
    names = set(names)
    found = {name: name.decode("ascii") for name in names if name.isascii()}
    unlike = sorted(names - found.keys())
    in_utf8 = [name for name in unlike if _is_utf8(name)]
    # Some names and not others: files that another machine added. By accident, short words are valid UTF-8, too
    # ("猫" in GBK), however many files bear them.
    sure = sum(map(len, {word for name in in_utf8 for word in _UNLIKE_ASCII.findall(name)})) >= _SURELY_UTF8
    if len(in_utf8) == len(unlike) or (sure and 2 * len(in_utf8) >= len(unlike)):
        found |= {name: name.decode("utf-8") for name in in_utf8}
        unlike = sorted(names - found.keys())
    if not unlike:
        return found, ""
    words = {word for name in unlike for word in name.split(b"/") if not word.isascii()}
    encoding = name_encodings.detect(words)
    if encoding is None:
        found |= {name: _decoded(name, name_encodings.LOSSLESS) for name in unlike}
        return found, (
            "The names are in an encoding that could not be recognised: they stay different, and cannot be read. "
            "Pack the folders again with UTF-8 names to see them."
        )
    # In one byte a letter, a backslash is one, unless folders are separated otherwise: then the encoding is another.
    halves = encoding[0] in name_encodings.ONE_BYTE and any(b"/" in name for name in names)
    found |= {name: _decoded(name, encoding[0]) if halves else name.decode(encoding[0]) for name in unlike}
    return found, f"The names are not in Unicode; they were read as {encoding[1]}, which fits all of them."


def _decoded(name: bytes, encoding: str) -> str:
    """One sign for every byte; what may be half a letter is no separator."""
    return _NO_SEPARATOR.join(piece.decode(encoding) for piece in _MAYBE_HALF.split(name))


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _raw(member: zipfile.ZipInfo) -> bytes:
    """The bytes that stand in the archive, to the first zero as zipfile reads them."""
    encoding = "utf-8" if member.flag_bits & _UTF8_FLAG else _LOSSLESS
    return member.orig_filename.encode(encoding, "surrogateescape").partition(b"\0")[0]


def _said(member: zipfile.ZipInfo) -> str | None:
    """The name where the archive says how it is written; None where it does not."""
    if member.flag_bits & _UTF8_FLAG:
        return member.orig_filename.partition("\0")[0]
    extra = member.extra
    while len(extra) >= 4:
        kind, size = int.from_bytes(extra[:2], "little"), int.from_bytes(extra[2:4], "little")
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        # Version 1, the checksum of the name that it belongs to, and the name in UTF-8. Another checksum: the name was
        # changed since, by a program that does not know the field.
        if kind != _UNICODE_PATH or len(field) < max(size, 6) or field[0] != 1:
            continue
        if int.from_bytes(field[1:5], "little") == zlib.crc32(_raw(member)) and _is_utf8(field[5:]):
            return field[5:].decode("utf-8").partition("\0")[0]
    return None
