"""What happens to pictures after training: blur, noise, another light. Torch-free."""

import numpy as np
from scipy.ndimage import gaussian_filter

from core import errors
from core.arrays import Pixels
from core.techniques.fine_tuning.entry import Shift

# By severity, 1 to 5: the constants of CIFAR-10-C, whose pictures have 32 pixels, too (Hendrycks & Dietterich 2019,
# arXiv 1903.12261, their make_cifar_c.py).
BLUR = (0.4, 0.6, 0.7, 0.8, 1.0)  # standard deviation in pixels
NOISE = (0.04, 0.06, 0.08, 0.09, 0.10)  # standard deviation, where white is 1
# Ours: light that turns from white to orange; red gains, blue loses this share.
WARMTH = (0.1, 0.2, 0.3, 0.4, 0.5)


def shifted(images: Pixels, shift: Shift, severity: int, seed: int) -> Pixels:
    """Change pictures (N, H, W, 3) of 32 pixels as ``shift`` says; ``seed`` draws the noise."""
    errors.within("severity", severity, 1, 5)
    light = images / 255
    if shift == "blur":
        light = gaussian_filter(light, sigma=(0, BLUR[severity - 1], BLUR[severity - 1], 0))
    elif shift == "noise":
        light = light + np.random.default_rng(seed).normal(scale=NOISE[severity - 1], size=light.shape)
    else:
        light = light * np.array([1 + WARMTH[severity - 1], 1.0, 1 - WARMTH[severity - 1]])
    changed: Pixels = (light.clip(0, 1) * 255).round().astype(np.uint8)
    return changed
