"""How deep to freeze, and what frozen BatchNorm does: said once, here."""

from dataclasses import dataclass
from typing import Literal

from core import errors

BatchNormMode = Literal["frozen", "learning"]


@dataclass(frozen=True, kw_only=True)
class FreezePolicy:
    """Freeze the first ``depth`` stages: 0 trains everything, K (all stages but the head) is a linear probe.

    ``batch_norm="frozen"`` keeps parameters *and* buffers of frozen stages bit-identical: they run in eval
    mode. ``"learning"`` is the teaching switch: parameters stay, but BatchNorm's running statistics follow
    the target data, as in much software that only sets ``requires_grad = False``.
    """

    depth: int
    batch_norm: BatchNormMode = "frozen"

    def __post_init__(self) -> None:
        if self.depth < 0:
            raise errors.SettingsError(f"The freeze depth counts stages, so it cannot be {self.depth}.")
        errors.one_of("batch_norm", self.batch_norm, ("frozen", "learning"))
