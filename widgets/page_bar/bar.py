"""What is at hand on every page: its words, each explained in one sentence, and a link to what it shows."""

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl

import streamlit as st

from widgets import address, frame, glossary

ADDRESS = "glossary"  # of the page that lists all words
_HERE = Path(__file__).resolve().parent


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


_bar = st.components.v2.component(
    "page_bar",
    html=_read("bar.html"),
    css=_read("bar.css"),
    js=f"const GLOSSARY = {json.dumps(glossary.for_browser(), ensure_ascii=False)};\n" + _read("bar.js"),
)


def draw(here: str, titles: Mapping[str, str]) -> None:
    """Draw the bar above the page whose address is ``here``; ``titles`` are those of all pages, by their addresses."""
    asked = _bar(key="page_bar", data={"here": here, "pages": dict(titles)}, on_go_change=lambda: None).go
    # A browser may say anything: only the glossary's own addresses are gone to.
    if asked in {ADDRESS, *(term.place for term in glossary.terms())}:
        address.arrive("")  # a link, even to the page where one is
        name, _, query = asked.partition("?")
        st.switch_page(frame.page(name), query_params=dict(parse_qsl(query)))
