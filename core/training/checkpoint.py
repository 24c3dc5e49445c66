"""What a run needs to go on, as a nested dict of tensors and plain values, and the checks before it is used.

The dict survives ``torch.save`` and ``torch.load(…, weights_only=True)``. It leaves out the parameters that
the run never trains: they come from the pretrained weights again, whose hash is compared.
"""

from collections.abc import Collection
from typing import Any

from torch import Tensor, optim

from core import errors
from core.backbones.backbone import Backbone
from core.training.config import FinetuneConfig

FORMAT = 1

# Settings that may differ between the parts of one run: how long it is, and where it computes.
FREE = ("epochs", "device", "cache", "patience")


def trained_state(backbone: Backbone, always_frozen: Collection[str]) -> dict[str, Tensor]:
    """Copy all weights to the CPU but the parameters of ``always_frozen`` stages (their buffers are kept)."""
    left_out = {
        f"stages.{stage.name}.{name}"
        for stage in backbone.table
        if stage.name in always_frozen
        for name, _ in stage.module.named_parameters()
    }
    return {
        name: value.detach().to("cpu", copy=True)
        for name, value in backbone.state_dict().items()
        if name not in left_out
    }


def optimiser_state(optimiser: optim.Optimizer) -> dict[str, Any]:
    """Copy an optimiser's state to the CPU."""
    state = optimiser.state_dict()
    moments = {
        number: {
            key: value.to("cpu", copy=True) if isinstance(value, Tensor) else value
            for key, value in one.items()
        }
        for number, one in state["state"].items()
    }
    return {"state": moments, "param_groups": state["param_groups"]}


def check(state: dict[str, Any], *, config: FinetuneConfig, epochs: int, data: str, start: str) -> None:
    """Raise `RunError` unless ``state`` belongs to this resolved ``config``, data and starting weights."""
    if state.get("format") != FORMAT:
        raise errors.RunError(
            "This checkpoint was written by another version of the lab; start the run anew."
        )
    its = FinetuneConfig.from_json(state["config"]).to_json()
    for name, value in config.to_json().items():
        if name not in FREE and its[name] != value:
            raise errors.RunError(
                f"The checkpoint belongs to a run with {name} = {its[name]}, not {value}; "
                "a run goes on with its own settings."
            )
    if state["data"] != data:
        raise errors.RunError(
            "The images have changed since this run began, so it cannot go on; start a new one."
        )
    if state["start"] != start:
        raise errors.RunError(
            "The weights that this run started from have changed, so it cannot go on; start a new one."
        )
    if epochs < state["epoch"]:
        raise errors.RunError(
            f"This run has already done {state['epoch']} epochs; ask for at least as many, not {epochs}."
        )
