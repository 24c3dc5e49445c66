"""The front door: the table of pages, nothing else.

``streamlit run streamlit_app.py`` finds ``app`` and serves it. Each visitor's session runs
``widgets/session.py``, which reads this table. That script lies outside this folder on purpose: beside an
entry script Streamlit takes a ``pages/`` folder for its older kind of app, and a deep link that is the
first request to a fresh server would then run a page without its frame.
"""

from pathlib import Path

import streamlit as st

from widgets import frame, operations, safe_headers, server

HERE = Path(__file__).resolve().parent

# (file, title, icon, address); the first is the front page, and those of `HIDDEN` stand in no menu.
PAGES: tuple[tuple[Path, str, str, str], ...] = (
    (HERE / "pages" / "home.py", "Home", ":material/home:", ""),
    (HERE / "pages" / "riding.py", "Ride", ":material/two_wheeler:", "riding"),
    (HERE / "pages" / "advise.py", "How deep to freeze?", ":material/ac_unit:", "advise"),
    (HERE / "pages" / "finetune.py", "Fine-tune", ":material/local_fire_department:", "finetune"),
    (HERE / "pages" / "layers.py", "Layers", ":material/layers:", "layers"),
    (HERE / "pages" / "techniques.py", "Methods", ":material/hub:", "techniques"),
    (HERE / "pages" / "runs.py", "Runs", ":material/monitoring:", "runs"),
    (HERE / "pages" / "run.py", "Run", ":material/monitoring:", "run"),
    (HERE / "pages" / "glossary.py", "Glossary", ":material/menu_book:", "glossary"),
    (HERE / "pages" / "teacher.py", "Teacher", ":material/school:", "teacher"),
)

HIDDEN = ("run",)

app = st.App(
    HERE / "widgets" / "session.py",
    lifespan=server.lifespan,
    middleware=server.MIDDLEWARE,
    routes=operations.ROUTES,
    exception_handlers={500: safe_headers.broken},
    on_script_error=frame.show,  # of callbacks, which run before the page
)
