"""How deep to freeze: a task in words or pictures, where it stands, the advice, its proof and its record."""

import streamlit as st

from widgets import frame
from widgets.advise import answer, check, evidence, measured, networks, quadrants, record, task

st.title("How deep to freeze?", anchor=False)
st.markdown(frame.prose("advise"))

left, right = st.columns([5, 6], gap="large")
with left:
    st.header("1 · Your task", anchor=False)
    request = task.ask()
with right:
    st.header("2 · Where it stands", anchor=False)
    quadrants.draw(request)

st.header("3 · The advice", anchor=False)
answer.draw(request)
measured.draw(request)

st.header("4 · Check it", anchor=False)
check.draw(request)

st.header("5 · Which pretrained network?", anchor=False)
networks.draw(request)

st.header("How good is this advice?", anchor=False)
record.draw(request.entry)
evidence.draw(request.entry)

if request.choice is not None:
    request.choice.finish()
