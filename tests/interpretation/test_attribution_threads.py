"""Eight visitors at a time get what one would get alone.

Captum registers hooks on the modules that it explains, and DeepLift keeps each activation's input on the module
itself. On a network that threads share, one visitor's backward pass therefore meets another's hooks: measured on a
shared resnet18 with three threads, 40 of 60 answers of LayerActivation were silently wrong. Private copies of the
modules around the same tensors make every call independent; that is what is tested here, for every method.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from core.interpretation import specimen
from core.interpretation.attribution import METHODS, attribute
from core.interpretation.specimen import Specimen

pytestmark = pytest.mark.filterwarnings("ignore:Setting")

THREADS, CALLS, PICTURES = 8, 6, 4


@pytest.mark.parametrize("method", METHODS)
def test_concurrent_answers_equal_sequential_ones(method: str) -> None:
    whole = specimen.random("tiny_resnet18")
    one = Specimen(
        entry=whole.entry,
        backbone=whole.backbone,
        class_names=whole.class_names,
        image_size=32,
    )
    generator = np.random.default_rng(0)
    pictures = generator.integers(0, 256, (PICTURES, 32, 32, 3)).astype(np.uint8)
    # Different pictures, classes and stages, so that a mixed-up answer cannot be right by chance.
    asked = [(n % PICTURES, 7 * (n % PICTURES), f"layer{2 + n % 2}") for n in range(THREADS * CALLS)]

    def answer(question: tuple[int, int, str]) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
        number, target, stage = question
        return attribute(one, pictures[number], method=method, target=target, stage=stage).raw

    alone = {question: answer(question) for question in set(asked)}
    with ThreadPoolExecutor(THREADS) as pool:
        together = list(pool.map(answer, asked))
    assert len(together) == THREADS * CALLS
    # Bit for bit.
    for found, question in zip(together, asked, strict=True):
        assert np.array_equal(found, alone[question])
