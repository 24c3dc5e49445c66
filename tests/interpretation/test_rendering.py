import base64
import io

import numpy as np
import pytest
from PIL import Image

from core.interpretation import rendering

PICTURE = np.full((16, 16, 3), 100, dtype=np.uint8)


def test_a_map_of_nothing_leaves_the_picture_greyed_alone():
    plain = rendering.overlay(PICTURE, np.zeros((4, 4)))
    assert (plain == plain[0, 0]).all()


def test_gold_speaks_for_and_violet_against():
    values = np.zeros((16, 16))
    values[2, 2], values[12, 12] = 1, -1
    laid = rendering.overlay(PICTURE, values, smooth=False).astype(int)
    for place, colour in (((2, 2), rendering.GOLD), ((12, 12), rendering.VIOLET)):
        assert np.abs(laid[place] - colour).sum() < np.abs(laid[7, 7] - colour).sum() / 2


def test_a_sheet_puts_tiles_row_by_row_in_equal_cells():
    tiles = np.stack([np.full((4, 4, 3), value, dtype=np.uint8) for value in (10, 20, 30)])
    sheet = rendering.contact_sheet(tiles, 2, gap=1)
    assert sheet.shape == (10, 10, 3)
    assert [sheet[0, 0, 0], sheet[0, 5, 0], sheet[5, 0, 0], sheet[5, 5, 0]] == [
        10,
        20,
        30,
        rendering.GAP_LEVEL,
    ]


def test_a_frame_stays_inside_the_picture_and_leaves_its_argument_alone():
    before = PICTURE.copy()
    framed = rendering.frame(PICTURE, (-1.0, -1.0, 2.0, 2.0), width=1)
    assert framed.shape == PICTURE.shape
    assert tuple(framed[0, 5]) == rendering.GOLD
    assert np.array_equal(PICTURE, before)


@pytest.mark.parametrize(
    ("channels", "quality", "kind"), [(3, None, "WEBP"), (3, 90, "JPEG"), (4, 90, "WEBP")]
)
def test_pictures_are_encoded_with_or_without_loss_and_transparent(channels, quality, kind):
    picture = np.full((8, 8, channels), 77, dtype=np.uint8)
    encoded = rendering.encode(picture, quality=quality)
    with Image.open(io.BytesIO(encoded)) as read:
        assert read.format == kind
        assert abs(int(np.asarray(read)[4, 4, 0]) - 77) <= 2
    head, _, body = rendering.data_address(encoded).partition(",")
    assert head == f"data:image/{kind.lower()};base64"
    assert base64.b64decode(body) == encoded
