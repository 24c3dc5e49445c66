import pytest
import torch

from core import errors
from core.training import precision

CPU = torch.device("cpu")


def test_auto_finds_a_device():
    wanted = "cuda" if torch.cuda.is_available() else "cpu"
    assert precision.choose_device("auto").type == wanted


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_a_missing_cuda_device_is_refused():
    with pytest.raises(errors.SettingsError, match="no CUDA device"):
        precision.choose_device("cuda")


@pytest.fixture
def processor(monkeypatch):
    """Give the CPU exactly the features named."""

    def has(*features):
        for feature in precision.BFLOAT16_FEATURES:
            monkeypatch.setattr(torch.cpu, f"_is_{feature}_supported", lambda f=feature: f in features)

    return has


@pytest.mark.parametrize("features", [(), ("amx_tile",), ("avx512_bf16",)])
def test_a_cpu_computes_in_bfloat16_where_it_multiplies_it_itself(features, processor):
    processor(*features)
    layer, data = torch.nn.Linear(4, 4), torch.ones(2, 4)
    with precision.autocast(CPU):
        assert layer(data).dtype == (torch.bfloat16 if features else torch.float32)


def test_a_torch_that_no_longer_tells_counts_as_without(monkeypatch):
    for feature in precision.BFLOAT16_FEATURES:
        monkeypatch.delattr(torch.cpu, f"_is_{feature}_supported")
    assert precision.autocast_type(CPU) is None


def test_a_run_in_bfloat16_caches_and_reports_it(run, processor):
    processor("amx_tile")
    events = run(strategy="freeze_to_depth", freeze_depth=2, epochs=4, learning_rate=1e-2)
    assert events[0].precision == "bfloat16"
    assert events[-1].test.accuracy.value > 0.6
    assert events[-1].weights["head.1.weight"].dtype == torch.float32
