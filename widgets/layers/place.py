"""A place in the network: the stage that is looked at, picked on the stage strip."""

from widgets import address, network
from widgets.layers.look import Look
from widgets.stage_strip.strip import stage_picker


def choose_stage(look: Look) -> str:
    """Draw the strip and return the picked stage."""
    specimen = look.specimen
    stage = address.read("stage", look.stages, look.stages[0])
    blocks, head = network.blocks(
        specimen.entry, classes=len(specimen.class_names), image_size=specimen.image_size
    )

    def picked(number: int) -> None:
        address.write(stage=look.stages[number], channel=None)

    stage_picker(
        key="layers_strip",
        stages=blocks,
        head=head,
        states=("grey" if look.is_random else "ice",) * len(blocks),
        about=tuple(_about(look, name) for name in look.stages),
        selected=look.stages.index(stage),
        selectable=tuple(range(len(blocks))),
        on_pick=picked,
    )
    return stage


def _about(look: Look, stage: str) -> str:
    """Say how finely a stage divides the picture."""
    entry = look.specimen.entry.stages[look.stages.index(stage)]
    if not look.specimen.has_positions(stage):
        return f"{entry.channels:,} numbers for the whole picture."
    side = look.specimen.image_size // entry.reduction
    return f"{entry.channels:,} channels, each a map of {side} × {side} places on the picture."
