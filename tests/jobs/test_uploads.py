"""Visitors' archives: kept under unguessable names, found by their owner alone, deleted on request."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import errors
from core.jobs import uploads
from core.jobs.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path)
    yield opened
    opened.close()


def test_the_same_content_is_kept_once_per_visitor(store: Store) -> None:
    first = uploads.store(store, "ann", "pets.zip", b"content")
    assert uploads.store(store, "ann", "again.zip", b"content") == first
    assert uploads.store(store, "bob", "pets.zip", b"content") != first
    assert uploads.store(store, "ann", "pets.zip", b"other") != first
    assert [one.name for one in store.uploads_of("ann")] == ["pets.zip", "pets.zip"]
    assert uploads.path_of(store, uploads.find(store, "ann", first)).read_bytes() == b"content"


def test_another_visitors_upload_is_not_found(store: Store) -> None:
    reference = uploads.store(store, "ann", "pets.zip", b"content")
    with pytest.raises(errors.DataError, match="upload them again"):
        uploads.find(store, "bob", reference)
    with pytest.raises(errors.DataError, match="upload them again"):
        uploads.delete(store, "bob", reference)
    with pytest.raises(errors.RunError):
        uploads.find(store, "ann", "upload:../../runs.sqlite3")


def test_a_deleted_upload_is_gone_from_the_disk(store: Store) -> None:
    reference = uploads.store(store, "ann", "pets.zip", b"content")
    path = uploads.path_of(store, uploads.find(store, "ann", reference))
    uploads.delete(store, "ann", reference)
    assert not path.exists()
    assert store.uploads_of("ann") == []


def test_empty_and_too_large_files_are_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(errors.DataError, match="is empty"):
        uploads.store(store, "ann", "pets.zip", b"")
    monkeypatch.setattr(uploads, "MAX_BYTES", 10)
    with pytest.raises(errors.DataError, match="at most"):
        uploads.store(store, "ann", "pets.zip", b"x" * 11)


def test_single_pictures_become_one_archive_of_class_folders(store: Store) -> None:
    files = {"red/../..": [("a.PNG", b"1"), ("../../b.jpg", b"2")], "blue": [("webcam", b"3")]}
    reference = uploads.store_images(store, "ann", "My pictures", files)
    assert uploads.store_images(store, "ann", "My pictures", files) == reference
    with zipfile.ZipFile(uploads.path_of(store, uploads.find(store, "ann", reference))) as archive:
        names = archive.namelist()
        assert archive.read(names[1]) == b"2"
    assert names == ["red_.._/00001.png", "red_.._/00002.jpg", "blue/00001"]
    with pytest.raises(errors.DataError, match="a name"):
        uploads.store_images(store, "ann", "x", {" ": [("a.png", b"1")]})
