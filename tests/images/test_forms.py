"""What costs seconds to read is refused by its form; what programs write is not."""

import io
import struct
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from PIL import Image

from core.errors import DataError
from core.images import forms
from core.images.decoding import decode
from tests.hostile import dear
from tests.hostile.pictures import chunk, png
from tests.hostile.sound import saved

# Each a little beyond its bound, so that it is made in a moment; the full sizes are `benchmarks.upload_fuzz`'s.
DEAR: dict[str, tuple[Callable[[], bytes], str]] = {
    "PNG, texts": (partial(dear.with_chunks, b"tEXt", b"k\0v", 20_001), "more parts"),
    "PNG, packed texts": (partial(dear.with_chunks, b"iTXt", b"k\0\0\0\0\0", 20_001), "more parts"),
    "PNG, empty pixels": (partial(dear.with_chunks, b"IDAT", b"", 20_001), "more parts"),
    "PNG, empty pictures": (partial(dear.with_chunks, b"fdAT", bytes(4), 20_001), "more parts"),
    "WebP, chunks": (partial(dear.riff_chunks, 20_001), "more parts"),
    "JPEG, segments": (partial(dear.segments, 20_001), "more parts"),
    "JPEG, fill bytes": (lambda: b"\xff\xd8" + b"\xff" * 30_000 + dear.segments(0)[2:], "more parts"),
    "JPEG, stray bytes": (lambda: b"\xff\xd8" + b"\0" * 30_000 + dear.segments(0)[2:], "more parts"),
    "GIF, bytes before": (lambda: dear.gif(before=bytes(30_000)), "more blocks"),
    "GIF, comment": (lambda: dear.gif(before=b"!\xfe" + b"\1x" * 30_000 + b"\0"), "more blocks"),
    "GIF, extensions": (lambda: dear.gif(before=b"!\xfe\0" * 30_000), "more blocks"),
    "GIF, data": (lambda: dear.gif(blocks=b"\1x" * 30_000), "more blocks"),
    "BMP, run lengths": (partial(dear.run_length_bmp, 20), "save it as PNG"),
    "TIFF, strips": (partial(dear.many_strips, 100_001), "more strips"),
    "TIFF, tags": (partial(dear.many_tags, 1_001), "more tags"),
    "PBM as text": (partial(dear.plain_text, "P1", 20), "save it as PNG"),
    "PGM as text": (partial(dear.plain_text, "P2", 20), "save it as PNG"),
    "PPM as text": (partial(dear.plain_text, "P3", 20), "save it as PNG"),
    "PPM, comment": (partial(dear.long_header, 5_000, b"#"), "save it as PNG"),
    "PPM, comments": (partial(dear.long_header, 5_000, b"#\n"), "save it as PNG"),
    "PPM, space": (partial(dear.long_header, 5_000, b" "), "save it as PNG"),
    "Pillow's own PNM": (lambda: b"PyP 2 2 255\n" + bytes(4), "save it as PNG"),
    "JPEG 2000, tiles": (partial(dear.jpeg2000, 1_010, tile_size=(8, 8)), "more tiles"),
    "JPEG 2000, blocks": (partial(dear.jpeg2000, 2_300, codeblock_size=(4, 4)), "more blocks"),
    "TGA": (lambda: saved(Image.new("RGB", (9, 9)), "TGA"), "not a picture in a format that can be read"),
}


@pytest.mark.parametrize("kind", DEAR)
def test_what_costs_seconds_is_refused_in_one_sentence(kind: str) -> None:
    make, says = DEAR[kind]
    content = make()
    began = time.process_time()
    why = forms.refusal(content)
    assert time.process_time() - began < 0.5
    with pytest.raises(DataError, match=says) as refused:
        decode(content, 16)
    assert why is None or str(refused.value) == why
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)


SOUND: dict[str, Callable[[], bytes]] = {
    "PNG of a thousand chunks": partial(dear.with_chunks, b"tEXt", b"k\0v", 1_000),
    "GIF of long comments": lambda: dear.gif(before=(b"!\xfe" + b"\xff" + b"x" * 255 + b"\0") * 5_000),
    "GIF of 300 pictures": lambda: saved(
        Image.new("P", (9, 9)),
        "GIF",
        save_all=True,
        append_images=[Image.new("P", (9, 9), n) for n in range(1, 256)],
    ),
    "JPEG of long segments": lambda: (
        b"\xff\xd8" + b"\xff\xed\xff\xff" * 1 + bytes(65_533) + saved(Image.new("RGB", (9, 9)), "JPEG")[2:]
    ),
    "TIFF, a row a strip": lambda: saved(Image.new("RGB", (9, 900)), "TIFF", tiffinfo={278: 1}),
    "PPM with a remark": lambda: b"P6\n# CREATOR: a program\n2 2\n255\n" + bytes(12),
    "PBM": lambda: b"P4 8 2\n" + bytes(2),
    "JPEG 2000 in tiles": partial(dear.jpeg2000, 300, tile_size=(64, 64), codeblock_size=(16, 16)),
    "BMP of a palette": lambda: saved(Image.new("P", (9, 9)), "BMP"),
}


@pytest.mark.parametrize("kind", SOUND)
def test_what_programs_write_is_read(kind: str) -> None:
    square, _ = decode(SOUND[kind](), 16)
    assert square.shape == (16, 16, 3)


def test_the_form_of_a_part_of_a_file_is_walked_to_its_end() -> None:
    rng = np.random.default_rng(0)
    picture = Image.fromarray(rng.integers(0, 256, (20, 20, 3), dtype=np.uint8))
    for kind in ("PNG", "WEBP", "JPEG", "GIF", "BMP", "TIFF", "PPM", "JPEG2000"):
        stream = io.BytesIO()
        picture.save(stream, kind)
        content = stream.getvalue()
        assert forms.refusal(content) is None
        for length in range(0, len(content), 7):
            forms.refusal(content[:length])


def test_a_great_tag_of_a_bigtiff_is_counted() -> None:
    rows = struct.pack("<HHQQ", 324, 16, 10**9, 16)
    big = b"II+\0" + struct.pack("<HHQQ", 8, 0, 16, 1) + rows + bytes(8)
    assert "more strips or tiles" in (forms.refusal(big) or "")


def test_further_packed_texts_are_no_harm() -> None:
    """Pillow bounds them; they are read in a process with little time."""
    content = png(9, 9, more=chunk(b"iCCP", b"a\0\0" + bytes(100)))
    assert decode(content, 16)[0].shape == (16, 16, 3)
