"""The sentence of each chart is right, on numbers made by hand."""

import numpy as np
import pytest

from core.figures import advice_says, layers_says, says
from core.figures.learning_curves import LearningCurves
from core.metrics.report import Interval
from tests.figures import test_advice, test_charts, test_faithfulness, test_specificity


def run(*accuracies: float, loss: tuple[float, ...] = ()) -> LearningCurves:
    return LearningCurves(epochs=10, validation_accuracy=accuracies, validation_loss=loss)


def test_learning_curves_say_where_they_began_and_where_they_are() -> None:
    assert says.curves_say(run(), "accuracy") == "No epoch is over yet."
    assert says.curves_say(run(0.24), "accuracy") == "Validation accuracy is 24.0\u00a0% after 1 epoch."
    told = says.curves_say(run(0.24, 0.9, 0.87), "accuracy", control=run(0.1, 0.5))
    assert told == (
        "Validation accuracy rises from 24.0\u00a0% to 87.0\u00a0% over 3 epochs (best 90.0\u00a0% in epoch 2); "
        "from scratch it is 50.0\u00a0% after 2."
    )
    told = says.curves_say(run(loss=(2.0, 0.5)), "loss")
    assert told == "Validation loss falls from 2.000\u00a0nats to 0.500\u00a0nats over 2 epochs."
    assert "no number" in says.curves_say(run(loss=(2.0, float("nan"))), "loss")


def test_mistakes_moves_and_calibration() -> None:
    assert says.confusion_says(((8, 2, 0), (1, 3, 0), (0, 0, 5)), ("ant", "bee", "cat")) == (
        "16 of 19 test pictures are recognised; most often ant is taken for bee, 2 of 10 times."
    )
    assert says.confusion_says(((2, 0), (0, 2)), ("a", "b")) == "4 of 4 test pictures are recognised."
    assert says.drift_says(test_charts.AUDIT) == (
        "Furthest moved is layer2, by 30\u00a0% of its length; the frozen stage stayed."
    )
    leaked = (test_charts.stage("stem", True, 0.01, 1.0), test_charts.stage("body", True, 0.0, 1.0))
    assert (
        says.drift_says(leaked)
        == "Furthest moved is stem, by 1\u00a0% of its length; 1 of 2 frozen stages moved."
    )
    assert says.reliability_says(test_charts.BINS, 0.06) == (
        "How sure and how often right differ by 6.0 points on average over 50 images; it is less sure than right, "
        "by 2.0 points."
    )


def test_counts_probabilities_and_results() -> None:
    assert says.balance_says({"train": [3, 9], "test": [1, 1]}, ("a", "b")) == (
        "14 images in 2 classes, from 4 (a) to 10 (b)."
    )
    assert says.balance_says({"train": [3, 3]}, ("a", "b")) == "6 images in 2 classes, 3 of each."
    assert says.probabilities_say([0.1, 0.7, 0.2], ("a", "b", "c")) == (
        "Most probable: b 70.0\u00a0%; then c 20.0\u00a0%, a 10.0\u00a0%."
    )
    row = ("A", Interval(value=0.9, low=0.85, high=0.93))
    assert says.results_say([row], 0.5) == "A 90.0\u00a0% [85.0, 93.0]; chance is 50.0\u00a0%."


def test_the_advice_and_its_evidence() -> None:
    told = advice_says.outlooks_say(test_advice.OUTLOOKS, stages=2, advised="k1")
    assert told == "Advised, 1 of 2 frozen: 71 [61, 81]\u00a0% right; worst, everything frozen: 50 [40, 60]."
    assert advice_says.map_says(test_advice.CELLS[:2], test_advice.ARMS, stages=2) == (
        "Best most often: 1 of 2 frozen, on 2 of 2 data sets. Furthest behind: nothing frozen on MNIST, 20 points."
    )
    told = advice_says.depths_say((test_advice.CELLS[0], test_advice.CELLS[2]), test_advice.ARMS, stages=2)
    assert told == (
        "With 5 pictures of each class 1 of 2 frozen is best, 81.0\u00a0%; with 20 pictures of each class 1 of 2 "
        "frozen is best, 81.0\u00a0%."
    )
    assert advice_says.probes_say((test_advice.MEASURES,)) == (
        "A linear probe reads best from layer1, 90.0\u00a0%; from the last stage, layer2, 70.0\u00a0%."
    )
    assert "“The full one”, 1.0 points" in advice_says.regrets_say(test_advice.POLICIES)
    place = test_advice.TaskPlace(unlike=(0.5, 0.7), per_class=(10, 30))
    assert advice_says.quadrants_say(test_advice.LANDMARKS, place) == (
        "Your task: unlike everyday photos, 10 to 30 pictures of each class; nearest measured: Ants and bees."
    )


def test_layers() -> None:
    assert layers_says.tuning_says((0, 45, 90, 135), (1.0, 4.0, 1.0, 2.0)) == (
        "It answers most to stripes at 45°; at 135° its answer is 50\u00a0% of that."
    )
    assert layers_says.tuning_says((0, 90), (0.0, 0.0)) == "It answers to no stripes."
    curves = test_faithfulness.Curves(deletion=test_faithfulness.CURVE, insertion=test_faithfulness.CURVE)
    assert layers_says.faithfulness_says(curves) == (
        "The class falls faster (area 0.30, shuffled 0.45) and rises no faster (area 0.30, shuffled 0.45)."
    )
    assert layers_says.sanity_says({"Saliency": test_faithfulness.STEPS[:3]}).endswith("Saliency −0.1.")
    assert layers_says.similarity_says(test_specificity.REPORT) == (
        "Most alike are silent and stem (CKA 0.50), least <b>last and silent (0.00)."
    )


@pytest.mark.parametrize(
    ("value", "written"), [(0.0, "0"), (-3.0, "−3"), (12345.6, "12,346"), (0.12345, "0.123"), (87.25, "87.2")]
)
def test_numbers_are_written_with_three_digits_that_count(value: float, written: str) -> None:
    from core.figures.template import figure

    drawn = figure(
        [{"type": "bar", "x": ["a"], "y": np.array([value])}],
        "light",
        yaxis={"title": {"text": "V"}},
        xaxis={"title": {"text": "N"}},
    )
    assert says.figure_says(drawn) == f"V: a {written}."
