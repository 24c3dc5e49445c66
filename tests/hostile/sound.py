"""Small sound archives and pictures, which the fuzzer's hostile ones are made of."""

import io
import warnings
import zipfile

import numpy as np
from PIL import Image

from tests.hostile.mutants import Pictures, packed

Entries = list[tuple[zipfile.ZipInfo | str, bytes]]


def picture(seed: int = 0, side: int = 16, kind: str = "PNG", **options: object) -> bytes:
    """Make a small picture of noise."""
    noise = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return saved(Image.fromarray(noise), kind, **options)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """Write an image in a format."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def sound() -> Pictures:
    """Two classes of three small pictures."""
    return {
        name: [(f"{number}.png", picture(number + 10 * place)) for number in range(3)]
        for place, name in enumerate(("cat", "dog"))
    }


def archive(extra: Entries, method: int = zipfile.ZIP_STORED) -> bytes:
    """Make a sound archive and add entries to it."""
    stream = io.BytesIO(packed(sound()))
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(stream, "a", method) as target:
        for entry, content in extra:
            target.writestr(entry, content)
    return stream.getvalue()


def holding(*contents: bytes, suffix: str = "png") -> bytes:
    """Make a sound archive with further pictures."""
    return archive([(f"cat/more{number}.{suffix}", content) for number, content in enumerate(contents)])
