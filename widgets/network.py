"""A catalogue entry in the words of the screen: blocks for the strip, and its facts in one line."""

from core.backbones.catalogue import BackboneEntry
from widgets.stage_strip.strip import Block


def blocks(
    entry: BackboneEntry, *, classes: int, image_size: int | None = None
) -> tuple[tuple[Block, ...], Block]:
    """Turn an entry into the strip's blocks and its new linear head for ``classes`` classes."""
    side = image_size or entry.finetune_size
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
