"""Digits at nine places, and the questions one can ask about each picture. Torch-free."""

from dataclasses import dataclass

import numpy as np

from core.arrays import Labels, Maps
from core.techniques.digits.scanned import scanned_digits
from core.techniques.multi_task.entry import Related

SIDE, DIGIT = 12, 8  # pixels of the picture and of the digit in it
STEP = 2  # pixels between neighbouring places
PLACES = ((SIDE - DIGIT) // STEP + 1) ** 2
TRAIN = 1200  # of the 1797 digits; the others are the test

LOOPS = (0, 6, 8, 9)


@dataclass(frozen=True, kw_only=True, eq=False)
class PlacedDigits:
    """``images`` (N, SIDE, SIDE) float32, 0-1; which ``digit`` (N,) each shows, and at which ``place`` (N,), 0-8."""

    images: Maps
    digit: Labels
    place: Labels


def placed_digits(seed: int) -> tuple[PlacedDigits, PlacedDigits]:
    """Put every digit of scikit-learn's somewhere, once; train and test parts, other ones for every seed."""
    digits, which = scanned_digits()
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(which))
    place = generator.integers(0, PLACES, len(order))
    a_row = round(PLACES**0.5)
    images = np.zeros((len(order), SIDE, SIDE), dtype=np.float32)
    for number, (digit, where) in enumerate(zip(order, place, strict=True)):
        top, left = STEP * (where // a_row), STEP * (where % a_row)
        images[number, top : top + DIGIT, left : left + DIGIT] = digits[digit]
    labels = which[order]
    train, test = (
        PlacedDigits(images=images[part], digit=labels[part], place=place[part])
        for part in (slice(TRAIN), slice(TRAIN, None))
    )
    return train, test


def related_answers(task: Related, digit: Labels) -> Labels:
    """Answer the related question for each digit: 0 or 1."""
    answers = {"loop": np.isin(digit, LOOPS), "odd_even": digit % 2 == 1, "high_low": digit > 4}
    return np.asarray(answers[task], dtype=np.int64)


def second_answers(arm: str, task: Related, of: PlacedDigits, seed: int) -> tuple[Labels, int]:
    """Answers (N,) to an arm's second question, and how many different ones there are."""
    if arm == "rival":
        return of.place, PLACES
    answers = related_answers(task, of.digit)
    if arm == "shuffled":
        answers = np.random.default_rng((seed, 1)).permutation(answers)
    return answers, 2
