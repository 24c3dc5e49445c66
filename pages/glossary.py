"""Every word of the field that the pages use, in one sentence each, with a place where it can be seen."""

from itertools import groupby

import streamlit as st

import streamlit_app
from widgets import frame, glossary

titles = {address: title for _, title, _, address in streamlit_app.PAGES}

st.title("Glossary", anchor=False)
st.markdown(frame.prose("glossary"))
wanted = st.text_input("Find a word", key="glossary_find").strip().casefold()
shown = [
    term for term in glossary.terms() if any(wanted in form.casefold() for form in (term.word, *term.forms))
]
if not shown:
    st.caption("No word here is written like that.")
for group, terms in groupby(shown, key=lambda term: term.group):
    st.header(group, anchor=False)
    st.markdown(
        "\n\n".join(
            f"**{frame.plain(term.word)}**  \n{frame.plain(term.sentence)} [{titles[term.page]}]({term.place})"
            for term in terms
        )
    )
