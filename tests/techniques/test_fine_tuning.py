"""The engine's strategies on plain and on shifted pictures: the shifts, the test sets, and a small run."""

import numpy as np
import pytest

from core import errors
from core.datasets.open import open_dataset
from core.events import Note, Progress
from core.techniques.events import Panel, Score
from core.techniques.fine_tuning import experiment
from core.techniques.fine_tuning.entry import TECHNIQUE, FineTuningSettings
from core.techniques.fine_tuning.shifts import BLUR, NOISE, shifted


@pytest.fixture(scope="module")
def grey() -> np.ndarray:
    return np.full((6, 32, 32, 3), 128, dtype=np.uint8)


@pytest.mark.parametrize("severity", [1, 5])
def test_noise_has_the_published_strength(grey: np.ndarray, severity: int) -> None:
    found = shifted(grey, "noise", severity, 0) / 255 - 128 / 255
    assert found.std() == pytest.approx(NOISE[severity - 1], rel=0.02)
    assert abs(found.mean()) < 0.002


def test_blur_spreads_a_point_as_a_normal_density_and_never_over_images_or_channels() -> None:
    images = np.zeros((2, 33, 33, 3), dtype=np.uint8)
    images[0, 16, 16, 1] = 255
    found = shifted(images, "blur", 5, 0)
    assert found[1].max() == 0
    assert found[0, ..., 0].max() == 0
    assert BLUR[4] == 1.0
    places = np.arange(-4, 5)
    kernel = np.exp(-(places**2) / 2) / np.exp(-(places**2) / 2).sum()
    expected = 255 * np.outer(kernel, kernel)
    np.testing.assert_allclose(found[0, 12:21, 12:21, 1], expected, atol=0.6)


def test_warm_light_raises_red_and_lowers_blue(grey: np.ndarray) -> None:
    assert shifted(grey, "colour", 2, 0)[0, 0, 0].tolist() == [round(128 * 1.2), 128, round(128 * 0.8)]


def test_every_shift_grows_with_severity_and_leaves_its_input_alone() -> None:
    images = np.random.default_rng(0).integers(40, 200, size=(3, 32, 32, 3), dtype=np.uint8)
    before = images.copy()
    for shift in experiment.SHIFTS:
        away = [
            np.abs(shifted(images, shift, severity, 0).astype(int) - images).mean()
            for severity in range(1, 6)
        ]
        assert (np.diff(away) > 0).all()
    np.testing.assert_array_equal(images, before)


def test_test_part_holds_the_same_images_in_all_versions_and_training_is_untouched() -> None:
    dataset = open_dataset("lfw-faces", side=32)  # has no test part of its own
    settings = FineTuningSettings(data="lfw-faces", severity=4)
    found = experiment.with_shifted_tests(dataset, settings, seed=3)
    assert found.test is not None
    plain, *changed = np.split(found.test.images, len(experiment.VERSIONS))
    for shift, images in zip(experiment.SHIFTS, changed, strict=True):
        np.testing.assert_array_equal(images, shifted(plain, shift, 4, 3))
    assert found.test.labels.reshape(4, -1).std(axis=0).max() == 0
    pixels = {image.tobytes() for image in dataset.train.images}
    trained = {image.tobytes() for image in found.train.images}
    assert trained <= pixels
    assert not trained & {image.tobytes() for image in plain}


def test_small_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment, "TEST_IMAGES", 4)
    settings = FineTuningSettings(data="lfw-faces", per_class=2, epochs=1, seeds=2)
    events = list(TECHNIQUE.run(settings))
    scores = [event for event in events if isinstance(event, Score)]
    assert isinstance(events[0], Progress)
    done = [event.done for event in events if isinstance(event, Progress)]
    assert done == sorted(done)
    assert done[-1] == 1.0
    wanted = {
        (arm.name, seed, of.name) for arm in TECHNIQUE.arms for seed in (0, 1) for of in TECHNIQUE.quantities
    }
    assert {(one.arm, one.seed, one.quantity) for one in scores} == wanted
    assert len(scores) == len(wanted)
    assert {event.name for event in events if isinstance(event, Panel)} == {"pictures", "shifts"}
    assert len([event for event in events if isinstance(event, Note)]) == 2
    probe = [one for one in scores if one.arm == "linear_probe"]
    again = (event for event in experiment.run(settings) if isinstance(event, Score))
    assert [next(again) for _ in range(2)] == probe[:2]


def test_bad_settings_are_one_sentence() -> None:
    with pytest.raises(errors.SettingsError, match="severity must lie between 1 and 5"):
        FineTuningSettings(severity=6)
    with pytest.raises(errors.SettingsError, match="shift must be one of blur, noise, colour"):
        TECHNIQUE.settings_of({"shift": "rain"})
