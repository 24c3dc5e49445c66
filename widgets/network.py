"""A catalogue entry in the words of the screen: blocks for the strip, and its facts in one line."""

from core.backbones.catalogue import BackboneEntry
from widgets.stage_strip.strip import Block


def blocks(
    entry: BackboneEntry, *, classes: int, image_size: int | None = None
) -> tuple[tuple[Block, ...], Block]:
    """Turn an entry into the strip's blocks and its new linear head for ``classes`` classes."""
    side = image_size or entry.image_size
    stages = tuple(
        Block(
            name=stage.name,
            parameters=stage.parameters,
            output=output(stage.channels, side // stage.reduction),
        )
        for stage in entry.stages
    )
    head = Block(name="head", parameters=(entry.feature_size + 1) * classes, output=f"{classes} classes")
    return stages, head


def output(channels: int, side: int) -> str:
    """Write the size of a feature map: channels, height and width."""
    return f"{channels} × {side} × {side}" if side > 1 else f"{channels} features"


def count(number: float) -> str:
    """Write a count of parameters or operations with three digits at most."""
    for limit, divisor, unit in ((1e4, 1, ""), (1e6, 1e3, " k"), (1e9, 1e6, " M")):
        if number < limit:
            digits = 0 if divisor == 1 or number / divisor >= 100 else 1 if number / divisor >= 10 else 2
            return f"{number / divisor:,.{digits}f}{unit}"
    return f"{number / 1e9:.2f} G"


def megabytes(size: int) -> str:
    """Write a file's size."""
    return f"{size / 1e6:.0f} MB" if size >= 1e7 else f"{size / 1e6:.1f} MB"
