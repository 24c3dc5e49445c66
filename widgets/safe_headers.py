"""What every answer tells a browser: nothing from other hosts, in no page of theirs, and no guessing of types.

Streamlit adds to some answers that pages of other addresses may read them (for uploads it names one that is hardly
ever the lab's own); that stands only where the operator has listed the address in ``server.corsAllowedOrigins``.
"""

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config

# Pages and components need scripts and styles in the page itself, and pictures and scripts that scripts have made.
_POLICY = (
    "default-src 'self'",
    "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval' blob:",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "media-src 'self' data: blob:",
    "worker-src 'self' blob:",
    "connect-src 'self' data: blob:{websockets}",
    "frame-src 'self' blob:",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'self'",
)
_HOST = re.compile(r"[A-Za-z0-9.\-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")
_BROKEN = "Something went wrong here; reload the page, and tell whoever runs this lab if it happens again."


def headers(host: str = "") -> dict[str, str]:
    """Write the headers of an answer from ``host``, as the request named it.

    It is named again for websockets, which "self" does not include in the Safari of older tablets (before 16).
    """
    websockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return {
        "Content-Security-Policy": "; ".join(_POLICY).format(websockets=websockets),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
    }


class SafeHeaders:
    """ASGI middleware: `headers` on every answer, and no leave for pages of other addresses to read it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; change the beginning of its answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        host = Headers(scope=scope).get("host", "")
        listed = Headers(scope=scope).get("origin") in config.get_option("server.corsAllowedOrigins")

        async def send_safe(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name in () if listed else answer.keys():
                    if name.startswith("access-control-"):
                        del answer[name]
                answer.update(headers(host))
            await send(message)

        await self.app(scope, receive, send_safe)


async def broken(request: Request, _error: Exception) -> Response:
    """Answer in place of whatever raised; it is logged by the server, and this answer passes no middleware."""
    return PlainTextResponse(_BROKEN, 500, headers=headers(request.headers.get("host", "")))
