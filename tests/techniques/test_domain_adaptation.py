"""Domain adaptation: the distances and maps against independent computations, and a small run."""

import itertools

import numpy as np
import pytest
import torch
from scipy import linalg
from scipy.spatial.distance import cdist
from torch import nn

from core import errors
from core.events import Note, Progress
from core.techniques.digits import domains as digits
from core.techniques.digits.network import accuracy, random_network
from core.techniques.digits.tensors import as_tensors
from core.techniques.digits.training import train
from core.techniques.domain_adaptation import adabn, coral, mmd, transport
from core.techniques.domain_adaptation.entry import TECHNIQUE, DomainAdaptationSettings
from core.techniques.events import Panel, Score

RANDOM = np.random.default_rng(0)
SOURCE = RANDOM.normal(size=(60, 5)) @ RANDOM.normal(size=(5, 5))
TARGET = RANDOM.normal(size=(40, 5)) @ RANDOM.normal(size=(5, 5)) + 3


def test_mmd_is_the_double_sum_of_gaussians():
    both = np.concatenate([SOURCE, TARGET])
    squared = cdist(both, both, "sqeuclidean")
    scale = squared[~np.eye(100, dtype=bool)].mean()

    def mean_kernel(a, b):
        distances = cdist(a, b, "sqeuclidean")
        return sum(np.exp(-distances / (width * scale)).mean() for width in mmd.WIDTHS)

    expected = mean_kernel(SOURCE, SOURCE) + mean_kernel(TARGET, TARGET) - 2 * mean_kernel(SOURCE, TARGET)
    assert float(mmd.mmd(torch.tensor(SOURCE), torch.tensor(TARGET))) == pytest.approx(expected, abs=1e-12)


def test_mmd_of_equal_clouds_is_nothing_and_its_gradient_is_that_of_finite_differences():
    x = torch.tensor(SOURCE[:6, :2], requires_grad=True)
    y = torch.tensor(TARGET[:4, :2])
    assert mmd.mmd(x, x.detach()).item() == pytest.approx(0.0, abs=1e-12)
    # The kernels' width carries no gradient, so the numerical one holds it too.
    both = torch.cat([x, y]).detach()
    squared = torch.cdist(both, both).square()
    scale = squared.sum() / (len(both) ** 2 - len(both))

    def by_hand(points):
        def kernel(a, b):
            distances = (a[:, None] - b[None]).square().sum(-1)
            return sum(torch.exp(-distances / (width * scale)).mean() for width in mmd.WIDTHS)

        return kernel(points, points) + kernel(y, y) - 2 * kernel(points, y)

    numerical = torch.zeros_like(x)
    for place in np.ndindex(6, 2):
        step = torch.zeros_like(both[:6])
        step[place] = 1e-5
        numerical[place] = (by_hand(x.detach() + step) - by_hand(x.detach() - step)) / 2e-5
    (found,) = torch.autograd.grad(mmd.mmd(x, y), x)
    torch.testing.assert_close(found, numerical, atol=1e-8, rtol=1e-5)


def test_coral_gives_the_source_the_targets_mean_and_covariance():
    aligned = coral.align(SOURCE, TARGET, ridge=1e-9)
    np.testing.assert_allclose(np.cov(aligned.T), np.cov(TARGET.T), atol=1e-6)
    np.testing.assert_allclose(aligned.mean(axis=0), TARGET.mean(axis=0), atol=1e-9)


def test_coral_is_the_product_of_scipys_matrix_roots():
    whiten = linalg.inv(linalg.sqrtm(np.cov(SOURCE.T) + np.eye(5)))
    colour = linalg.sqrtm(np.cov(TARGET.T) + np.eye(5))
    expected = (SOURCE - SOURCE.mean(axis=0)) @ whiten @ colour + TARGET.mean(axis=0)
    np.testing.assert_allclose(coral.align(SOURCE, TARGET), expected, atol=1e-9)


def test_the_coral_loss_is_numpys_and_its_gradient_passes_finite_differences():
    x = torch.tensor(SOURCE[:8, :3], requires_grad=True)
    y = torch.tensor(TARGET[:7, :3])
    expected = np.square(np.cov(SOURCE[:8, :3].T) - np.cov(TARGET[:7, :3].T)).sum() / (4 * 9)
    assert coral.coral_loss(x, y).item() == pytest.approx(expected)
    assert torch.autograd.gradcheck(lambda a: coral.coral_loss(a, y), (x,))


def test_adabn_takes_the_targets_statistics_and_leaves_the_network_alone():
    images = torch.randn(64, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 2 + 5
    one = nn.Sequential(nn.BatchNorm2d(3)).eval()
    before = {name: value.clone() for name, value in one.state_dict().items()}
    adapted = adabn.adapt(one, images)
    np.testing.assert_allclose(adapted[0].running_mean, images.mean(dim=(0, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(adapted[0].running_var, images.var(dim=(0, 2, 3)), rtol=1e-5)
    assert not adapted.training
    assert all(torch.equal(value, before[name]) for name, value in one.state_dict().items())


SHIFT = np.array([1.0, -0.5])


def test_transport_undoes_a_shift():
    # The cheapest plan between a cloud and its shifted self pairs every point with its own image.
    source = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [9.0, 9.0]])
    moved = transport.transported(source, source + SHIFT, entropy=0.01)
    np.testing.assert_allclose(moved, source + SHIFT, atol=1e-3)


def test_transport_is_the_mean_of_partners_under_sinkhorns_plan():
    cost = cdist(SOURCE, TARGET, "sqeuclidean")
    kernel = np.exp(-cost / np.median(cost) / 0.1)
    rows, columns = np.full(60, 1 / 60), np.full(40, 1 / 40)
    u, v = np.ones(60), np.ones(40)
    for _ in range(5000):
        u = rows / (kernel @ v)
        v = columns / (kernel.T @ u)
    plan = u[:, None] * kernel * v
    expected = plan @ TARGET / plan.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(transport.transported(SOURCE, TARGET), expected, atol=1e-4)


AGAIN = 20  # events of a second run


@pytest.fixture(scope="module")
def events():
    settings = DomainAdaptationSettings(seeds=2, steps=6, target_images=60)
    again = TECHNIQUE.run(settings)
    return list(TECHNIQUE.run(settings)), list(itertools.islice(again, AGAIN))


def _plain(events):
    return [one.to_json() for one in events]  # pictures are arrays


def test_a_run_scores_every_arm_with_every_seed_and_repeats_itself(events):
    first, second = events
    assert isinstance(first[0], Progress)
    scores = [one for one in first if isinstance(one, Score)]
    assert _plain(second) == _plain(first)[: len(second)]
    found = {(one.arm, one.seed) for one in scores if not one.quantity}
    assert found == {(arm.name, seed) for arm in TECHNIQUE.arms for seed in (0, 1)}
    assert all(0 <= one.value <= 1 for one in scores)
    assert {one.name for one in first if isinstance(one, Panel)} == {"pictures", "features"}
    assert any(isinstance(one, Note) for one in first)
    done = [one.done for one in first if isinstance(one, Progress)]
    assert done == sorted(done)
    assert done[-1] == 1


def test_lambda_zero_is_the_control_to_the_bit():
    parts = digits.digit_domains("photographs", 0, images=60)
    labelled, target = as_tensors(parts.source), as_tensors(parts.target)[0]
    from core.techniques.domain_adaptation.experiment import penalties

    ends = []
    for penalty in (penalties(0.0)["deep_coral"], penalties(1.0)["together"]):
        one = random_network(0)
        list(train(one, labelled, steps=3, seed=0, unlabelled=target, penalty=penalty))
        ends.append(torch.cat([value.flatten() for value in one.parameters()]))
    assert torch.equal(*ends)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"target": "paintings"}, "target must be one of"),
        ({"target_images": 10}, "target images must lie between 50 and 600"),
        ({"weight": -1.0}, "weight must lie between"),
        ({"missing": 1.5}, "missing must lie between"),
        ({"steps": 0}, "steps must lie between"),
    ],
)
def test_bad_settings_are_one_sentence(wrong, words):
    with pytest.raises(errors.SettingsError, match=words):
        DomainAdaptationSettings(**wrong)


def test_mnist_helps_to_read_usps(shared_data):
    from tests.techniques.real_domains import mnist_to_usps, usps

    digits = usps(shared_data)
    assert len(digits) == 2007
    assert np.bincount(digits.labels).tolist() == [359, 264, 198, 166, 200, 160, 170, 147, 166, 177]
    parts = mnist_to_usps(shared_data, seed=0)
    one = random_network(0)
    list(train(one, parts.source, steps=60, seed=0))
    assert accuracy(one, parts.source_test) > 0.8
    assert 0.4 < accuracy(one, parts.target_test) < 0.95  # far above chance, below its own domain


def test_every_way_without_training_reads_pacs_sketches_above_chance(shared_data):
    from tests.techniques.real_domains import pacs_scores

    found = pacs_scores(shared_data, "sketch")
    assert set(found) == {"source", "adabn", "coral", "transport", "target"}
    assert all(value > 1 / 7 for value in found.values())
    assert found["target"] == max(found.values())
