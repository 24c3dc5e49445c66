"""What visitors bring is decoded in other processes: Pillow's decoders are taken away here, and pages show it all."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.runs import service
from tests.hostile.mutants import packed
from tests.hostile.sound import picture, saved
from tests.pages.test_layers import _open, _words
from tests.pages.test_own_pictures import VISITOR, page, words
from widgets import frame, own_pictures
from widgets.advise import pictures
from widgets.layers import picture_choice, specificity
from widgets.previews import Choice

KINDS = {"PNG": "png", "JPEG": "jpg", "GIF": "gif", "BMP": "bmp", "TIFF": "tif", "JPEG2000": "jp2"}


@pytest.fixture(autouse=True)
def no_decoders(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrays become pictures by the one decoder that stays: it copies."""
    assert not _open(view="channels").run().exception  # reads photographs that come with the lab, once
    content = picture()
    for name in dir(Image.core):
        if name.endswith("_decoder") and name != "raw_decoder":
            monkeypatch.delattr(Image.core, name)
    with pytest.raises(OSError, match="decoder zip not available"):
        Image.open(io.BytesIO(content)).load()
    for cache in (picture_choice.sample, picture_choice._thumbnails, own_pictures._upload_preview):
        cache.clear()


def archive() -> bytes:
    return packed(
        {
            class_: [
                (f"{n}.{KINDS[kind]}", picture(10 * place + n, 16, kind)) for n, kind in enumerate(KINDS)
            ]
            for place, class_ in enumerate(("cat", "dog"))
        }
    )


def test_an_archive_of_every_format_is_shown_and_measured() -> None:
    test = page()
    test.file_uploader(key="own_zip").set_value(("pets.zip", archive(), "application/zip")).run()
    assert not test.exception
    assert "12 pictures · 2 classes" in words(test)
    (upload,) = service.uploads_of(VISITOR)
    reference = own_pictures.UPLOAD + upload.token

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frame, "visitor", lambda: VISITOR)
        choice = Choice(reference=reference, title="pets", classes=2, preview=None)
        images, labels, names = pictures.of(choice, 32)
        assert images.shape[1:] == (32, 32, 3)
        assert set(labels.tolist()) == {0, 1}
        assert names == ("cat", "dog")
        assert len(specificity._open(reference, 32, "crop").train) == 12


def test_pictures_of_each_class_and_of_the_webcam_are_shown() -> None:
    test = page(own_pictures.FILES)
    for place in range(2):
        files = [(f"{n}.jpg", picture(10 * place + n, 16, "JPEG"), "image/jpeg") for n in range(3)]
        test.file_uploader(key=f"own_files_{place}").set_value(files)
    test.run()
    test.button(key="own_use").click().run()
    assert not test.exception
    assert "6 pictures · 2 classes" in words(test)


def test_a_picture_of_the_visitors_own_is_looked_at() -> None:
    test = _open(view="channels", picture="own")
    grey = Image.fromarray(np.random.default_rng(1).integers(0, 256, (90, 70), dtype=np.uint8))
    for kind in KINDS:
        test.session_state["layers_own"] = picture_choice.read_own(saved(grey, kind))
        test.run()
        assert not test.exception
        assert not test.error
        assert "channel" in _words(test)


def test_the_pictures_that_come_with_the_lab_are_read_there_too() -> None:
    squares = picture_choice.sample("cat").squares
    assert {side: square.shape for side, square in squares.items()} == {
        side: (side, side, 3) for side in (64, 84, 224, 448)
    }
