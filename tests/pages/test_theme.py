"""Charts and pages speak one visual language: the same colours in the template and in the theme."""

import tomllib
from pathlib import Path

import pytest

from core.figures import template

THEME = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text())["theme"]


def _contrast(first: str, second: str) -> float:
    """WCAG 2.2 contrast ratio of two colours."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_the_three_colours_with_a_meaning_are_the_charts_own(name: str) -> None:
    assert THEME[name]["blueColor"] == template.ICE
    assert THEME[name]["orangeColor"] == template.FIRE
    assert THEME[name]["grayColor"] == template.GREY
    ground = template.ground(name)
    assert THEME[name]["textColor"] == ground.ink
    assert THEME[name]["blueTextColor"] == ground.frozen
    assert THEME[name]["orangeTextColor"] == ground.trainable


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize("role", ["blue", "orange", "gray"])
def test_coloured_words_can_be_read(name: str, role: str) -> None:
    colours = THEME[name]
    assert _contrast(colours[f"{role}TextColor"], colours["backgroundColor"]) >= 4.5
    assert _contrast(colours["textColor"], colours[f"{role}BackgroundColor"]) >= 7


@pytest.mark.parametrize("name", ["light", "dark"])
def test_white_on_the_button_can_be_read(name: str) -> None:
    assert _contrast("#FFFFFF", THEME[name]["primaryColor"]) >= 3.5
