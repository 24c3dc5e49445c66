"""Visitors' archives: kept under unguessable names, found by their owner alone, deleted on request."""

import io
import os
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import errors
from core.runs import data, uploads
from core.runs.files import artefacts
from core.runs.home import run_directory
from core.runs.kinds.lanes import TRAINING
from core.runs.limits import Limits, set_limits
from core.runs.spec import RunSpec
from core.runs.store.runs import Claim, Store
from core.training.config import FinetuneConfig

MB = 1_000_000
DAY = 86_400.0


def test_the_same_content_is_kept_once_per_visitor(store: Store) -> None:
    first = uploads.store(store, "ann", "pets.zip", b"content")
    assert uploads.store(store, "ann", "again.zip", b"content") == first
    assert uploads.store(store, "bob", "pets.zip", b"content") != first
    assert uploads.store(store, "ann", "pets.zip", b"other") != first
    assert [one.name for one in store.uploads.of("ann")] == ["pets.zip", "pets.zip"]
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
    assert store.uploads.of("ann") == []


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


def test_names_keep_no_signs_that_cannot_be_seen(store: Store) -> None:
    uploads.store(store, "ann", "\u202epiz\x1b[31m\ud800 pets\n", b"content")
    assert [one.name for one in store.uploads.of("ann")] == ["piz [31m pets"]
    with pytest.raises(errors.DataError, match="name"):
        uploads.store_images(store, "ann", "x", {"\u200b": [("a.png", b"1")]})


# --- room -------------------------------------------------------------------------------------------------


def test_one_visitor_may_store_so_much_and_all_together_so_much(store: Store) -> None:
    set_limits(store, Limits(upload_megabytes_per_visitor=3, upload_megabytes_in_all=5))
    for visitor in ("ann", "bob", "eve"):
        _learned(store, visitor)
    uploads.store(store, "ann", "a", bytes(2 * MB))
    with pytest.raises(errors.DataError, match=r"You have 2 MB .* may store 3 MB, so these 2 MB do not fit"):
        uploads.store(store, "ann", "b", b"1" * 2 * MB)
    uploads.store(store, "bob", "a", bytes(2 * MB))
    with pytest.raises(errors.DataError, match="everybody shares"):
        uploads.store(store, "eve", "a", bytes(2 * MB))
    uploads.store(store, "ann", "again", bytes(2 * MB))  # what is there already takes no room
    assert uploads.room(store, "ann") == (2 * MB, 3 * MB)
    assert uploads.room(store, "eve") == (0, MB)
    assert len(list((store.home / "uploads").iterdir())) == 2
    uploads.delete(store, "bob", "upload:" + store.uploads.of("bob")[0].token)
    uploads.store(store, "eve", "a", bytes(2 * MB))


def test_newcomers_together_fill_half_of_the_room_and_the_rest_is_for_those_who_have_learned_here(
    store: Store,
) -> None:
    set_limits(store, Limits(upload_megabytes_per_visitor=2, upload_megabytes_in_all=8))
    for number in range(2):
        uploads.store(store, f"invented-{number}", "a", bytes(2 * MB))
    with pytest.raises(errors.DataError, match="the half of it that newcomers may take"):
        uploads.store(store, "invented-2", "a", bytes(MB))
    assert uploads.room(store, "invented-2") == (0, 0)
    _learned(store, "ann")
    uploads.store(store, "ann", "a", bytes(2 * MB))


def _learned(store: Store, visitor: str) -> None:
    """Let a visitor have a run that has finished."""
    store.add(RunSpec(config=FinetuneConfig(backbone="tiny_resnet18"), data="digits"), visitor)
    claim = store.claim(TRAINING)
    assert claim is not None
    assert store.end(claim, "finished")


def test_uploads_at_once_cannot_both_take_the_last_room(tmp_path: Path) -> None:
    stores = [Store(tmp_path) for _ in range(8)]  # as many servers' connections to one data directory
    set_limits(stores[0], Limits(upload_megabytes_per_visitor=3))
    together = threading.Barrier(8)

    def send(number: int) -> bool:
        together.wait()
        try:
            uploads.store(stores[number], "ann", "x", bytes([number]) * MB)
        except errors.DataError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(send, range(8))) == 3
    assert len(list((tmp_path / "uploads").iterdir())) == 3
    assert stores[0].uploads.stored("ann").visitor == 3 * MB
    for one in stores:
        one.close()


def test_the_same_file_sent_twice_at_once_is_kept_once(tmp_path: Path) -> None:
    stores = [Store(tmp_path) for _ in range(6)]
    together = threading.Barrier(6)

    def send(one: Store) -> str:
        together.wait()
        return uploads.store(one, "ann", "x", bytes(MB))

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(send, stores))) == 1
    assert len(list((tmp_path / "uploads").iterdir())) == 1
    for one in stores:
        one.close()


def test_nothing_is_stored_when_the_disk_is_nearly_full(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "DISK_RESERVE", 10**18)  # whatever others free meanwhile
    with pytest.raises(errors.DataError, match="disk is nearly full"):
        uploads.store(store, "ann", "x", b"content")
    assert store.uploads.of("ann") == []


# --- deleting and expiring --------------------------------------------------------------------------------


def finished_run(store: Store, reference: str) -> Path:
    """A finished run on an upload, with test pictures; its folder."""
    run = store.add(RunSpec(config=FinetuneConfig(backbone="tiny_resnet18"), data=reference), "ann")
    claim = store.claim(TRAINING)
    assert claim is not None
    folder = run_directory(store.home, run)
    artefacts.write_atomically(
        folder / artefacts.TEST,
        lambda file: np.savez(
            file,
            images=np.ones((4, 8, 8, 3), np.uint8),
            labels=np.arange(4),
            scores=np.eye(4, dtype=np.float32),
        ),
    )
    artefacts.write_json(folder / artefacts.RESULT, {})
    os.utime(folder / artefacts.RESULT, (1, 1))
    store.end(claim, "finished")
    return folder


def pictures(folder: Path) -> int:
    with np.load(folder / artefacts.TEST) as file:
        assert file["labels"].tolist() == [0, 1, 2, 3]
        assert file["scores"].shape == (4, 4)
        return len(file["images"])


def test_deleting_takes_the_pictures_in_finished_runs_along_and_leaves_their_figures(store: Store) -> None:
    first, second = (uploads.store(store, "ann", name, name.encode()) for name in ("one", "two"))
    mine, other = finished_run(store, first), finished_run(store, second)
    uploads.delete(store, "ann", first)
    assert (pictures(mine), pictures(other)) == (0, 4)
    assert (mine / artefacts.RESULT).stat().st_mtime > 1  # so that no cache shows them from memory
    assert (other / artefacts.RESULT).stat().st_mtime == 1


def _active(store: Store, reference: str) -> Claim:
    store.add(RunSpec(config=FinetuneConfig(backbone="tiny_resnet18"), data=reference), "ann")
    claim = store.claim(TRAINING)
    assert claim is not None
    return claim


def test_an_upload_stays_while_a_run_learns_from_it(store: Store) -> None:
    reference = uploads.store(store, "ann", "x", b"content")
    claim = _active(store, reference)
    with pytest.raises(errors.RunError, match="stop it first"):
        uploads.delete(store, "ann", reference)
    assert uploads.delete_expired(store, time.time() + 1000 * DAY) == 0
    assert uploads.path_of(store, uploads.find(store, "ann", reference)).exists()
    store.end(claim, "stopped")
    assert uploads.delete_expired(store, time.time() + 1000 * DAY) == 1
    with pytest.raises(errors.DataError, match="upload them again"):
        uploads.find(store, "ann", reference)


def test_uploads_expire_unless_they_are_sent_again(store: Store) -> None:
    set_limits(store, Limits(upload_days=14))
    reference = uploads.store(store, "ann", "x", b"content")
    folder = finished_run(store, reference)
    sent = store.uploads.of("ann")[0].created
    assert uploads.delete_expired(store, sent + 13.9 * DAY) == 0
    time.sleep(0.05)
    uploads.store(store, "ann", "x", b"content")
    assert uploads.delete_expired(store, sent + 14 * DAY + 0.01) == 0
    assert pictures(folder) == 4
    assert uploads.delete_expired(store, sent + 14.1 * DAY) == 1
    assert pictures(folder) == 0
    assert list((store.home / "uploads").iterdir()) == []


def test_a_damaged_file_of_one_run_keeps_the_pictures_of_no_other(store: Store) -> None:
    reference = uploads.store(store, "ann", "x", b"content")
    damaged = [finished_run(store, reference) / artefacts.TEST for _ in range(3)]
    sound = finished_run(store, reference)
    whole = damaged[0].read_bytes()
    for path, content in zip(damaged, (b"", b"damaged", whole[: len(whole) // 2]), strict=True):
        path.write_bytes(content)
    uploads.delete(store, "ann", reference)
    assert pictures(sound) == 0
    assert not any(path.exists() for path in damaged), "pictures may be in them"


def test_what_a_crash_left_is_cleared_away(store: Store) -> None:
    kept = uploads.path_of(store, uploads.find(store, "ann", uploads.store(store, "ann", "x", b"content")))
    lost, torn, fresh = (
        kept.parent / name for name in ("AAAAAAAAAAAA.zip", f".{kept.name}.tmp", "BBBBBBBBBBBB.zip")
    )
    for path in (lost, torn, fresh):
        path.write_bytes(b"x")
    for path in (lost, torn, kept):
        os.utime(path, (1, 1))
    reference = uploads.store(store, "ann", "y", b"other")
    folder = finished_run(store, reference)
    store.uploads.delete(reference.removeprefix("upload:"), reference)  # and then the server was killed
    uploads.delete_expired(store, time.time())
    assert (lost.exists(), torn.exists()) == (False, False)
    assert (kept.exists(), fresh.exists()) == (True, True)
    assert pictures(folder) == 0


def test_an_upload_is_read_by_the_fit_that_its_job_names(store: Store, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    with zipfile.ZipFile(tmp_path / "wide.zip", "w") as archive:
        for name in ("ape", "bee"):
            for number in range(3):
                stripes = random.integers(0, 40, (20, 60, 3), np.uint8)
                stripes[:, :20] = 255  # outside the centred square
                picture = io.BytesIO()
                Image.fromarray(stripes).save(picture, "PNG")
                archive.writestr(f"{name}/{number}.png", picture.getvalue())
    reference = uploads.store(store, "ann", "wide.zip", (tmp_path / "wide.zip").read_bytes())
    config = FinetuneConfig(backbone="tiny_resnet18", image_size=24)
    brightest = {}
    for fit in ("crop", "pad", "squash"):
        dataset = data.open_data(RunSpec(config=config, data=reference, fit=fit), store)
        assert dataset.reading.fit == fit
        brightest[fit] = int(dataset.train.images.max())
    assert brightest["crop"] < 64
    assert min(brightest["pad"], brightest["squash"]) > 250
