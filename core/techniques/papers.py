"""Papers that more than one technique follows. Torch-free."""

from core.techniques.technique import Paper

DISTILLATION = Paper(
    text="Hinton et al. 2015, distillation, arXiv 1503.02531", url="https://arxiv.org/abs/1503.02531"
)
CKA = Paper(text="Kornblith et al. 2019, CKA, arXiv 1905.00414", url="https://arxiv.org/abs/1905.00414")
