"""How settings are declared, described and checked."""

import re
from dataclasses import dataclass
from typing import Literal

import pytest

from core import errors
from core.runs.limits import Limits
from core.settings import check, described, setting
from core.techniques import catalogue
from core.training.config import FinetuneConfig
from core.training.sweep_config import SweepConfig

TECHNIQUES = [
    one.settings for family in catalogue.techniques().values() for one in (family, *family.variants)
]


@dataclass(frozen=True, kw_only=True)
class Oven:
    heat: float = setting(180, "Degrees.", 20, 250, title="Temperature")
    minutes: int | None = setting(None, "How long.", 1, 90)
    fan_mode: Literal["off", "on"] = setting("off", "Moves the air.")
    light: bool = setting(True)

    def __post_init__(self) -> None:
        check(self)


def test_a_field_is_described_once() -> None:
    heat, minutes, fan, light = described(Oven).values()
    assert (heat.title, heat.help, heat.default, heat.kind) == ("Temperature", "Degrees.", 180, float)
    assert (heat.low, heat.high, heat.choices) == (20, 250, ())
    assert (minutes.title, minutes.kind, minutes.default) == ("Minutes", int, None)
    assert (fan.kind, fan.choices, fan.words) == (str, ("off", "on"), "fan mode")
    assert (light.kind, light.choices, light.low) == (bool, (), None)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"heat": 251}, "heat must lie between 20 and 250; it is 251."),
        ({"heat": float("nan")}, "heat must lie between 20 and 250; it is nan."),
        ({"minutes": 0}, "minutes must lie between 1 and 90; it is 0."),
        ({"fan_mode": "fast"}, "fan mode must be one of off, on; 'fast' is none of them."),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(values: dict[str, object], says: str) -> None:
    with pytest.raises(errors.OutOfRange, match=re.escape(says)):
        Oven(**values)


def test_limits_belong_to_what_is_allowed_and_none_may_stand() -> None:
    assert Oven(heat=250, minutes=1).minutes == 1
    assert Oven(minutes=None).minutes is None


def test_a_sentence_may_begin_with_the_title() -> None:
    with pytest.raises(errors.OutOfRange, match=r"^Days that pictures are kept must lie between 1 and 3650"):
        Limits(upload_days=0)


@pytest.mark.parametrize("kind", [FinetuneConfig, SweepConfig, *TECHNIQUES])
def test_every_setting_explains_itself_and_has_limits(kind: type) -> None:
    for field in described(kind).values():
        assert len(field.help) > 15, field.name
        if field.kind in (int, float) and field.name != "freeze_depth":  # its limit is the network's
            assert field.low is not None, field.name
            assert field.high is not None, field.name
            assert field.default is None or field.low <= field.default <= field.high, field.name


@pytest.mark.parametrize("kind", TECHNIQUES)
def test_a_title_fits_over_its_widget(kind: type) -> None:
    assert all(len(field.title) <= 22 for field in described(kind).values())
