"""Mixing weights and answers: the math against scipy and closed forms, and a tiny run."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage, special
from torch import nn

from core.errors import SettingsError
from core.events import Progress
from core.techniques.events import Panel, Score
from core.techniques.knowledge_fusion import experiment, learning
from core.techniques.knowledge_fusion.distillation import distillation_loss
from core.techniques.knowledge_fusion.entry import TECHNIQUE, KnowledgeFusionSettings
from core.techniques.knowledge_fusion.shift import shifted
from core.techniques.knowledge_fusion.weights import interpolated, reorder_hidden_channels, soup
from core.vision import torchvision

TINY = KnowledgeFusionSettings(seeds=2, per_class=2, alpha=1.0)


def test_mixed_weights_of_a_linear_network_are_mixed_answers() -> None:
    first, second, between = nn.Linear(5, 3), nn.Linear(5, 3), nn.Linear(5, 3)
    inputs = torch.randn(7, 5)
    between.load_state_dict(interpolated(first.state_dict(), second.state_dict(), 0.3))
    with torch.no_grad():
        torch.testing.assert_close(between(inputs), 0.7 * first(inputs) + 0.3 * second(inputs))
        for alpha, end in ((0.0, first), (1.0, second)):
            between.load_state_dict(interpolated(first.state_dict(), second.state_dict(), alpha))
            torch.testing.assert_close(between(inputs), end(inputs))


def test_a_soup_is_the_mean_of_every_tensor() -> None:
    states = [{"weight": torch.randn(2, 3), "bias": torch.randn(4)} for _ in range(3)]
    for name, tensor in soup(states).items():
        np.testing.assert_allclose(
            tensor, np.mean([state[name].numpy() for state in states], axis=0), rtol=1e-6
        )


def test_reordered_channels_answer_the_same_with_other_weights() -> None:
    block = torchvision.models.resnet.BasicBlock(6, 6).eval()
    nn.init.uniform_(block.bn1.running_mean)
    nn.init.uniform_(block.bn1.running_var, 0.5, 2.0)
    inputs, before = torch.randn(2, 6, 5, 5), block.conv1.weight.detach().clone()
    with torch.no_grad():
        answer = block(inputs)
        reorder_hidden_channels(nn.Sequential(block), torch.Generator().manual_seed(1))
        torch.testing.assert_close(block(inputs), answer)
    assert not torch.equal(block.conv1.weight, before)


def test_distillation_loss_is_the_papers_sum() -> None:
    random = np.random.default_rng(0)
    student, teacher, labels = (
        random.normal(size=(6, 4)),
        random.normal(size=(6, 4)),
        random.integers(0, 4, 6),
    )
    temperature, share = 3.0, 0.7
    p, q = special.softmax(teacher / temperature, axis=1), special.softmax(student / temperature, axis=1)
    soft = special.rel_entr(p, q).sum(axis=1).mean()
    hard = -special.log_softmax(student, axis=1)[np.arange(6), labels].mean()
    found = distillation_loss(
        torch.from_numpy(student),
        torch.from_numpy(special.log_softmax(teacher, axis=1)),
        torch.from_numpy(labels),
        temperature=temperature,
        share=share,
    )
    assert float(found) == pytest.approx(share * temperature**2 * soft + (1 - share) * hard)


def test_distillation_at_high_temperature_matches_centred_scores() -> None:
    """Hinton et al. 2015, equation 4: the gradient tends to (z - v) / N for centred scores z, v."""
    student = torch.randn(1, 5, dtype=torch.float64)
    teacher = torch.randn(1, 5, dtype=torch.float64)
    student, teacher = student - student.mean(), teacher - teacher.mean()
    student.requires_grad_(True)
    distillation_loss(
        student, teacher, torch.zeros(1, dtype=torch.long), temperature=1e4, share=1.0
    ).backward()
    torch.testing.assert_close(student.grad, (student.detach() - teacher) / 5, rtol=1e-3, atol=1e-4)


def test_shifts_are_what_they_say() -> None:
    pictures = np.random.default_rng(0).integers(60, 200, (6, 16, 16, 3), dtype=np.uint8)
    kept = pictures.copy()
    flat = shifted(pictures, "contrast", 0).astype(float)
    mean = pictures.mean(axis=(1, 2, 3), keepdims=True)
    assert np.abs(flat - (mean + 0.3 * (pictures - mean))).max() <= 0.5
    soft = ndimage.gaussian_filter(pictures[2, ..., 1].astype(float), 1.0)
    assert np.abs(shifted(pictures, "blur", 0)[2, ..., 1] - soft).max() <= 0.5
    noise = shifted(pictures, "noise", 0).astype(float) - pictures
    assert noise.std() == pytest.approx(0.08 * 255, rel=0.1)
    mixed = shifted(pictures, "mixed", 0)
    np.testing.assert_array_equal(mixed[2::3], shifted(pictures[2::3], "contrast", 0))
    np.testing.assert_array_equal(pictures, kept)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "EPOCHS", 1)
    monkeypatch.setattr(experiment, "TEST_IMAGES", 12)
    monkeypatch.setattr(experiment, "EARLIER_PER_CLASS", 2)


@pytest.mark.usefixtures("small")
def test_a_tiny_run() -> None:
    state = torch.random.get_rng_state()
    events = list(experiment.run(TINY))
    assert isinstance(events[0], Progress)
    scores = [event for event in events if isinstance(event, Score)]
    found = {(one.arm, one.seed, one.quantity): one.value for one in scores}
    assert len(found) == len(scores) == len(TECHNIQUE.arms) * 2 * 3
    for seed in (0, 1):
        for quantity in ("target", "shifted", "earlier"):
            # At alpha 1 nothing of the probe is left, in weights or in answers.
            assert found["wise-ft", seed, quantity] == found["fine-tuned", seed, quantity]
            assert found["answers", seed, quantity] == found["fine-tuned", seed, quantity]
    done = [event.done for event in events if isinstance(event, Progress)]
    assert done == sorted(done)
    assert done[-1] <= 1
    assert {event.name for event in events if isinstance(event, Panel)} == {"alpha", "pictures"}
    torch.testing.assert_close(torch.random.get_rng_state(), state)
    again = [event for event in experiment.run(replace(TINY, first_seed=1)) if isinstance(event, Score)]
    assert [one for one in again if one.seed == 1] == [one for one in scores if one.seed == 1]


@pytest.mark.parametrize(
    "bad", [{"alpha": 1.5}, {"per_class": 1}, {"seeds": 1}, {"shift": "fog"}, {"target": "dogs"}]
)
def test_bad_settings_are_refused_in_one_sentence(bad: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=r"must (lie between|be one of)"):
        KnowledgeFusionSettings(**bad)  # type: ignore[arg-type]
