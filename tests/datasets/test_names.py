"""Names in encodings that nobody wrote down: readable, and never made the same."""

import io
import os
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from core.datasets import member_names, name_encodings
from core.datasets.own_images import from_folder, from_zip
from core.datasets.splits import class_counts
from core.errors import DataError
from tests.datasets.test_own_images import png
from tests.hostile.layouts import Plan, packed


def archive(names: tuple[str, ...], encoding: str, written: str = "legacy") -> io.BytesIO:
    files = [
        (f"{name}/{number}.png", png(10 * place + number))
        for place, name in enumerate(names)
        for number in range(3)
    ]
    return io.BytesIO(packed(Plan(files=files, encoding=encoding, written=written)))


NAMES = [
    ("big5", ("功夫", "功能", "蘋果"), "Big5"),
    ("big5", ("許可", "蓋子", "成功"), "Big5"),
    ("big5", ("台北", "高雄", "臺南"), "Big5"),
    ("gbk", ("苹果", "香蕉", "橙子"), "GBK"),
    ("gbk", ("猫", "狗"), "GBK"),  # the first is "è" in UTF-8 by accident
    ("gbk", ("正常", "缺陷"), "GBK"),
    ("gbk", ("垃圾", "可回收物", "誠"), "GBK"),
    ("cp932", ("表", "ソ", "予定"), "Shift-JIS"),
    ("cp932", ("能力", "構造", "ソース"), "Shift-JIS"),
    ("cp932", ("りんご", "バナナ"), "Shift-JIS"),
    ("euc_kr", ("고양이", "강아지"), "EUC-KR"),
    ("euc_kr", ("사과", "바나나"), "EUC-KR"),
    ("cp437", ("käse", "brötchen"), "code page 437"),
    ("cp437", ("crème", "brûlée"), "code page 437"),
    ("cp850", ("maçã", "pão", "avião"), "code page 850"),
    ("latin-1", ("Käse", "Brötchen"), "Windows-1252"),
    ("latin-1", ("crème", "brûlée"), "Windows-1252"),
    ("cp1251", ("кошка", "собака"), "Windows-1251"),
    ("cp1251", ("Кошки", "Собаки"), "Windows-1251"),
    ("cp866", ("кошка", "собака"), "code page 866"),
    ("cp1253", ("γάτα", "σκύλος"), "Windows-1253"),
]


@pytest.mark.parametrize(("encoding", "names", "called"), NAMES)
def test_legacy_names_are_readable_and_said(encoding: str, names: tuple[str, ...], called: str) -> None:
    dataset = from_zip(archive(names, encoding), side=8)
    assert set(dataset.class_names) == set(names)
    assert class_counts(dataset.train, len(names)).tolist() == [3] * len(names)
    assert len(dataset.report.remarks) == 1
    # Where several encodings read the same, any of them may be named.
    assert called in dataset.report.remarks[0] or encoding in ("cp850", "cp437", "latin-1")


@pytest.mark.parametrize(("encoding", "names"), [row[:2] for row in NAMES])
@pytest.mark.parametrize("written", ["utf-8", "unmarked utf-8", "unicode path"])
def test_names_in_unicode_are_taken_as_they_are(encoding: str, names: tuple[str, ...], written: str) -> None:
    dataset = from_zip(archive(names, encoding, written), side=8)
    assert set(dataset.class_names) == set(names)
    assert dataset.report.remarks == ()


def test_bytes_of_any_kind_stay_as_many_classes() -> None:
    random = np.random.default_rng(0)
    for _ in range(40):
        names = {
            bytes(random.choice([0x5C, *range(0x40, 0x5B), *range(0x81, 0xFF)], random.integers(2, 6)))
            for _ in range(5)
        }
        names = {
            b"\x81" + name.strip(b"\\") for name in names
        }  # no backslash at an end, where it would be a folder's
        texts, remark = member_names.decode([name + b"/0.png" for name in names])
        assert remark.endswith(".")
        if "could not be recognised" in remark:
            # As many folders as there are: halves of letters are no separators.
            assert len({text.rpartition("/")[0] for text in texts.values()}) == len(names)
        assert len(set(texts.values())) == len(names)


def test_what_no_encoding_fits_stays_different() -> None:
    raws = [b"\xff\xb0\\\xb1\xb7\xbb", b"\xff\xb0\\\xb7\xb1\xbb", b"\xff\xbb\xb7\xb1\xb1"]
    assert name_encodings.detect(raws) is None
    texts, remark = member_names.decode(raws)
    assert len(set(texts.values())) == 3
    assert not any("\\" in text or "/" in text for text in texts.values())
    assert "could not be recognised" in remark


def test_a_backslash_within_a_letter_is_no_separator_where_slashes_separate() -> None:
    texts, _ = member_names.decode([b"caf\xe9/0.png", b"caf\xe9\\b/0.png"])  # taken for Windows-1252
    assert sorted(text.count("/") for text in texts.values()) == [1, 1]
    texts, _ = member_names.decode([b"caf\xe9\\0.png", b"th\xe9\\0.png"])
    assert set(texts.values()) == {"café\\0.png", "thé\\0.png"}


def test_another_machines_files_beside_utf8_ones_are_both_read() -> None:
    texts, remark = member_names.decode(
        ["Käsebrötchen/ä.png".encode(), "Überraschung/ü.png".encode(), "crème/é.png".encode("cp1252")]
    )
    assert set(texts.values()) == {"Käsebrötchen/ä.png", "Überraschung/ü.png", "crème/é.png"}
    assert "Windows-1252" in remark


def field(raw: bytes, text: str, *, version: int = 1, checksum: int | None = None) -> bytes:
    body = (
        bytes([version])
        + (zlib.crc32(raw) if checksum is None else checksum).to_bytes(4, "little")
        + text.encode()
    )
    return b"up" + len(body).to_bytes(2, "little") + body


@pytest.mark.parametrize(
    ("extra", "honoured"),
    [
        (field(b"?/0.png", "猫/0.png"), True),
        (b"UT\x01\x00\x00" + field(b"?/0.png", "猫/0.png"), True),
        (field(b"?/0.png", "猫/0.png", checksum=1), False),
        (field(b"?/0.png", "猫/0.png", version=2), False),
        (field(b"?/0.png", "猫/0.png")[:-3], False),
        (b"up\xff\xff\x01", False),
    ],
)
def test_the_unicode_path_field_counts_where_it_belongs_to_the_name(extra: bytes, honoured: bool) -> None:
    member = zipfile.ZipInfo("?/0.png")
    member.extra = extra
    assert member_names.readable([member])[0] == ["猫/0.png" if honoured else "?/0.png"]


def test_a_unicode_path_may_not_leave_the_archive() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as target:
        member = zipfile.ZipInfo("cat/0.png")
        member.extra = field(b"cat/0.png", "../../x.png")
        target.writestr(member, png(1))
    with pytest.raises(DataError, match="leaves it"):
        from_zip(stream, side=8)


def test_names_marked_as_utf8_that_are_not_are_one_sentence() -> None:
    content = archive(("kä", "b"), "", "utf-8").getvalue().replace("kä".encode(), b"k\xe4a")
    with pytest.raises(DataError, match="marked as UTF-8 and are not"):
        from_zip(io.BytesIO(content), side=8)


def test_folders_on_disk_with_names_in_a_legacy_encoding_stay_apart(tmp_path: Path) -> None:
    for place, name in enumerate(("功夫", "功能", "蘋果")):
        folder = os.fsencode(tmp_path) + b"/" + name.encode("big5")
        try:
            os.mkdir(folder)
        except OSError:
            pytest.skip("this file system takes names in UTF-8 only")
        for number in range(3):
            with open(folder + b"/%d.png" % number, "wb") as file:
                file.write(png(10 * place + number))
    dataset = from_folder(tmp_path, side=8)
    assert set(dataset.class_names) == {"功夫", "功能", "蘋果"}
    assert "Big5" in dataset.report.remarks[0]
