"""What arrays hold, for signatures. Torch-free."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]  # classes, numbered from 0
Pixels = NDArray[np.uint8]
Flags = NDArray[np.bool_]
