"""The first convolution's kernels: what each looks for, measured on the kernel and on stripes shown to it.

A kernel is split into one colour and one spatial pattern (its best rank-one approximation), and the pattern's
Fourier transform is searched for its peak: orientation and frequency. We take the peak and not a Gabor fit for all,
since it needs no starting point, is exact for 3 x 3 kernels too, which a Gabor function with its eight numbers would
fit whatever they are, and takes microseconds; `gabor_fit` does fit one kernel, where it is large enough.
Trained first layers are full of such waves and colour blobs (Krizhevsky et al. 2012; Yosinski et al. 2014, arXiv
1411.1792, figure 1); random kernels are not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import optimize
from torch import nn

from core import errors
from core.arrays import Floats
from core.interpretation.specimen import Specimen

KernelKind = Literal["edge or grating", "colour blob", "other"]

# Opponent colours (orthonormal): brightness, red against green, blue against yellow; after Geusebroek et al. 2001.
OPPONENT = np.array([[1, 1, 1], [1, -1, 0], [-1, -1, 2]]) / np.sqrt([[3], [2], [6]])
AXES = ("brightness", "red against green", "blue against yellow")

# Limits of the kinds. Of random 7 x 7 kernels hardly one reaches ORDERLY (the page counts them); a kernel below
# SELECTIVE in `Tuning.selectivity` has no orientation worth the name, like a round spot; CHROMATIC: more colour than
# brightness.
ORDERLY, SELECTIVE, CHROMATIC = 0.4, 0.1, 0.5
_GRID = 64  # points a side of the zero-padded transform
SMALLEST_FIT = 25  # numbers in a kernel, for a Gabor function with eight
ANGLES = tuple(range(0, 180, 15))


@dataclass(frozen=True, kw_only=True)
class Filter:
    """One kernel. Orientation is that of the stripes it likes best, 0-180 degrees: 0 is level, 90 upright.

    ``frequency`` in cycles per pixel, ``cycles`` over the kernel; ``order`` (0-1) is the share of its energy in one
    colour and near one wave, ``selectivity`` (0-1) how much it prefers one orientation, ``chromatic`` (0-1) the share
    that is colour, along ``axis``; ``colour`` (3,) RGB 0-255 is what its pattern is made of, for the screen.
    """

    number: int
    orientation: float
    frequency: float
    cycles: float
    order: float
    selectivity: float
    chromatic: float
    axis: str
    colour: tuple[int, int, int]
    kind: KernelKind


def first_convolution(specimen: Specimen) -> nn.Conv2d:
    """Find the convolution that sees the picture's three colours; it belongs to the shared network: only read it."""
    for module in specimen.backbone.modules():
        if isinstance(module, nn.Conv2d) and module.in_channels == 3:
            return module
    raise errors.SettingsError(f"{specimen.entry.title} has no convolution over the picture's colours.")


def kernels(specimen: Specimen) -> Floats:
    """Kernels (K, h, w, 3) of the first convolution, as they act on pixels: the input's scaling is divided out."""
    weight = first_convolution(specimen).weight.detach().double().numpy()  # (K, 3, h, w)
    return np.ascontiguousarray(weight.transpose(0, 2, 3, 1) / np.array(specimen.entry.std))


def tiles(weights: Floats) -> NDArray[np.uint8]:
    """Colour kernels (K, h, w, 3) for the screen, each scaled by its own largest weight; grey is zero."""
    most = np.abs(weights).max(axis=(1, 2, 3), keepdims=True)
    shown: NDArray[np.uint8] = (
        (127.5 + 127.5 * weights / np.where(most > 0, most, 1)).round().astype(np.uint8)
    )
    return shown


def analyse(weights: Floats) -> tuple[Filter, ...]:
    """Measure every kernel of (K, h, w, 3)."""
    return tuple(_analyse(number, kernel) for number, kernel in enumerate(weights))


def _analyse(number: int, kernel: Floats) -> Filter:
    pattern, colour, separable = split(kernel)
    orientation, frequency, near = _peak(pattern)
    energy = np.square(kernel.reshape(-1, 3) @ OPPONENT.T).sum(axis=0)  # (3,)
    total = float(energy.sum())
    chromatic = float(energy[1:].sum()) / total if total > 0 else 0.0
    cycles = frequency * max(kernel.shape[:2])
    order = separable * near
    axis = AXES[0] if chromatic < CHROMATIC else AXES[1 + int(energy[1:].argmax())]
    kind: KernelKind = "other"
    selectivity = _expected(pattern, frequency).selectivity
    if order >= ORDERLY and selectivity >= SELECTIVE:
        kind = "edge or grating"
    elif order >= ORDERLY and chromatic >= CHROMATIC:
        kind = "colour blob"
    shade = np.clip(127.5 + 127.5 * colour / max(np.abs(colour).max(), 1e-12), 0, 255).round().astype(int)
    return Filter(
        number=number,
        orientation=orientation,
        frequency=frequency,
        cycles=cycles,
        order=order,
        selectivity=selectivity,
        chromatic=chromatic,
        axis=axis,
        colour=(int(shade[0]), int(shade[1]), int(shade[2])),
        kind=kind,
    )


def split(kernel: Floats) -> tuple[Floats, Floats, float]:
    """Split a kernel (h, w, 3) into its pattern (h, w) and colour (3,), and the share of energy that they hold."""
    left, sizes, right = np.linalg.svd(kernel.reshape(-1, 3), full_matrices=False)
    total = float(np.square(sizes).sum())
    if total == 0:
        return np.zeros(kernel.shape[:2]), np.zeros(3), 0.0
    # The signs of the two factors are free: let the pattern's largest part be positive.
    sign = 1.0 if left[np.abs(left[:, 0]).argmax(), 0] > 0 else -1.0
    pattern = sign * sizes[0] * left[:, 0].reshape(kernel.shape[:2])
    return pattern, sign * right[0], float(sizes[0] ** 2) / total


def _peak(pattern: Floats) -> tuple[float, float, float]:
    """Find the strongest wave: orientation of its stripes (degrees), cycles per pixel, share of energy near it."""
    power = np.abs(np.fft.fft2(pattern, (_GRID, _GRID))) ** 2
    total = float(power.sum())
    if total == 0:
        return 0.0, 0.0, 0.0
    down, across = np.fft.fftfreq(_GRID)[:, None], np.fft.fftfreq(_GRID)[None]
    row, column = np.unravel_index(int(power.argmax()), power.shape)
    at_down, at_across = float(down[row, 0]), float(across[0, column])
    frequency = float(np.hypot(at_down, at_across))
    near = np.minimum(
        np.hypot(down - at_down, across - at_across), np.hypot(down + at_down, across + at_across)
    ) < 1 / max(pattern.shape)
    return stripes(at_across, at_down), frequency, float(power[near].sum()) / total


def stripes(across: float, down: float) -> float:
    """Orientation of a wave's stripes in degrees, 0-180, counted anticlockwise on the screen from level."""
    direction = float(np.degrees(np.arctan2(down, across)))
    return (90 - direction) % 180


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """A filter's answers to stripes of its own width and colour at ``angles`` (degrees): amplitudes."""

    angles: tuple[int, ...]
    answers: tuple[float, ...]

    @property
    def preferred(self) -> float:
        """Orientation of the best stripes, 0-180 degrees: the mean direction of the doubled angles."""
        return float(np.degrees(np.angle(self._resultant)) / 2 % 180)

    @property
    def selectivity(self) -> float:
        """0: every orientation alike; 1: one only. One minus the circular variance (Ringach et al. 2002)."""
        total = sum(self.answers)
        return float(abs(self._resultant) / total) if total > 0 else 0.0

    @property
    def _resultant(self) -> complex:
        turns = np.exp(2j * np.radians(self.angles))
        return complex((np.array(self.answers) * turns).sum())


def _shown(pattern: Floats, frequency: float) -> float:
    """Frequency of the stripes to show: the pattern's own, at least half a cycle over the kernel."""
    return float(max(frequency, 0.5 / max(pattern.shape)))


def _expected(pattern: Floats, frequency: float) -> Tuning:
    """What the kernel's Fourier transform says about `tune`'s answer, without showing it anything."""
    down, across = np.mgrid[: pattern.shape[0], : pattern.shape[1]]
    turns = np.radians(90 - np.array(ANGLES))[:, None, None]
    place = 2 * np.pi * _shown(pattern, frequency) * (across * np.cos(turns) + down * np.sin(turns))
    answers = np.abs((pattern * np.exp(-1j * place)).sum(axis=(1, 2)))
    return Tuning(angles=ANGLES, answers=tuple(float(value) for value in answers))


@torch.inference_mode()
def tune(specimen: Specimen, channel: int, *, angles: Sequence[int] = ANGLES) -> Tuning:
    """Show pictures of stripes to the network's own first convolution, and measure how filter ``channel`` answers.

    The stripes have the filter's own colour and frequency (for one without a wave: half a cycle over the kernel)
    and one contrast. Raises `SettingsError` for a channel that is not there.
    """
    conv = first_convolution(specimen)
    errors.within("The filter", channel, 0, conv.out_channels - 1)
    kernel = kernels(specimen)[channel]
    pattern, colour, _ = split(kernel)
    frequency = _shown(pattern, _peak(pattern)[1])
    tint = colour / max(np.abs(colour).max(), 1e-12)
    down, across = np.mgrid[:_GRID, :_GRID]
    pictures = [np.full((_GRID, _GRID, 3), 128.0)]
    for angle in angles:
        turn = np.radians(90 - angle)  # the direction across the stripes, downwards being positive
        place = 2 * np.pi * frequency * (across * np.cos(turn) + down * np.sin(turn))
        pictures += [128 + 127 * wave[..., None] * tint for wave in (np.sin(place), np.cos(place))]
    answers = conv(specimen.input(np.stack(pictures).round().clip(0, 255).astype(np.uint8)))[:, channel]
    # Zeros beyond the border are an edge that is not in the stripes.
    margin = -(-max(conv.kernel_size) // max(conv.stride)) if _pads(conv) else 0
    inner = answers[:, margin : answers.shape[1] - margin, margin : answers.shape[2] - margin].double()
    waves = (inner[1:] - inner[:1]).reshape(len(angles), 2, -1)  # sine and cosine, (A, 2, positions)
    strength = waves.square().sum(dim=1).mean(dim=1).sqrt()  # sine² + cosine²: wherever the stripes begin
    return Tuning(angles=tuple(angles), answers=tuple(float(value) for value in strength))


def _pads(conv: nn.Conv2d) -> bool:
    """Whether a convolution looks beyond the border; timm's "same" ones do, and state no padding."""
    return conv.padding not in ((0, 0), 0) or type(conv).forward is not nn.Conv2d.forward


@torch.inference_mode()
def response(specimen: Specimen, picture: NDArray[np.uint8], channel: int) -> NDArray[np.float32]:
    """What filter ``channel`` answers to a picture (S, S, 3): a signed map (h, w), before anything else happens."""
    conv = first_convolution(specimen)
    errors.within("The filter", channel, 0, conv.out_channels - 1)
    answer: NDArray[np.float32] = conv(specimen.input(picture))[0, channel].float().numpy()
    bias = float(conv.bias[channel]) if conv.bias is not None else 0.0
    return answer - bias


def gabor_fit(kernel: Floats) -> float | None:
    """Fit a Gabor function to a kernel's pattern by least squares: the share of variance that it explains (R²).

    None for kernels of fewer than 25 numbers, which it would fit whatever they are.
    """
    pattern, _, _ = split(kernel)
    total = float(np.square(pattern).sum())
    if pattern.size < SMALLEST_FIT or total == 0:
        return None
    side = max(pattern.shape)
    down, across = (axis - (side - 1) / 2 for axis in np.mgrid[: pattern.shape[0], : pattern.shape[1]])
    orientation, frequency, _ = _peak(pattern)
    turn = np.radians(90 - orientation)

    def off(values: Floats) -> Floats:
        size, x, y, along, beside, direction, wave, phase = values
        u = (across - x) * np.cos(direction) + (down - y) * np.sin(direction)
        v = (down - y) * np.cos(direction) - (across - x) * np.sin(direction)
        drawn = size * np.exp(-(u**2) / (2 * along**2) - v**2 / (2 * beside**2))
        missed: Floats = (drawn * np.cos(2 * np.pi * wave * u + phase) - pattern).ravel()
        return missed

    most = float(np.abs(pattern).max())
    fits = [
        optimize.least_squares(
            off,
            [most, 0, 0, side / 4, side / 4, turn, frequency, phase],
            x_scale=[most, 1, 1, 1, 1, 0.3, 0.05, 0.5],
            max_nfev=60,
        )
        for phase in (0.0, np.pi / 2)
    ]
    missed = min(2 * float(fit.cost) for fit in fits)
    return max(0.0, 1 - missed / total)
