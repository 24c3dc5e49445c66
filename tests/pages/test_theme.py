"""Charts and pages speak one visual language: the same colours in the template and in the theme."""

import re
import tomllib
from pathlib import Path

import pytest

from core.figures import template
from widgets import frame

THEME = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text())["theme"]


def _contrast(first: str, second: str) -> float:
    """WCAG 2.2 contrast ratio of two colours."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _mixed(first: str, second: str, share: float) -> str:
    """``share`` of one colour on the other."""
    pairs = [(int(first[place : place + 2], 16), int(second[place : place + 2], 16)) for place in (1, 3, 5)]
    return "#" + "".join(f"{round(share * one + (1 - share) * other):02X}" for one, other in pairs)


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


def test_the_primary_colour_can_be_read_as_words_in_either_theme() -> None:
    assert THEME["light"]["primaryColor"] == template.ground("light").trainable
    for name in ("light", "dark"):
        primary = THEME[name]["primaryColor"]
        for ground in ("backgroundColor", "secondaryBackgroundColor"):
            assert _contrast(primary, THEME[name][ground]) >= 4.5
        # What is chosen of several stands on a tenth of its own colour, and on a fifth under the pointer.
        for share in (0.1, 0.2):
            assert _contrast(primary, _mixed(primary, THEME[name]["backgroundColor"], share)) >= 4.5


@pytest.mark.parametrize("name", ["light", "dark"])
def test_what_the_style_says_can_be_read_under_the_pointer_too(name: str) -> None:
    style = frame._STYLE + (frame._DARK_STYLE if name == "dark" else "")
    said = dict(re.findall(r"--([\w-]+): (#\w{6})", style))  # the last one counts
    for ground in ("button", "button-hovered"):
        assert _contrast(said["on-button"], said[ground]) >= 4.5
    if name == "dark":
        assert said["on-button"] == template.ON_COLOUR
    for words in ("muted", "keyword", "literal"):
        for ground in ("backgroundColor", "secondaryBackgroundColor"):
            assert _contrast(said[words], THEME[name][ground]) >= 4.5


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize(
    "colour",
    [template.ICE, template.FIRE, template.GREY, template.RIGHT, template.WRONG, template.DATA],
)
def test_every_colour_with_a_meaning_is_seen_on_every_ground(name: str, colour: str) -> None:
    for ground in ("backgroundColor", "secondaryBackgroundColor"):
        assert _contrast(colour, THEME[name][ground]) >= 3
    assert _contrast(colour, template.ON_COLOUR) >= 4.5
