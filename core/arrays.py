"""What the elements of an array are, in signatures; its shape stands in the docstring."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Maps = NDArray[np.float32]  # what a network computes: activations, gradients, explanations
Labels = NDArray[np.int64]  # class numbers from 0 on
Numbers = NDArray[np.int64]  # places in another array
Flags = NDArray[np.bool_]
Pixels = NDArray[np.uint8]
