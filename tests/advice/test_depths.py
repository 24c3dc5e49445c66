"""The regression over all measured cases, against scikit-learn's and against what is known to be true."""

import dataclasses

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from core.advice import depths
from core.advice.nearness import Query
from core.advice.report import Description
from core.advice.tasks import TASKS
from tests.advice.conftest import LIKE_PHOTOS, cell, measures_like


def cells_of(rng, *, law=lambda size, similarity: 0.0, noise=0.0, sizes=(5, 20, 100)):
    """Every known data set with several sizes; depth 5 gains by ``law``, all arms wobble by ``noise``."""
    found = []
    for name, task in TASKS.items():
        for size in sizes:
            values = np.full(6, 0.7)
            values[5] += law(np.log2(size), task.similarity == "similar")
            values += rng.normal(0, noise, 6)
            found.append(cell(name, tuple(values), per_class=size))
    return found


def table_of(cells):
    return np.array([[one.mean(f"k{depth}") for depth in range(6)] for one in cells])


def ask(per_class=20, **answers):
    return Query(
        per_class=per_class, classes=2, description=Description(per_class=per_class, classes=2, **answers)
    )


def test_it_is_the_ridge_regression_of_scikit_learn():
    cells = cells_of(np.random.default_rng(0), noise=0.02)
    table = table_of(cells)
    found = depths.leads(Query(per_class=50, classes=2), cells, [()] * len(cells), table)
    rows = np.array([[np.log2(one.per_class), 1.0, np.log2(2 * one.per_class)] for one in cells])
    scaler = StandardScaler().fit(rows)
    lead = table - table.mean(axis=1, keepdims=True)
    model = Ridge(alpha=depths.RIDGE * len(cells)).fit(scaler.transform(rows), lead)
    here = scaler.transform([[np.log2(50), 1.0, np.log2(100)]])
    np.testing.assert_allclose(found.value, model.predict(here)[0], atol=1e-12)


def test_a_law_of_the_number_of_images_is_found_beyond_the_measured_sizes():
    cells = cells_of(np.random.default_rng(0), law=lambda size, similar: 0.02 * (4 - size))
    table = table_of(cells)
    few, many = (
        depths.leads(ask(per_class=size), cells, [()] * len(cells), table).value for size in (5, 400)
    )
    assert few.argmax() == 5
    assert many.argmin() == 5


def test_answers_count_and_what_nobody_answered_takes_no_part():
    cells = cells_of(np.random.default_rng(0), law=lambda size, similar: 0.05 if similar else -0.05)
    table = table_of(cells)

    def lead(**answers):
        return depths.leads(ask(**answers), cells, [()] * len(cells), table).value[5]

    assert lead(similarity="similar") > lead() > lead(similarity="different")
    # Beside the one answer that was given, "I don't know" must not pull towards the average.
    assert lead(similarity="similar") > 0.02


def test_readings_of_the_pictures_count_as_words_do():
    rng = np.random.default_rng(1)
    cells, known = [], []
    for one in cells_of(rng):
        good = bool(rng.integers(2))
        shift = 0.08 if good else -0.08
        accuracy = {
            arm: tuple(v + shift * (arm == "k5") for v in values) for arm, values in one.accuracy.items()
        }
        cells.append(dataclasses.replace(one, accuracy=accuracy))
        known.append((measures_like(tuple(np.array(LIKE_PHOTOS) - (0.0 if good else 0.2))),) * 3)
    query = Query(per_class=20, classes=2, measures=measures_like(LIKE_PHOTOS))
    found = depths.leads(query, cells, known, table_of(cells))
    assert found.value.argmax() == 5
    one_missing = depths.leads(query, cells, [(), *known[1:]], table_of(cells))
    assert np.isfinite(one_missing.value).all()


@pytest.mark.parametrize("noise", [0.005, 0.03])
def test_doubt_is_about_as_large_as_the_error_really_is(noise):
    """All depths are equally good: the root mean square of what is seen between two is the stated doubt."""
    rng = np.random.default_rng(0)
    errors, doubts = [], []
    for _ in range(60):
        cells = cells_of(rng, noise=noise)
        found = depths.leads(ask(similarity="similar"), cells, [()] * len(cells), table_of(cells))
        best = int(found.value.argmax())
        errors += [found.value[0] - found.value[1]]
        doubts += [found.doubt[1] if best == 0 else found.doubt[0]]
    assert np.sqrt(np.mean(np.square(errors))) < np.mean(doubts) * 1.3
    assert np.mean(doubts) < noise


def test_trends_are_not_carried_beyond_what_was_measured():
    """Depth 5 gains with every doubling from 5 to 100 images; nobody knows what it does with a million."""
    cells = cells_of(np.random.default_rng(0), law=lambda size, similar: 0.01 * size)
    table = table_of(cells)

    def lead(per_class):
        return depths.leads(ask(per_class), cells, [()] * len(cells), table).value[5]

    assert lead(20) < lead(100)
    # As many images in all as in the largest case (100 of each of two classes): nothing is left to grow.
    assert lead(1_000_000) == pytest.approx(lead(100))
