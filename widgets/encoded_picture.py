"""Encoded pictures on a page as they are: encoded once, kept by the server's caches, fetched once by a browser."""

from typing import Any

import streamlit as st
from streamlit import runtime

from core.interpretation import rendering


def draw(encoded: bytes, *, alt: str, **more: Any) -> None:
    """Do what `st.image` does, but leave the picture as it was encoded. ``alt`` are the words in its place.

    Given a WebP's bytes, `st.image` decodes it and encodes it again as JPEG or PNG at every rerun: of all the
    processor time that a class takes on the layers page, that was the largest part.
    """
    st.image(
        rendering.data_address(encoded) if rendering.kind(encoded) == "webp" else encoded, alt=alt, **more
    )


def address(encoded: bytes, place: str) -> str:
    """Give an address for a component's ``<img>``: the server's, kept while this page shows it at ``place``.

    Inside the component's data the picture would travel again whenever anything beside it changes.
    """
    if not runtime.exists():  # a page under test, without a server
        return rendering.data_address(encoded)
    manager = runtime.get_instance().media_file_mgr
    kept = manager.add(encoded, f"image/{rendering.kind(encoded)}", f"picture {place}")
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}{kept}" if base else kept
