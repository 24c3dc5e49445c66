import pytest

from core.advice.nearness import Query, distance, weights
from core.advice.report import Description
from tests.advice.conftest import LIKE_PHOTOS, UNLIKE_PHOTOS, cell, measures_like

SATELLITE = cell("satellite", UNLIKE_PHOTOS)


def described(**answers: object) -> Query:
    said = Description(**({"per_class": 20, "classes": 2} | answers))
    return Query(per_class=said.per_class, classes=said.classes, description=said)


def test_a_task_described_as_a_measured_one_is_at_no_distance():
    query = described(similarity="different", difference="objects", imaging="aerial")
    assert distance(query, SATELLITE, ()) == 0


def test_every_other_answer_and_other_numbers_are_further_away():
    same = {"similarity": "different", "difference": "objects", "imaging": "aerial"}
    for other in (
        {"similarity": "between"},
        {"difference": "surface"},
        {"imaging": "camera"},
        {"imaging": None},
        {"per_class": 80},
        {"classes": 16},
    ):
        assert distance(described(**same | other), SATELLITE, ()) > 0
    near, far = (
        distance(described(**same | {"similarity": s}), SATELLITE, ()) for s in ("between", "similar")
    )
    assert far > near


def test_two_doublings_of_the_images_are_one_unit():
    same = {"similarity": "different", "difference": "objects", "imaging": "aerial"}
    assert distance(described(**same | {"per_class": 80}), SATELLITE, ()) == pytest.approx(1)


def test_not_knowing_lies_between_agreeing_and_disagreeing():
    same = {"similarity": "different", "difference": "objects", "imaging": "aerial"}
    agree, unknown, disagree = (
        distance(described(**same | {"imaging": one}), SATELLITE, ()) for one in ("aerial", None, "xray")
    )
    assert agree < unknown < disagree


def test_what_was_measured_outweighs_what_was_said():
    measured = measures_like(LIKE_PHOTOS)
    said = Description(
        per_class=20, classes=2, similarity="different", imaging="aerial", difference="objects"
    )
    query = Query(per_class=20, classes=2, description=said, measures=measured)
    photos = distance(query, cell("hymenoptera", LIKE_PHOTOS), (measures_like(LIKE_PHOTOS),))
    aerial = distance(query, SATELLITE, (measures_like(UNLIKE_PHOTOS),))
    assert photos == 0 < aerial


def test_weights_add_up_and_the_nearest_always_counts():
    assert weights([0.0, 0.0]) == [0.5, 0.5]
    far = weights([100.0, 101.0, 140.0])
    assert sum(far) == pytest.approx(1)
    assert far[0] > 0.99
