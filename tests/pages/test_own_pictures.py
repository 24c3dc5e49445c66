"""Own pictures from the uploader to the disk: nothing stays in memory, and people see what is kept and for how long."""

import dataclasses
import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.testing.v1 import AppTest, local_script_runner

from core.runs import service
from tests.hostile.mutants import packed
from tests.hostile.sound import archive, picture, sound
from widgets import data_picker, own_pictures

PROJECT = Path(__file__).resolve().parents[2]
VISITOR = "a" * 32


@pytest.fixture(autouse=True)
def managers(monkeypatch: pytest.MonkeyPatch) -> list[MemoryUploadedFileManager]:
    """Every place where Streamlit keeps uploaded files during the test, the newest last."""
    made: list[MemoryUploadedFileManager] = []

    class Watched(MemoryUploadedFileManager):
        def __init__(self, endpoint: str) -> None:
            super().__init__(endpoint)
            made.append(self)

    monkeypatch.setattr(local_script_runner, "MemoryUploadedFileManager", Watched)
    return made


def held(managers: list[MemoryUploadedFileManager]) -> int:
    """How many files Streamlit holds after the last run."""
    return sum(len(files) for files in managers[-1].file_storage.values())


def page(way: str = own_pictures.ZIP) -> AppTest:
    test = AppTest.from_file(str(PROJECT / "pages/finetune.py"), default_timeout=60)
    test.session_state["visitor"] = VISITOR
    test.session_state["data_source"] = data_picker.OWN
    test.session_state["own_way"] = way
    return test.run()


def words(test: AppTest) -> str:
    return "\n".join(one.value for kind in (test.markdown, test.caption, test.error) for one in kind)


def test_a_stored_archive_leaves_memory_and_the_uploader_stands_empty(
    managers: list[MemoryUploadedFileManager],
) -> None:
    test = page()
    test.file_uploader(key="own_zip").set_value(("pets.zip", packed(sound()), "application/zip")).run()
    assert not test.exception
    assert [one.name for one in service.uploads_of(VISITOR)] == ["pets"]
    assert "**pets**" in words(test)
    assert "Kept until" in words(test)
    assert held(managers) == 0
    assert test.file_uploader(key="own_zip_1").value is None


def test_classes_are_named_and_what_was_noticed_is_said_before_anything_is_trained() -> None:
    pictures = {
        f"set/{part}/{name}": [(f"{n}.png", picture(100 * place + 10 * label + n)) for n in range(4)]
        for place, part in enumerate(("seg_train", "seg_test"))
        for label, name in enumerate(("cat", "dog"))
    }
    pictures["set/seg_test/cat"].append(("again.png", pictures["set/seg_train/cat"][0][1]))
    test = page()
    test.file_uploader(key="own_zip").set_value(("pets.zip", packed(pictures), "application/zip")).run()
    assert not test.exception
    assert "Classes: cat\u00a04\u00a0+\u00a04\u00a0test · dog\u00a04\u00a0+\u00a04\u00a0test" in words(test)
    assert any("seg\\_train for train, seg\\_test for test" in one.value for one in test.info)
    assert any("1 of the 9 pictures of the test part is also in" in one.value for one in test.warning)


def test_identical_pictures_are_refused_in_a_sentence() -> None:
    test = page()
    black = {name: [(f"{n}.png", picture(0)) for n in range(4)] for name in ("cat", "dog")}
    test.file_uploader(key="own_zip").set_value(("black.zip", packed(black), "application/zip")).run()
    assert not test.exception
    assert "are the same one" in words(test)
    assert service.uploads_of(VISITOR) == []


def test_pictures_of_each_class_are_stored_and_leave_memory(
    managers: list[MemoryUploadedFileManager],
) -> None:
    test = page(own_pictures.FILES)
    for place in range(2):
        files = [(f"{n}.png", picture(10 * place + n), "image/png") for n in range(3)]
        test.file_uploader(key=f"own_files_{place}").set_value(files)
    test.run()
    assert held(managers) == 6
    test.button(key="own_use").click().run()
    assert not test.exception
    assert "6 pictures · 2 classes" in words(test)
    assert held(managers) == 0


def test_an_archive_without_room_is_refused_and_leaves_memory(
    managers: list[MemoryUploadedFileManager],
) -> None:
    service.set_limits(dataclasses.replace(service.limits(), upload_megabytes_per_visitor=1))
    test = page()
    large = archive([("cat/large.txt", os.urandom(1_200_000))])
    test.file_uploader(key="own_zip").set_value(("large.zip", large, "application/zip")).run()
    assert not test.exception
    assert "may store 1 MB" in words(test)
    assert service.uploads_of(VISITOR) == []
    assert held(managers) == 0


def test_pictures_from_the_webcam_wait_in_memory_up_to_a_limit_and_can_then_still_be_used(
    managers: list[MemoryUploadedFileManager], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a page takes is released from the gate's count: a browser could send files of 500 MB as snapshots."""
    monkeypatch.setattr(own_pictures, "MOST_WEBCAM_BYTES", 100_000)
    test = page(own_pictures.WEBCAM)
    for size in (10_000, 95_000, 10_000):
        snapshot = picture() + bytes(size)
        test.camera_input(key="own_camera").set_value(("1.jpg", snapshot, "image/jpeg")).run()
        assert not test.exception
        assert held(managers) == 0
        assert ("no room for more pictures" in words(test)) == (size == 95_000)
        assert test.button(key="own_forget")
        assert test.button(key="own_use")
    taken = test.session_state["own_taken"]["cats"]
    assert [len(one) - len(picture()) for one in taken] == [10_000, 10_000]


def test_room_is_spoken_of_when_it_gets_tight() -> None:
    service.set_limits(dataclasses.replace(service.limits(), upload_megabytes_per_visitor=2))
    service.store_upload(VISITOR, "small", packed(sound()))
    assert "MB that you may store" not in words(page())
    service.store_upload(VISITOR, "large", archive([("cat/large.txt", os.urandom(1_500_000))]))
    assert "2 of the 2 MB that you may store" in words(page())


def test_a_name_that_is_quoted_in_an_error_becomes_no_picture_and_no_formula() -> None:
    name = "![x](http:example.org) <b> $x$ `y`"
    test = page()
    content = archive([(f"{name}/1.png", picture())])
    test.file_uploader(key="own_zip").set_value(("x.zip", content, "application/zip")).run()
    shown = "\n".join(one.value for one in test.error)
    assert r"!\[x\](http:example.org) \<b\> \$x\$ \`y\`" in shown


def _wide_archive(*, deep: bool = False) -> bytes:
    """Two classes of pictures four times as wide as high; ``deep``: of 12 bits."""
    random = np.random.default_rng(0)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as files:
        for number in range(8):
            pixels = random.integers(0, 4096, (30, 120)).astype(np.uint16)
            stream = io.BytesIO()
            Image.fromarray(pixels if deep else (pixels >> 4).astype(np.uint8)).save(stream, "PNG")
            files.writestr(f"{('left', 'right')[number % 2]}/{number}.png", stream.getvalue())
    return content.getvalue()


def warnings(test: AppTest) -> str:
    return "\n".join(one.value for one in test.warning)


def test_a_cropped_set_is_warned_of_and_padding_it_goes_with_the_run() -> None:
    test = page()
    test.file_uploader(key="own_zip").set_value(("wide.zip", _wide_archive(), "application/zip")).run()
    assert not test.exception
    assert "On average 75 % of a picture is cut away" in warnings(test)
    test.segmented_control(key="own_fit").set_value("pad").run()
    assert not test.exception
    assert "cut away" not in warnings(test)
    test.button(key="start").click().run()
    [run] = [one for one in service.runs_of(VISITOR) if one.control_of is None]
    assert run.spec.fit == "pad"
    [control] = [one for one in service.runs_of(VISITOR) if one.control_of is not None]
    assert control.spec.fit == "pad"


def test_square_pictures_leave_nothing_to_choose_and_conversions_are_said() -> None:
    test = page()
    test.file_uploader(key="own_zip").set_value(("pets.zip", packed(sound()), "application/zip")).run()
    assert not any(one.key == "own_fit" for one in test.segmented_control)
    test.file_uploader(key="own_zip_1").set_value(
        ("deep.zip", _wide_archive(deep=True), "application/zip")
    ).run()
    assert "(16-bit) became 8-bit by one rule for the whole set: values from 0 to 4,095" in words(test)
