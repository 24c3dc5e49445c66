"""Login with the school's own accounts, where the host has set it up (``[auth]`` in Streamlit's secrets: OIDC).

Then nobody sees a page without, and runs belong to the person, in whatever browser; else nothing changes.
"""

import hashlib
import hmac

import streamlit as st


def let_in() -> None:
    """Go on where no login is wanted or somebody is logged in; else draw the button, and end the page there."""
    if st.user.get("is_logged_in", True):  # without [auth] there is no such word
        return
    st.title("Transfer Learning Lab")
    st.write("Log in with the account of your school.")
    st.button("Log in", icon=":material/login:", type="primary", on_click=st.login, key="login")
    st.stop()


def let_out() -> None:
    """Let whoever is logged in log out, at the end of a page: computers of a school are shared."""
    if st.user.get("is_logged_in", False):
        st.button("Log out", icon=":material/logout:", type="tertiary", on_click=st.logout, key="logout")


def person() -> str | None:
    """Name who is logged in by a visitor id that tells nothing about them; None without a login.

    It is made of the account's lasting number at its provider, with a secret of this host, so that nobody else can
    work it out.
    """
    if not st.user.get("is_logged_in", False):
        return None
    account = f"{st.user.get('iss', '')} {st.user['sub']}"
    secret = str(st.secrets["auth"]["cookie_secret"])
    return hmac.new(secret.encode(), account.encode(), hashlib.sha256).hexdigest()[:32]
