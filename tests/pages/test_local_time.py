"""Times on screen are those of the visitor's own clock."""

import pytest
import streamlit as st

from widgets import local_time

NOON = 1_764_504_000.0  # 30 November 2025, 12:00 UTC


@pytest.mark.parametrize(
    ("zone", "offset", "says"),
    [
        ("Europe/Berlin", -60, "30 Nov 13:00"),
        ("Asia/Kolkata", -330, "30 Nov 17:30"),
        ("America/New_York", 300, "30 Nov 07:00"),
        ("Nowhere/At_all", -120, "30 Nov 14:00"),
        (None, None, "30 Nov 12:00 UTC"),
    ],
)
def test_a_moment_is_written_as_the_visitor_has_it(
    monkeypatch: pytest.MonkeyPatch, zone: str | None, offset: int | None, says: str
) -> None:
    monkeypatch.setattr(type(st.context), "timezone", property(lambda _: zone))
    monkeypatch.setattr(type(st.context), "timezone_offset", property(lambda _: offset))
    assert local_time.day_and_hour(NOON) == says


def test_summer_and_winter_have_their_own_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(st.context), "timezone", property(lambda _: "Europe/Berlin"))
    assert local_time.local(NOON).hour == 13
    assert local_time.local(NOON - 150 * 86_400).hour == 14
