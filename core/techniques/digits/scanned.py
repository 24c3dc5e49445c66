"""scikit-learn's digits as they were scanned: 1797 pictures of 8 x 8 pixels. Torch-free."""

from functools import cache

import numpy as np

from core.arrays import Floats, Labels


@cache
def scanned_digits() -> tuple[Floats, Labels]:
    """Images (1797, 8, 8), ink 1 and paper 0, and which digit each shows (1797,); do not write into them."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return digits.images / 16, digits.target.astype(np.int64)
