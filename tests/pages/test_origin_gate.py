"""Which pages may ask for what: by the address that the request itself was sent to, and by nothing else."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from streamlit import config, net_util
from streamlit.web.server import server_util

from widgets.origin_gate import OriginGate, is_foreign


def _scope(host: str | None, *origins: str, scheme: str = "ws", **more: Any) -> dict[str, Any]:
    headers = [(b"origin", one.encode("latin-1")) for one in origins]
    headers += [] if host is None else [(b"host", host.encode("latin-1"))]
    return {"type": "websocket", "scheme": scheme, "path": "/_stcore/stream", "headers": headers, **more}


@pytest.mark.parametrize(
    ("host", "origin", "scheme"),
    [
        ("localhost:8501", "http://localhost:8501", "ws"),
        ("lab.example.org", "https://lab.example.org", "wss"),
        ("lab.example.org", "https://lab.example.org", "ws"),  # a proxy that does not say that it speaks TLS
        ("lab.example.org", "http://lab.example.org", "ws"),
        ("lab.example.org:443", "https://lab.example.org", "wss"),
        ("lab.example.org", "https://lab.example.org:443", "wss"),
        ("LAB.example.org", "https://lab.EXAMPLE.org", "wss"),
        ("[::1]:8501", "http://[::1]:8501", "ws"),
        ("192.168.1.5:8501", "http://192.168.1.5:8501", "ws"),
    ],
)
def test_a_page_of_the_lab_may(host: str, origin: str, scheme: str) -> None:
    assert not is_foreign(_scope(host, origin, scheme=scheme))


@pytest.mark.parametrize(
    ("host", "origins", "scheme"),
    [
        ("localhost:8501", ["http://localhost:8000"], "ws"),  # other programs of this machine
        ("localhost:8501", ["http://localhost"], "ws"),
        ("localhost:8501", ["http://127.0.0.1:8501"], "ws"),
        ("lab.example.org", ["http://lab.example.org"], "wss"),  # the door without TLS, to the one with
        ("lab.example.org", ["https://lab.example.org:8443"], "wss"),
        ("lab.example.org", ["https://lab.example.org.evil.example"], "wss"),
        ("lab.example.org", ["https://evil.example"], "wss"),
        ("lab.example.org", ["https://lab.example.org", "https://lab.example.org"], "wss"),
        ("lab.example.org", ["null"], "wss"),
        ("lab.example.org", [""], "wss"),
        ("lab.example.org", ["file://"], "wss"),
        ("lab.example.org", ["https://user@lab.example.org"], "wss"),
        ("lab.example.org", ["https://lab.example.org/path"], "wss"),
        ("lab.example.org", ["https://lab.example.org:x"], "wss"),
        ("lab.example.org", ["https://[::1"], "wss"),
        ("evil@lab.example.org", ["https://lab.example.org"], "wss"),
        (None, ["https://lab.example.org"], "wss"),
        ("[::1]:8501", ["http://[::2]:8501"], "ws"),
    ],
)
def test_a_page_of_another_address_may_not(host: str | None, origins: list[str], scheme: str) -> None:
    assert is_foreign(_scope(host, *origins, scheme=scheme))


def test_a_program_that_names_no_page_may() -> None:
    assert not is_foreign(_scope("localhost:8501"))


def test_two_hosts_are_none() -> None:
    scope = _scope("lab.example.org", "https://lab.example.org")
    scope["headers"].append((b"host", b"lab.example.org"))
    assert is_foreign(scope)


def test_pages_that_the_operator_lists_may_and_no_other_port_of_theirs() -> None:
    listed = ["https://school.example", " https://moodle.example:8443 "]
    assert not is_foreign(_scope("lab.example.org", "https://school.example"), listed)
    assert not is_foreign(_scope("lab.example.org", "https://moodle.example:8443"), listed)
    assert is_foreign(_scope("lab.example.org", "https://moodle.example"), listed)
    assert is_foreign(_scope("lab.example.org", "http://school.example"), listed)
    assert is_foreign(_scope("lab.example.org", "https://lab.school.example"), listed)


def _status(scope: dict[str, Any]) -> int:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is read before the gate has judged")

    gate = OriginGate(PlainTextResponse("past the gate", 204))
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(asyncio.run, gate(scope, receive, send)).result()  # type: ignore[arg-type]
    return int(sent[0]["status"])


@pytest.mark.parametrize(
    ("method", "status"),
    [*((one, 204) for one in ("GET", "HEAD")), *((one, 403) for one in ("PUT", "DELETE", "POST", "OPTIONS"))],
)
def test_other_pages_change_nothing_and_reading_is_for_the_browser_to_forbid(
    method: str, status: int
) -> None:
    scope = _scope("lab.example.org", "https://evil.example", scheme="https", type="http", method=method)
    assert _status(scope) == status
    assert _status(_scope("lab.example.org", "https://evil.example")) == 403
    own = _scope("lab.example.org", "https://lab.example.org", scheme="https", type="http", method=method)
    assert _status(own) == 204


def test_streamlit_asks_nobody_outside_who_this_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def outside(*_: object, **__: object) -> None:
        raise AssertionError("a request to the outside")

    monkeypatch.setattr(net_util, "_make_blocking_http_get", outside)
    assert not server_util.is_url_from_allowed_origins("http://evil.example")
    assert net_util.get_external_ip() == ""
    # At its start, before anything of ours is imported, it asks unless it knows an address to print.
    assert config.is_manually_set("browser.serverAddress")
