"""Archives that mean harm, or are broken: refused before anything is unpacked, each with its own sentence."""

import io
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets.own_images import from_zip
from core.errors import DataError
from core.images.decoding import ReadingLimits


def picture(seed: int = 0) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)).save(
        stream, "PNG"
    )
    return stream.getvalue()


def archive(extra: list[tuple[zipfile.ZipInfo | str, bytes]] | None = None, **options: object) -> bytes:
    """A good archive of two classes, with ``extra`` entries."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", **options) as target:  # type: ignore[call-overload]
        for name in ("cat", "dog"):
            for number in range(3):
                target.writestr(f"{name}/{number}.png", picture(number + 10 * (name == "dog")))
        for entry, content in extra or []:
            target.writestr(entry, content)
    return stream.getvalue()


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("cat/link.png")
    info.create_system = 3  # Unix
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def encrypted() -> bytes:
    """Set the "encrypted" bit of every entry, as an archive with a password has it."""
    content = bytearray(archive())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = content.find(signature)
        while start >= 0:
            content[start + flags] |= 1
            start = content.find(signature, start + 4)
    return bytes(content)


def bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("cat/0.png", bytes(20_000_000))  # packs a thousandfold
        target.writestr("dog/0.png", picture())
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a ZIP file"),
        (b"hello", "not a ZIP file"),
        (picture(), "not a ZIP file"),
        (archive()[:-30], "not a ZIP file"),
        (encrypted(), "encrypted"),
        (archive([("../../etc/cat/x.png", picture())]), "leaves it"),
        (archive([("/etc/x.png", picture())]), "leaves it"),
        (archive([("C:\\cat\\x.png", picture())]), "leaves it"),
        (archive([("..\\cat\\x.png", picture())]), "leaves it"),
        (archive([(link(), b"/etc/passwd")]), "link"),
        (archive(compression=zipfile.ZIP_LZMA), "rare compression"),
        (archive(compression=zipfile.ZIP_BZIP2), "rare compression"),
        (bomb(), "200 times its packed size"),
    ],
)
def test_harmful_and_broken_archives_are_refused_in_one_sentence(content: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        from_zip(io.BytesIO(content), side=8)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_the_total_is_bounded_even_where_no_single_entry_stands_out() -> None:
    content = archive(
        [(f"cat/{number}.raw", bytes(900_000)) for number in range(12)], compression=zipfile.ZIP_DEFLATED
    )
    assert len(content) < 30_000
    with pytest.raises(DataError, match=r"would unpack to 0\.0 GB"):
        from_zip(io.BytesIO(content), side=8, limits=ReadingLimits(max_unpacked_bytes=10_000_000))


def test_a_listing_of_very_many_entries_is_refused_before_it_is_read() -> None:
    content = bytearray(archive())
    end = content.rfind(b"PK\x05\x06")
    content[end + 12 : end + 16] = (2_000_000_000).to_bytes(4, "little")  # size of the listing
    with pytest.raises(DataError, match="more than 150,000 entries"):
        from_zip(io.BytesIO(bytes(content)), side=8)


def test_archives_with_64_bit_records_are_read() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as target:
        for name in ("cat", "dog"):
            for number in range(3):
                with target.open(f"{name}/{number}.png", "w", force_zip64=True) as member:
                    member.write(picture(number + 7 * (name == "dog")))
    assert len(from_zip(stream, side=8).train) == 6


def test_one_damaged_member_does_not_lose_the_others() -> None:
    extra = archive([("cat/7.png", picture(70))])
    assert len(from_zip(io.BytesIO(extra), side=8).train) == 7
    damaged = bytearray(extra)
    damaged[damaged.find(b"cat/7.png") + 40] ^= 0xFF  # inside the stored picture
    dataset = from_zip(io.BytesIO(bytes(damaged)), side=8)
    assert len(dataset.train) == 6
    assert dataset.report.skipped == (
        ("cat/7.png", "The file is damaged inside the ZIP; make the ZIP again."),
    )


def test_a_member_beyond_the_limit_is_left_out_unread() -> None:
    content = archive([("cat/large.png", bytes(5_000))])
    dataset = from_zip(io.BytesIO(content), side=8, limits=ReadingLimits(max_bytes=4_000))
    assert [file for file, _ in dataset.report.skipped] == ["cat/large.png"]


def test_a_path_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be opened"):
        from_zip(tmp_path / "nothing.zip", side=8)


def test_nothing_is_written_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    from_zip(io.BytesIO(archive()), side=8)
    assert list(tmp_path.iterdir()) == []


def test_changed_bytes_never_raise_anything_but_a_sentence() -> None:
    random = np.random.default_rng(0)
    original = archive(compression=zipfile.ZIP_DEFLATED)
    refused = 0
    for _ in range(150):
        content = bytearray(original)
        for place in random.integers(0, len(content), 6):
            content[place] = random.integers(0, 256)
        for place in random.integers(len(content) - 400, len(content), 2):  # the listing
            content[place] = random.integers(0, 256)
        try:
            from_zip(io.BytesIO(bytes(content)), side=8)
        except DataError:
            refused += 1
    assert refused > 20
