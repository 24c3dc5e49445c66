"""The sentence of each chart is right, on numbers made by hand."""

from dataclasses import replace

import numpy as np
import pytest

from core.figures import (
    advice_evidence,
    class_balance,
    comparison,
    confusion,
    drift,
    faithfulness,
    filters,
    probabilities,
    reliability,
    specificity,
)
from core.figures.comparison import AccuracyRow
from core.figures.learning_curves import CurvePanel, LearningCurves, learning_curves
from core.figures.says import figure_says
from core.figures.template import figure
from core.metrics.report import Interval
from tests.figures import test_advice, test_charts, test_faithfulness, test_specificity


def run(*accuracies: float, loss: tuple[float, ...] = ()) -> LearningCurves:
    return LearningCurves(epochs=10, validation_accuracy=accuracies, validation_loss=loss)


def curves_say(own: LearningCurves, panel: CurvePanel, control: LearningCurves | None = None) -> str:
    return figure_says(learning_curves(own, panel=panel, control=control))


def test_learning_curves_say_where_they_began_and_where_they_are() -> None:
    assert curves_say(run(), "accuracy") == "No epoch is over yet."
    assert curves_say(run(0.24), "accuracy") == "Validation accuracy is 24.0 % after 1 epoch."
    assert curves_say(run(0.24, 0.9, 0.87), "accuracy", run(0.1, 0.5)) == (
        "Validation accuracy rises from 24.0 % to 87.0 % over 3 epochs (best 90.0 % in epoch 2); "
        "from scratch: 50.0 % after 2."
    )
    told = curves_say(run(loss=(2.0, 0.5)), "loss")
    assert told == "Validation loss falls from 2.000 nats to 0.500 nats over 2 epochs."
    assert "no number" in curves_say(run(loss=(2.0, float("nan"))), "loss")


def test_mistakes_moves_and_calibration() -> None:
    counts = ((8, 2, 0), (1, 3, 0), (0, 0, 5))
    assert figure_says(confusion.confusion_matrix(counts, ("ant", "bee", "cat"))) == (
        "16 of 19 test pictures are recognised; most often ant is taken for bee, 2 of 10 times."
    )
    told = figure_says(confusion.confusion_matrix(((2, 0), (0, 2)), ("a", "b")))
    assert told == "4 of 4 test pictures are recognised."
    assert figure_says(drift.drift(test_charts.AUDIT)) == (
        "Furthest moved is layer2, by 30 % of its length; the frozen stage stayed."
    )
    leaked = (test_charts.stage("stem", True, 0.01, 1.0), test_charts.stage("body", True, 0.0, 1.0))
    told = figure_says(drift.drift(leaked))
    assert told == "Furthest moved is stem, by 1 % of its length; 1 of 2 frozen stages moved."
    assert figure_says(reliability.reliability(test_charts.BINS, 0.06)) == (
        "How sure and how often right differ by 6.0 points on average over 50 images; it is less sure than right, "
        "by 2.0 points."
    )
    assert figure_says(reliability.reliability((), 0.0)).endswith(".")


def test_counts_probabilities_and_results() -> None:
    counts = {"train": [3, 9], "test": [1, 1]}
    told = figure_says(class_balance.class_balance(counts, ("a", "b")))
    assert told == "14 images in 2 classes, from 4 (a) to 10 (b)."
    told = figure_says(class_balance.class_balance({"train": [3, 3]}, ("a", "b")))
    assert told == "6 images in 2 classes, 3 of each."
    told = figure_says(probabilities.probabilities([0.1, 0.7, 0.2], ("a", "b", "c")))
    assert told == "Most probable: b 70.0 %; then c 20.0 %, a 10.0 %."
    assert figure_says(probabilities.probabilities([1.0], ("a",))) == "Most probable: a 100.0 %."
    row = AccuracyRow(name="A", accuracy=Interval(value=0.9, low=0.85, high=0.93))
    told = figure_says(comparison.accuracies([row], chance=0.5))
    assert told == "A 90.0 % [85.0, 93.0]; chance is 50.0 %."
    assert figure_says(comparison.accuracies([row])) == "A 90.0 % [85.0, 93.0]."


def test_the_advice_and_its_evidence() -> None:
    told = {name: figure_says(build("light")) for name, build in test_advice.EVERY.items()}
    assert told["outlook"] == (
        "Advised, 1 of 2 frozen: 71 [61, 81] % right; worst, everything frozen: 50 [40, 60]."
    )
    assert told["given away"] == (
        "Advised, 1 of 2 frozen: 0 [0, 2] points behind the best; worst, everything frozen: 21 [0, 23]."
    )
    assert told["map"] == (
        "Best most often: 1 of 2 frozen, on 2 of 2 data sets. Furthest behind: nothing frozen on MNIST, 20 points."
    )
    assert told["depths"] == (
        "With 5 pictures of each class 1 of 2 frozen is best, 81.0 %; with 20 pictures of each class 1 of 2 "
        "frozen is best, 81.0 %."
    )
    assert told["probes"] == (
        "A linear probe reads best from layer1, 90.0 %; from the last stage, layer2, 70.0 %."
    )
    assert told["record"] == (
        "Least is given away by “The full one”, 1.0 points on average; most by “The probe one”, 5.0."
    )
    assert told["quadrants"] == (
        "Your task: unlike everyday photos, 10 to 30 pictures of each class; the advice leans most on Ants and bees."
    )
    assert told["quadrants, nothing known"].startswith("0 measured data sets")


def test_a_network_without_a_probe_has_only_chance_to_say() -> None:
    bare = tuple(replace(stage, probe=None) for stage in test_advice.MEASURES.stages)
    unread = replace(test_advice.MEASURES, stages=bare)
    assert figure_says(advice_evidence.probe_over_stages((unread,))) == "Chance is 50.0 %."
    last = replace(test_advice.MEASURES, stages=(test_advice.MEASURES.stages[0], bare[1]))
    told = figure_says(advice_evidence.probe_over_stages((last,)))
    assert told == "A linear probe reads best from stem, 60.0 %."


def test_layers() -> None:
    assert figure_says(filters.tuning((0, 45, 90, 135), (1.0, 4.0, 1.0, 2.0))) == (
        "It answers most to stripes at 45°; at 135° its answer is 50 % of that."
    )
    assert figure_says(filters.tuning((0, 90), (0.0, 0.0))) == "It answers to no stripes."
    curves = test_faithfulness.FaithfulnessCurves(
        deletion=test_faithfulness.CURVE, insertion=test_faithfulness.CURVE
    )
    assert figure_says(faithfulness.faithfulness(curves)) == (
        "The class falls faster (area 0.30, shuffled 0.45) and rises no faster (area 0.30, shuffled 0.45)."
    )
    told = figure_says(faithfulness.sanity({"Saliency": test_faithfulness.STEPS[:3]}))
    assert told.endswith("Saliency −0.1.")
    assert figure_says(specificity.similarity_of_stages(test_specificity.REPORT)) == (
        "Most alike are silent and stem (CKA 0.50), least <b>last and silent (0.00)."
    )


@pytest.mark.parametrize(
    ("value", "written"), [(0.0, "0"), (-3.0, "−3"), (12345.6, "12,346"), (0.12345, "0.123"), (87.25, "87.2")]
)
def test_numbers_are_written_with_three_digits_that_count(value: float, written: str) -> None:
    drawn = figure(
        [{"type": "bar", "x": ["a"], "y": np.array([value])}],
        "light",
        yaxis={"title": {"text": "V"}},
        xaxis={"title": {"text": "N"}},
    )
    assert figure_says(drawn) == f"V: a {written}."
