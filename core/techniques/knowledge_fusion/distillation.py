"""Distillation: one network learns what others answer, not only what is right."""

from torch import Tensor
from torch.nn import functional


def distillation_loss(
    student: Tensor, teacher: Tensor, labels: Tensor, *, temperature: float = 2.0, share: float = 0.5
) -> Tensor:
    """Weigh the teacher's soft answer against the label. Hinton et al. 2015 (arXiv 1503.02531), section 2.

    ``student`` (B, classes) class scores; ``teacher`` (B, classes) log-probabilities; ``labels`` (B,). Both answers
    are softened by the ``temperature``, which shows how likely the teacher finds the wrong classes; its square keeps
    the two parts' gradients of the same size. ``share`` is the teacher's.
    """
    soft = functional.kl_div(
        (student / temperature).log_softmax(dim=1),
        (teacher / temperature).log_softmax(dim=1),
        log_target=True,
        reduction="batchmean",
    )
    hard = functional.cross_entropy(student, labels)
    return share * temperature**2 * soft + (1 - share) * hard
