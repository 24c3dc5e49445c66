"""One door for a picture: a file, or one of those that are there without a download. Torch-free."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import DataError
from core.images.decoding import decode
from core.images.samples import SAMPLES
from core.images.to_rgb import PictureReading


def open_picture(reference: str | Path, *, side: int, fit: str = "crop") -> NDArray[np.uint8]:
    """Open ``reference`` as a square (``side``, ``side``, 3) uint8 RGB. Sample names come first; "./cat" is a file.

    ``fit`` says how the picture becomes a square (`PictureReading`). Raises `DataError` for a file that cannot be read
    or is no picture.
    """
    if str(reference) in SAMPLES:
        content = SAMPLES[str(reference)].read()
    else:
        try:
            content = Path(reference).expanduser().read_bytes()
        except (OSError, ValueError, RuntimeError) as error:
            why = getattr(error, "strerror", None) or error
            raise DataError(
                f"{reference} cannot be read: {why}; give a picture's file, or one of {', '.join(SAMPLES)}."
            ) from error
    return decode(content, side, reading=PictureReading(fit=fit))[0]
