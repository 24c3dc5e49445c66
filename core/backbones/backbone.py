"""The idea that carries everything: a backbone is a sequence of named stages, then a head."""

from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One named stage. ``channels`` counts its output channels; ``reduction`` is input side / output side."""

    name: str
    module: nn.Module
    channels: int
    reduction: int

    @property
    def parameters(self) -> int:
        """How many parameters the stage holds."""
        return sum(parameter.numel() for parameter in self.module.parameters())


class Backbone(nn.Module):
    """``head(stage_K(… stage_1(images)))`` is, to the bit, the original network's forward pass.

    ``neck`` turns the last stage's output into one feature vector per image (B, feature_size); `new_head`
    puts a fresh classifier behind it. Stages are registered under their names, so the state dict reads
    ``stages.layer1.0.conv1.weight``; the head's keys begin with ``head.``. ``said`` tells, in sentences, what was done
    with the file that its weights were read from.
    """

    def __init__(
        self,
        *,
        name: str,
        stages: tuple[Stage, ...],
        neck: nn.Module,
        feature_size: int,
        head: nn.Module,
    ) -> None:
        super().__init__()
        self.name = name
        self.said: tuple[str, ...] = ()
        self.feature_size = feature_size
        self._table = stages
        self.stages = nn.ModuleDict({stage.name: stage.module for stage in stages})
        self.neck = neck
        self.head = head

    @property
    def table(self) -> tuple[Stage, ...]:
        """The stages in order, from the input."""
        # Modules are read from the registry, so that a deep copy's table shows the copy's modules.
        return tuple(
            Stage(name=s.name, module=self.stages[s.name], channels=s.channels, reduction=s.reduction)
            for s in self._table
        )

    @property
    def depth(self) -> int:
        """K: the number of stages."""
        return len(self._table)

    def run_stages(self, features: Tensor, start: int = 0, stop: int | None = None) -> Tensor:
        """Run stages ``start`` to ``stop`` (exclusive; None means all) on what stands before ``start``."""
        for stage in list(self.stages.values())[start:stop]:
            features = stage(features)
        return features

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images (B, 3, H, W) -> class scores (B, classes)."""
        scores: Tensor = self.head(self.run_stages(images))
        return scores
