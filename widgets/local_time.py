"""Times as the visitor's own clock has them."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st


def local(seconds: float) -> datetime:
    """Turn seconds since 1970 into the time of day where the visitor's browser is; without one, into UTC."""
    name, offset = st.context.timezone, st.context.timezone_offset
    try:
        if isinstance(name, str):
            return datetime.fromtimestamp(seconds, ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError):  # a place that this machine has never heard of
        pass
    if isinstance(offset, int):  # minutes that UTC is ahead of the visitor, at this moment
        return datetime.fromtimestamp(seconds, timezone(timedelta(minutes=-offset)))
    return datetime.fromtimestamp(seconds, UTC)


def day_and_hour(seconds: float) -> str:
    """Write a moment: "30 Nov 20:43", with "UTC" behind it where nobody knows where the visitor is."""
    when = local(seconds)
    return when.strftime("%d %b %H:%M") + (" UTC" if when.tzinfo is UTC else "")
