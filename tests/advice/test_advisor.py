import dataclasses

import pytest

from core import errors
from core.advice import advisor, places
from core.advice.forecast import SMALL_LOSS
from core.advice.report import Description
from core.figures.advice_quadrants import BORDER
from tests.advice.conftest import LIKE_PHOTOS, UNLIKE_PHOTOS, measures_like

AERIAL = Description(per_class=20, classes=2, similarity="different", difference="objects", imaging="aerial")
PHOTOS = Description(per_class=20, classes=2, similarity="similar", difference="none", imaging="camera")


def test_the_advice_follows_the_nearest_measured_tasks(world):
    aerial = advisor.from_description(AERIAL, "tiny_resnet18")
    photos = advisor.from_description(PHOTOS, "tiny_resnet18")
    # Depths 0 to 2 are equally good for aerial pictures: the cheapest of them is advised.
    assert (aerial.arm, aerial.strategy, aerial.freeze_depth) == ("k2", "freeze_to_depth", 2)
    assert photos.arm in ("k4", "k5")
    assert aerial.neighbours[0].task == "satellite"
    assert "k2" in aerial.indistinguishable
    assert "k5" not in aerial.indistinguishable


def test_measures_lead_to_the_tasks_that_look_alike_from_inside_the_network(world):
    alike = advisor.from_measures(measures_like(UNLIKE_PHOTOS), "tiny_resnet18")
    assert (alike.arm, alike.basis) == ("k2", "probed")
    assert {one.task for one in alike.neighbours} <= {"satellite", "steel-defects", "chest-xray"}
    assert advisor.from_measures(measures_like(LIKE_PHOTOS), "tiny_resnet18").arm in ("k4", "k5")


def test_without_probes_votes_decide(world):
    plain = measures_like(UNLIKE_PHOTOS)
    plain = dataclasses.replace(
        plain, stages=tuple(dataclasses.replace(one, probe=None) for one in plain.stages)
    )
    found = advisor.from_measures(plain, "tiny_resnet18")
    assert (found.arm, found.basis) == ("k2", "measured")


def test_expected_accuracy_and_seconds_come_from_what_was_measured(world):
    found = advisor.from_measures(measures_like(UNLIKE_PHOTOS), "tiny_resnet18")
    by_arm = {one.arm: one for one in found.outlooks}
    assert by_arm["k2"].accuracy.value == pytest.approx(0.8, abs=0.03)
    assert by_arm["k2"].accuracy.low < by_arm["k2"].accuracy.value < by_arm["k2"].accuracy.high
    assert by_arm["k5"].behind.value == pytest.approx(0.2, abs=0.05)
    assert by_arm["k2"].behind.value == pytest.approx(0, abs=0.005)
    # A millisecond for an image to pass: 40 images, 25 epochs, each 2.4 times a plain pass, and the one pass.
    assert found.epochs == 25
    assert by_arm["k2"].seconds == pytest.approx(0.0005 * 80 / 40 * 40 * (1 + 25 * 2.4))
    assert by_arm["k0"].seconds > by_arm["k5"].seconds


def test_the_rule_stands_beside_the_advice_and_the_difference_is_explained(world):
    found = advisor.from_description(PHOTOS, "tiny_resnet18")
    (rule,) = found.rules
    assert rule.quadrant == "small-similar"
    assert rule.arm == "k5"
    assert bool(rule.departs) == (found.arm != "k5")
    (rule,) = advisor.from_description(AERIAL, "tiny_resnet18").rules
    assert rule.quadrant == "small-different"
    assert "2210.11466" in rule.disputed
    assert "3 of 5 stages" in rule.departs


@pytest.mark.parametrize(
    ("said", "known_as", "kind"),
    [
        ("between", None, "between"),
        (None, "satellite", "different"),
        ("similar", "satellite", "similar"),  # who brings them knows best
        (None, None, None),
    ],
)
def test_chart_and_rule_are_about_the_same_kind_of_pictures(world, said, known_as, kind):
    description = Description(per_class=20, classes=2, similarity=said)
    found = advisor.from_measures(
        measures_like(UNLIKE_PHOTOS), "tiny_resnet18", description=description, known_as=known_as
    )
    assert found.kind == kind
    (left, right), _ = places.place(found.kind, 20, counted=True)
    sides = {"similar"} if right <= BORDER else {"different"} if left >= BORDER else {"similar", "different"}
    assert {rule.quadrant.split("-")[1] for rule in found.rules} == sides


def test_only_tasks_that_stand_out_are_called_near(world):
    found = advisor.from_description(AERIAL, "tiny_resnet18")
    assert all(one.weight >= advisor.STANDS_OUT for one in found.neighbours)
    nothing = advisor.from_description(Description(per_class=20, classes=2), "tiny_resnet18")
    assert len(nothing.neighbours) <= len(found.neighbours)


def test_the_depth_advised_is_the_best_or_cheaper_at_next_to_no_loss(world):
    for name in ("tiny_resnet18", "resnet18"):
        for description in (AERIAL, PHOTOS, Description(per_class=300, classes=7)):
            found = advisor.from_description(description, name)
            behind = {one.arm: one.behind.value for one in found.outlooks}
            assert behind[found.best] == 0
            assert found.arm in found.indistinguishable
            assert found.arm >= found.best, "as many stages frozen, or more"
            assert behind[found.arm] <= SMALL_LOSS
            cheaper = [arm for arm in found.indistinguishable if arm > found.arm]
            assert all(behind[arm] > SMALL_LOSS for arm in cheaper)


def test_what_would_change_the_advice_is_said(world):
    found = advisor.from_description(
        dataclasses.replace(AERIAL, difference=None, imaging=None), "tiny_resnet18"
    )
    assert any("photographs of things" in one for one in found.changes)


def test_far_from_everything_the_range_widens_and_a_sentence_says_so(world):
    near = advisor.from_description(AERIAL, "tiny_resnet18")
    far = advisor.from_description(dataclasses.replace(AERIAL, per_class=500_000), "tiny_resnet18")
    assert near.warning == ""
    assert "Nobody measured anything like this" in far.warning
    assert far.outside > advisor.FAR

    def width(advice):
        return advice.outlook.accuracy.high - advice.outlook.accuracy.low

    assert width(far) > width(near)


@pytest.mark.parametrize(
    ("name", "stages"), [("resnet18", 5), ("vit_b_16", 7), ("squeezenet1_0", 5), ("vgg16", 7)]
)
def test_a_network_without_evidence_borrows_it_and_says_so(world, name, stages):
    found = advisor.from_description(AERIAL, name)
    assert len(found.outlooks) == len(found.stages) + 1 == stages + 1
    assert "borrows" in found.warning
    assert found.strategy == ("lp_ft" if name in ("squeezenet1_0", "vgg16") else "freeze_to_depth")


def test_knowing_less_widens_the_answer(world):
    nothing = Description(per_class=20, classes=2)
    known, unknown = (advisor.from_description(one, "tiny_resnet18") for one in (AERIAL, nothing))
    best = max(one.weight for one in known.neighbours)
    assert max(one.weight for one in unknown.neighbours) < best


@pytest.mark.parametrize(
    "wrong",
    [
        {"per_class": 0},
        {"per_class": 10**9},
        {"classes": 1},
        {"classes": 10**6},
        {"similarity": "blue"},
        {"per_class": float("nan")},
    ],
)
def test_absurd_numbers_and_answers_are_refused_in_a_sentence(wrong):
    with pytest.raises(errors.SettingsError):
        Description(**({"per_class": 20, "classes": 2} | wrong))


def test_an_unknown_network_is_refused(world):
    with pytest.raises(errors.SettingsError):
        advisor.from_description(AERIAL, "alexnet")
