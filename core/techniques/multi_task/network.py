"""Hard parameter sharing: one trunk, a head for each task. Caruana 1997 (Machine Learning 28, 41-75)."""

from torch import Tensor, nn

from core.techniques.multi_task.tasks import SIDE


class TwoHeads(nn.Module):
    """Pictures (B, SIDE, SIDE) go through a trunk that both tasks share; each task reads it by a layer of its own."""

    def __init__(self, width: int, answers: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Flatten(), nn.Linear(SIDE * SIDE, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()
        )
        self.digits = nn.Linear(width, 10)
        self.second = nn.Linear(width, answers)

    def forward(self, images: Tensor) -> Tensor:
        """Scores of the digits: (B, 10)."""
        scores: Tensor = self.digits(self.trunk(images))
        return scores

    def answer(self, images: Tensor) -> Tensor:
        """Scores of the second task's answers: (B, answers)."""
        scores: Tensor = self.second(self.trunk(images))
        return scores
