"""A place in the network: the stage that is looked at, picked on the stage strip."""

from widgets import address, network
from widgets.layers.selection import Selection
from widgets.stage_strip.strip import stage_picker


def choose_stage(selection: Selection) -> str:
    """Draw the strip and return the picked stage."""
    stages = selection.stages
    stage = address.read("stage", stages, stages[0])
    blocks, head = network.blocks(
        selection.entry, classes=len(selection.specimen.class_names), image_size=selection.side
    )

    def picked(number: int) -> None:
        address.write(stage=stages[number], channel=None)

    stage_picker(
        key="layers_strip",
        stages=blocks,
        head=head,
        states=("grey" if selection.network.is_random else "ice",) * len(blocks),
        about=tuple(_about(selection, name) for name in stages),
        selected=stages.index(stage),
        selectable=tuple(range(len(blocks))),
        on_pick=picked,
    )
    return stage


def _about(selection: Selection, stage: str) -> str:
    """Say how finely a stage divides the picture."""
    entry = selection.entry.stages[selection.stages.index(stage)]
    if not selection.specimen.has_positions(stage):
        return f"{entry.channels:,} numbers for the whole picture."
    side = selection.side // entry.reduction
    return f"{entry.channels:,} channels, each a map of {side} × {side} places on the picture."
