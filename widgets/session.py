"""What runs for every visitor at every rerun: the frame, then the page that the address names."""

import streamlit as st

import streamlit_app
from widgets import address, frame, login, operations
from widgets.page_bar import bar
from widgets.teacher.sign_in import signed_in

frame.icon()
page = st.navigation(
    [
        st.Page(
            file,
            title=title,
            icon=icon,
            url_path=where,
            default=not where,
            # Found by its address alone, until somebody has shown the secret.
            visibility="hidden"
            if where in streamlit_app.HIDDEN or (where == "teacher" and not signed_in())
            else "visible",
        )
        for file, title, icon, where in streamlit_app.PAGES
    ],
    position="top",
)
frame.begin(page.title)
bar.draw(page.url_path, {where: title for _, title, _, where in streamlit_app.PAGES})
address.arrive(page.url_path)
login.let_in()
with operations.timed(page.url_path or "home"), frame.shown_errors():
    page.run()
login.let_out()
frame.end()
