"""How deep to freeze: a task in words or pictures, where it stands, the advice, its proof and its record."""

import streamlit as st

from widgets import frame
from widgets.advise import answer, check, evidence, measured, networks, record, task, where

st.title("How deep to freeze?", anchor=False)
st.markdown(frame.prose("advise"))

left, right = st.columns([5, 6], gap="large")
with left:
    st.header("1 · Your task", anchor=False)
    asked = task.ask()
with right:
    st.header("2 · Where it stands", anchor=False)
    where.draw(asked)

st.header("3 · The advice", anchor=False)
answer.draw(asked)
measured.draw(asked)

st.header("4 · Check it", anchor=False)
check.draw(asked)

st.header("5 · Which pretrained network?", anchor=False)
networks.draw(asked)

st.header("How good is this advice?", anchor=False)
record.draw(asked.entry)
evidence.draw(asked.entry)

if asked.choice is not None:
    asked.choice.finish()
