"""What a channel wants: the picture that excites it most, found by gradient ascent from grey noise.

After Olah, Mordvintsev & Schubert 2017, "Feature visualization" (distill.pub/2017/feature-visualization):
frequencies and colours as coordinates (`fourier`), robustness to small shifts, turns and zooms, and a diversity
term. Two things differ. Coordinates are pulled towards zero, which is a Gaussian prior: a picture has no more
contrast than it needs. And one draw of the transformations serves all pictures of a step, so that a channel's
picture does not depend on who else is being drawn.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core import errors
from core.backbones.backbone import Backbone
from core.interpretation import fourier, specimen
from core.interpretation.atlas import CLASSES
from core.interpretation.receptive_field import receptive_field
from core.interpretation.specimen import Specimen

LARGEST_SIDE = 112  # pixels by default, where a network takes any size: larger costs more than it shows
SMALLEST_SIDE, TINY_FIELD, ROOM = 16, 12, 1.75  # pixels, pixels, and sides of a picture per side of the field
NATURAL_SIDE = 64  # pixels: networks of smaller pictures than that see no fine detail
Aim = Literal["mean", "centre"]


@dataclass(frozen=True, kw_only=True)
class Ascent:
    """How to climb. The defaults were chosen by eye on two networks (see `tools/build_atlas.py`).

    ``aim``: the channel's mean over all positions, or its answer at the centre. ``side`` of the picture in
    pixels, None for the network's own. ``jitter`` is a share of the side, ``zoom`` a factor, ``turn`` in degrees;
    each is drawn evenly up to that much in both directions. ``fall`` is how steeply amplitudes fall with frequency.
    ``diversity`` pushes the pictures of one call apart. ``autocast`` is a type to compute in where the processor is
    quicker in it (bfloat16).
    """

    aim: Aim = "mean"
    steps: int = 96
    rate: float = 0.06
    prior: float = 0.1
    fall: float = fourier.FALL
    start: float = 0.1
    side: int | None = None
    jitter: float = 0.12
    zoom: float = 1.2
    turn: float = 12.0
    diversity: float = 0.0
    seed: int = 0
    report_every: int = 8
    autocast: torch.dtype | None = None

    def __post_init__(self) -> None:
        errors.one_of("aim", self.aim, ("mean", "centre"))
        errors.within("steps", self.steps, 1, 4096)
        errors.within("report_every", self.report_every, 1, 4096)
        if self.side is not None:
            errors.within("side", self.side, 8, 512)


@dataclass(frozen=True, kw_only=True, eq=False)
class AscentStep:
    """After ``step`` of ``steps``: pictures (B, S, S, 3) uint8 and how strongly each excites its channel (B,).

    Values on the way were measured under that step's transformations; the last ones by `measure`.
    """

    step: int
    steps: int
    values: NDArray[np.float32]
    pictures: NDArray[np.uint8]

    @property
    def finished(self) -> bool:
        """Whether this is the last one."""
        return self.step == self.steps


def ascend(
    specimen: Specimen, stage: str, channels: Sequence[int], ascent: Ascent | None = None
) -> Iterator[AscentStep]:
    """Draw for each of ``channels`` of a stage (of the classes, for `CLASSES`) the picture that it wants.

    Yields after every ``report_every`` steps and at the end; to stop, stop asking. A channel that is named
    several times gets as many starts, and with ``diversity`` as many different pictures. Raises `SettingsError`
    for a stage or channel that is not there, before the first step.
    """
    ascent = ascent or Ascent()
    check(specimen, stage, channels)
    return _climb(specimen, stage, torch.tensor(list(channels)), ascent)


def check(specimen: Specimen, stage: str, channels: Sequence[int]) -> None:
    """Raise `SettingsError` unless the stage (or `CLASSES`) is there and has all these channels."""
    count = (
        len(specimen.class_names)
        if stage == CLASSES
        else specimen.entry.stages[specimen.stage_number(stage)].channels
    )
    if not channels:
        raise errors.SettingsError("Name at least one channel to draw.")
    what = "class" if stage == CLASSES else f"channel of {stage}"
    for channel in channels:
        if not 0 <= channel < count:
            raise errors.SettingsError(f"There is no {what} {channel}: they run from 0 to {count - 1}.")


def default_side(specimen: Specimen) -> int:
    """Side of a picture for this network, in pixels."""
    return specimen.image_size if specimen.entry.fixed_size else min(specimen.image_size, LARGEST_SIDE)


def fitted(specimen: Specimen, stage: str, ascent: Ascent) -> Ascent:
    """Fit an ascent to the network's pictures, and to how much of them a stage sees where it takes any size.

    What sees fine detail is held nearer to how photographs are. Channels that see a small patch get a small picture,
    somewhat larger than the patch. Where the patch is tiny the mean over positions ends in flat colours, so there the
    centre's answer is what climbs, hardly shaken.
    """
    if default_side(specimen) > NATURAL_SIDE:
        ascent = replace(ascent, prior=0.5, fall=1.4)
    if stage == CLASSES or specimen.entry.fixed_size or not specimen.has_positions(stage):
        return ascent
    sees = receptive_field(specimen, stage).pixels
    side = min(default_side(specimen), max(SMALLEST_SIDE, round(ROOM * sees)))
    if sees <= TINY_FIELD:
        return replace(ascent, aim="centre", side=side, jitter=0.02, zoom=1.05, turn=4.0)
    return replace(ascent, side=side) if side < default_side(specimen) else ascent


@torch.inference_mode()
def measure(
    specimen: Specimen, stage: str, channels: Sequence[int], pictures: NDArray[np.uint8], aim: Aim = "mean"
) -> NDArray[np.float32]:
    """How strongly pictures (B, S, S, 3) uint8, as they are, excite one channel each: (B,), in float32."""
    return _values(
        specimen.backbone, specimen, stage, torch.tensor(list(channels)), specimen.input(pictures), aim=aim
    )[0].numpy()


def _climb(specimen: Specimen, stage: str, channels: Tensor, ascent: Ascent) -> Iterator[AscentStep]:
    network = specimen.private_copy()
    switch = _unsilence(network)
    side = ascent.side or default_side(specimen)
    coordinates = fourier.coordinates(
        len(channels), side, contrast=ascent.start, generators=_starts(channels, ascent.seed)
    ).requires_grad_()
    optimiser = torch.optim.AdamW([coordinates], lr=ascent.rate, betas=(0.9, 0.99), weight_decay=ascent.prior)
    luck = torch.Generator().manual_seed(ascent.seed)
    mean = torch.tensor(specimen.entry.mean).view(1, 3, 1, 1)
    std = torch.tensor(specimen.entry.std).view(1, 3, 1, 1)
    for step in range(1, ascent.steps + 1):
        with torch.enable_grad():
            shaken = _shaken(fourier.decode(coordinates, ascent.fall), ascent, luck)
            with torch.autocast("cpu", ascent.autocast, enabled=ascent.autocast is not None):
                values, features = _values(
                    network, specimen, stage, channels, _laid_out((shaken - mean) / std), aim=ascent.aim
                )
                goal = values.sum()
                if ascent.diversity and len(channels) > 1:
                    goal = goal - ascent.diversity * values.detach().abs().sum() * likeness(
                        features, channels
                    )
            switch.silent = values.detach() == 0
            (coordinates.grad,) = torch.autograd.grad(-goal, [coordinates])
        optimiser.step()
        if step == ascent.steps or step % ascent.report_every == 0:
            pictures = fourier.to_bytes(fourier.decode(coordinates.detach(), ascent.fall))
            last = step == ascent.steps
            yield AscentStep(
                step=step,
                steps=ascent.steps,
                values=measure(specimen, stage, channels.tolist(), pictures, ascent.aim)
                if last
                else values.detach().float().numpy(),
                pictures=pictures,
            )


def _starts(channels: Tensor, seed: int) -> list[torch.Generator]:
    """One seeded generator a picture: the k-th picture of a channel starts the same whoever stands beside it."""
    times: dict[int, int] = {}
    generators = []
    for channel in channels.tolist():
        times[channel] = times.get(channel, -1) + 1
        generators.append(torch.Generator().manual_seed(seed + 7919 * times[channel]))
    return generators


def _shaken(pictures: Tensor, ascent: Ascent, luck: torch.Generator) -> Tensor:
    """Shift, turn and zoom all pictures (B, 3, S, S) by one draw; what lies outside is mirrored."""
    across, down, size, turn = (2 * torch.rand(4, generator=luck) - 1).tolist()
    factor = ascent.zoom**size
    angle = np.deg2rad(ascent.turn * turn)
    cos, sin = factor * float(np.cos(angle)), factor * float(np.sin(angle))
    # Grid coordinates run from -1 to 1: a share of the side is twice as much there.
    affine = torch.tensor([[cos, -sin, 2 * ascent.jitter * across], [sin, cos, 2 * ascent.jitter * down]])
    grid = nn.functional.affine_grid(affine[None], [1, *pictures.shape[1:]], align_corners=False)
    return nn.functional.grid_sample(
        pictures, grid.expand(len(pictures), -1, -1, -1), padding_mode="reflection", align_corners=False
    )


def _laid_out(images: Tensor) -> Tensor:
    """Images (B, 3, H, W) with channels last in memory: EfficientNet-Lite0 climbs 66 steps a second then, else 53."""
    return images.contiguous(memory_format=torch.channels_last)


def _values(
    network: Backbone, original: Specimen, stage: str, channels: Tensor, images: Tensor, *, aim: Aim
) -> tuple[Tensor, Tensor]:
    """Answer of one channel each to normalised images (B, 3, S, S): values (B,), and features (B, C, h, w)."""
    if stage == CLASSES:
        features = network.run_stages(images)
        scores = network.head(features).float()
        return scores.gather(1, channels[:, None]).squeeze(1), specimen.as_map(features)
    features = specimen.as_map(network.run_stages(images, stop=original.stage_number(stage) + 1))
    own = features[torch.arange(len(channels)), channels].float()  # (B, h, w)
    if aim == "centre":
        return own[:, own.shape[1] // 2, own.shape[2] // 2], features
    return own.mean(dim=(1, 2)), features


def likeness(features: Tensor, channels: Tensor) -> Tensor:
    """Mean cosine of the Gram matrices of features (B, C, h, w) over all pairs of pictures of one channel.

    The diversity term of Olah et al. 2017; a Gram matrix says which channels fire together, wherever they do.
    """
    flat = features.flatten(2).float()  # (B, C, h·w)
    gram = (flat @ flat.transpose(1, 2)).flatten(1)
    cosine = nn.functional.normalize(gram, dim=1) @ nn.functional.normalize(gram, dim=1).T  # (B, B)
    same = (channels[:, None] == channels[None]) & ~torch.eye(len(channels), dtype=torch.bool)
    return (cosine * same).sum() / same.sum().clamp(min=1)


# --- silent units ---------------------------------------------------------------------------------------


class _Switch:
    """Which pictures of the batch (B,) do not excite their channel at all; shared by all units of a network."""

    silent: Tensor | None = None


class _UnsilencedReLU(nn.Module):
    """A ReLU whose gradient can leave the dark, and does not end at a ceiling. Its values are a plain ReLU's.

    A ReLU6 lets its gradient pass above 6: else whatever a network sees at once would soon move nothing any more, and
    the picture would stay a patchwork (seen on EfficientNet-Lite0). Where a channel's last ReLU is silent everywhere
    the gradient is zero, and the ascent would never start. For such a picture the gradient passes that ReLU as if it
    were not there, so the channel's input is raised until it speaks; below, all is as usual. (Lucid redirects the
    gradient at every ReLU; that climbs something else.)
    """

    def __init__(self, switch: _Switch, most: float | None) -> None:
        super().__init__()
        self.switch, self.most = switch, most

    def forward(self, inputs: Tensor) -> Tensor:
        output: Tensor = _Unsilenced.apply(inputs, self.switch, self.most)  # type: ignore[no-untyped-call]
        return output


class _Unsilenced(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor, switch: _Switch, most: float | None) -> Tensor:
        ctx.switch = switch
        ctx.save_for_backward(inputs)
        return inputs.clamp(min=0, max=most)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (inputs,) = ctx.saved_tensors
        passed = torch.ops.aten.threshold_backward(gradient, inputs, 0)  # one pass, not four
        switch: _Switch = ctx.switch
        if switch.silent is not None and bool(switch.silent.any()):
            # Backwards, a channel's last ReLU is the first one that its gradient reaches.
            here = switch.silent & gradient.flatten(1).any(1)
            passed = torch.where(here.view(-1, *[1] * (inputs.ndim - 1)), gradient, passed)
            switch.silent = switch.silent & ~here
        return passed, None, None


def _unsilence(network: Backbone) -> _Switch:
    """Replace the ReLUs of a private network; smooth activations never go silent."""
    switch = _Switch()
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, (nn.ReLU, nn.ReLU6)):
                most = 6.0 if isinstance(child, nn.ReLU6) else None
                setattr(parent, name, _UnsilencedReLU(switch, most))
    return switch
