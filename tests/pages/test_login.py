"""Login, where the host has set it up: no page without, and runs belong to the person."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit import config
from streamlit.runtime.secrets import secrets_singleton
from streamlit.testing.v1 import AppTest

from widgets import login, visitor_cookie

PROJECT = Path(__file__).resolve().parents[2]
AUTH = {
    "redirect_uri": "https://lab.example.org/oauth2callback",
    "cookie_secret": "a secret of this host",
    "client_id": "lab",
    "client_secret": "x",
    "server_metadata_url": "https://accounts.example.org/.well-known/openid-configuration",
}


@pytest.fixture
def secrets_file(tmp_path: Path) -> Iterator[Path]:
    """The file that an operator writes, read as Streamlit reads it."""
    before = config.get_option("secrets.files")
    path = tmp_path / "secrets.toml"
    config.set_option("secrets.files", [str(path)])
    secrets_singleton._reset()
    yield path
    config.set_option("secrets.files", before)
    secrets_singleton._reset()


def _front_page() -> AppTest:
    return AppTest.from_file(str(PROJECT / "widgets" / "session.py"), default_timeout=60).run()


def test_without_an_auth_section_there_is_no_login(secrets_file: Path) -> None:
    app = _front_page()
    assert not app.exception
    assert len(app.main) > 3
    assert not {button.key for button in app.button} & {"login", "logout"}


def test_with_one_nobody_sees_a_page_before_the_login(secrets_file: Path) -> None:
    words = "".join(f"{name} = {value!r}\n" for name, value in AUTH.items())
    secrets_file.write_text(f"[auth]\n{words}")
    app = _front_page()
    assert not app.exception
    assert [button.key for button in app.button] == ["login"]
    assert [title.value for title in app.title] == ["Transfer Learning Lab"]


def test_a_person_s_id_has_a_visitor_s_form_and_belongs_to_account_and_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`st.user` is filled by a signed cookie that only a provider's answer sets: here it is put in place."""

    def person(secret: str = "one", **account: object) -> str | None:
        monkeypatch.setattr(login.st, "user", account)
        monkeypatch.setattr(login.st, "secrets", {"auth": {"cookie_secret": secret}})
        return login.person()

    ann = {
        "is_logged_in": True,
        "iss": "https://accounts.example.org",
        "sub": "1",
        "email": "ann@example.org",
    }
    first = person(**ann)
    assert first is not None
    assert visitor_cookie.is_visitor(first)
    assert person(**ann | {"email": "married@example.org"}) == first
    others = [
        person(**ann | {"sub": "2"}),
        person(**ann | {"iss": "https://else.example.org"}),
        person("two", **ann),
    ]
    assert len({first, *others}) == 4
    assert person(is_logged_in=False) is None
    assert person() is None
