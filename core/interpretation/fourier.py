"""Pictures as what natural images are made of: spatial frequencies with falling amplitudes, and three colour axes.

Optimising pixels one by one finds noise that excites a channel; steps of equal size in coordinates in which
natural images are uncorrelated find pictures. Olah, Mordvintsev & Schubert 2017, "Feature visualization"
(distill.pub/2017/feature-visualization), section "Preconditioning and parameterization". Here coordinates that
are standard normal give pictures with the mean, contrast and colours of photographs.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# Mean and covariance of the logits ln(v / (1 - v)) of red, green and blue, where v is a pixel's value (0-1) kept
# within [0.01, 0.99]: the pixels of 8,000 of Tiny ImageNet's training images, as `colour_statistics` of
# tools/build_atlas.py measures them. Logits, since the sigmoid that keeps pixels within 0-1 stands after the colours.
COLOUR_MEAN = (-0.1119, -0.3077, -0.6416)
COLOUR_COVARIANCE = ((2.9630, 2.5275, 2.3817), (2.5275, 2.7605, 2.7377), (2.3817, 2.7377, 3.3735))

# Amplitudes fall as 1/f to this power. Photographs' own fall as f to the power of -0.93 (measured on the same
# images); a little steeper holds down the checkerboard that stride 2 would like.
FALL = 1.25


def colour_root() -> Tensor:
    """Symmetric square root of the colours' covariance (3, 3): what turns white noise into natural colours."""
    values, vectors = torch.linalg.eigh(torch.tensor(COLOUR_COVARIANCE, dtype=torch.float64))
    root: Tensor = (vectors * values.sqrt()) @ vectors.T
    return root.float()


def amplitudes(side: int, fall: float = FALL) -> Tensor:
    """Amplitude of each frequency of `torch.fft.rfft2` of a square (side, side // 2 + 1): f^-fall, f in cycles.

    Scaled so that standard normal coordinates give waves of variance 1. The mean counts like one cycle.
    """
    rows = torch.fft.fftfreq(side)[:, None] * side
    columns = torch.fft.rfftfreq(side)[None] * side
    falling = 1 / torch.hypot(rows, columns).clamp(min=1) ** fall
    # What each column adds to the pixels: its mirror image too, or at either end only the half that is its own.
    counts = torch.full((side // 2 + 1,), 2.0)
    counts[0] = 0.5
    if side % 2 == 0:
        counts[-1] = 0.5
    scaled: Tensor = falling * side / (falling.square() * counts).sum().sqrt()
    return scaled


def coordinates(count: int, side: int, *, contrast: float, generators: list[torch.Generator]) -> Tensor:
    """Draw a start (count, 3, side, side // 2 + 1, 2): noise of ``contrast`` times a photograph's, one seed each."""
    shape = (3, side, side // 2 + 1, 2)
    drawn = [torch.randn(shape, generator=generators[number]) for number in range(count)]
    return contrast / 2**0.5 * torch.stack(drawn)  # real and imaginary part share the variance


def decode(spectra: Tensor, fall: float = FALL) -> Tensor:
    """Coordinates (B, 3, S, S // 2 + 1, 2) -> pictures (B, 3, S, S), 0-1."""
    side = spectra.shape[2]
    spectrum = torch.view_as_complex(spectra) * amplitudes(side, fall)
    waves = torch.fft.irfft2(spectrum, s=(side, side), norm="ortho")  # (B, 3, S, S), uncorrelated colours
    logits = torch.einsum("ij,bjhw->bihw", colour_root(), waves)
    return (logits + torch.tensor(COLOUR_MEAN)[:, None, None]).sigmoid()


def to_bytes(pictures: Tensor) -> NDArray[np.uint8]:
    """Pictures (B, 3, S, S), 0-1 -> (B, S, S, 3) uint8."""
    pixels: NDArray[np.uint8] = (
        (pictures.detach() * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
    )
    return pixels
