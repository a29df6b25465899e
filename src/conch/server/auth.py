"""Who may ask. On this machine anybody; from outside only with the key.

Without a key the server listens on loopback only, and answers only requests that are addressed to
loopback: a page from elsewhere that rebinds its name to 127.0.0.1 is turned away. So is a request
that another site's page makes a browser send: always without a key, and for everything but reading
also with one, unless the site is listed. What a key may do is its scope (`conch.core.api_keys`).
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote, urlsplit

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conch.config.serve import ServeConfig
from conch.core.api_keys import KeyRing
from conch.core.errors import ServeError
from conch.server.errors import RequestError, failure_of

OPEN = "/health"
"""What monitors read without a key, with everything below it."""
STUDIO = "/studio"
"""The pages for browsers, with everything below: a browser that came by the link is known by its cookie."""
COOKIE = "conch_key"
PAGES = frozenset({"/", "/docs", "/openapi.json", f"{STUDIO}/"})
"""Where a browser may give the key as `?key=`: a link can't set headers."""
LINKED = frozenset({"/", "/docs", f"{STUDIO}/"})
"""What a page elsewhere (such as a terminal in the browser) may link to: no work, nothing to learn."""
ADMIN = frozenset({"/v1/load_lora_adapter", "/v1/unload_lora_adapter"})
METRICS = "/metrics"
READING = frozenset({"GET", "HEAD", "OPTIONS"})


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def with_key(config: ServeConfig) -> ServeConfig:
    """The same config with a key made where one is needed. Raises ServeError for a blank key.

    None is needed where `conch keys` has some.
    """
    if config.api_key is not None and not config.api_key.strip():
        raise ServeError("serving.blank_key")
    if config.api_key is not None or not needs_key(config) or KeyRing():
        return config
    return config.model_copy(update={"api_key": secrets.token_urlsafe(24)})


def needs_key(config: ServeConfig) -> bool:
    return config.require_key or not is_loopback(config.host)


def scope_of(path: str) -> str:
    """What a key must be for to ask at `path`."""
    if path in ADMIN or in_studio(path):
        return "admin"
    return "metrics" if path == METRICS else "infer"


@dataclass(frozen=True)
class Access:
    """The rule that requests are held against. Unlocked: only from and to this machine.

    Locked, `key` opens everything, and those of `ring` what they are for.
    """

    key: str | None = None
    ring: KeyRing = field(default_factory=KeyRing)
    locked: bool = False
    origins: frozenset[str] = frozenset()

    @staticmethod
    def of(config: ServeConfig) -> Access:
        """Raises ServeError where a server without a key could be reached from outside."""
        ring = KeyRing()
        locked = bool(config.api_key) or needs_key(config)
        if locked and not config.api_key and not ring:
            raise ServeError("serving.key_needed", host=config.host)
        return Access(config.api_key or None, ring, locked, frozenset(config.cors_origins))

    def refusal(self, request: HTTPConnection) -> RequestError | None:
        """Why `request` is turned away, if it is."""
        if not self.locked and not is_loopback(_host(request)):
            return RequestError("serving.foreign_host", status=403)
        reading = request.scope["method"] in READING
        harmless = reading and (self.locked or request.scope["path"] in LINKED)
        if not harmless and _is_foreign(request) and request.headers.get("origin") not in self.origins:
            return RequestError("serving.foreign_page", status=403)
        return self._wrong_key(request)

    def _wrong_key(self, request: HTTPConnection) -> RequestError | None:
        path: str = request.scope["path"]
        if not self.locked or path == OPEN or path.startswith(f"{OPEN}/"):
            return None
        given = _given(request, path)
        if given is None:
            return _unauthorised("serving.no_key")
        if self.key is not None and hmac.compare_digest(given, self.key.encode()):
            return None
        found = self.ring.find(given)
        if found is None:
            return _unauthorised("serving.wrong_key")
        scope = scope_of(path)
        if found.allows(scope):
            return None
        return RequestError("serving.wrong_scope", status=403, code="insufficient_scope", scope=scope)


def _is_foreign(request: HTTPConnection) -> bool:
    """Whether a page of another origin makes a browser send this.

    Browsers say so themselves (`Sec-Fetch-Site`, which pages can't set), or name the page's origin.
    Programs send neither.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site.lower() not in {"same-origin", "none"}
    origin = request.headers.get("origin")
    if origin is None:
        return False
    own = _address(f"//{request.headers.get('host', '')}")
    return own is None or _address(origin) != own


def _address(origin: str) -> tuple[str, int | None] | None:
    """Host and port of an origin; None for what is none, such as `null`.

    The usual ports are left out, as `Host` leaves them out: behind a proxy it can't be told which it was.
    """
    try:
        parts = urlsplit(origin)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    return (host, None if port in {80, 443} else port) if host else None


def _host(request: HTTPConnection) -> str:
    """The host that the request is addressed to, without its port."""
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _given(request: HTTPConnection, path: str) -> bytes | None:
    """The key in a request, as bytes: headers come decoded as latin-1, queries as UTF-8."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    header = token.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
    if header:
        return header.encode("latin-1")
    query = request.query_params.get("key") if path in PAGES else None
    if not query and in_studio(path):
        query = request.cookies.get(COOKIE)
    return query.encode() if query else None


def in_studio(path: str) -> bool:
    return path in {"/", STUDIO} or path.startswith(f"{STUDIO}/")


def _unauthorised(key: str) -> RequestError:
    return RequestError(key, status=401, code="invalid_api_key", headers={"www-authenticate": "Bearer"})


class Gate:
    """Middleware that turns requests away before any route sees them."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app = app
        self.access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        refusal = self.access.refusal(request)
        if refusal is None:
            await self.app(scope, receive, _keeping(request, send))
        else:
            await failure_of(refusal).response()(scope, receive, send)


def _keeping(request: HTTPConnection, send: Send) -> Send:
    """`send`, which lets a browser that came to the studio by its link keep the key as a cookie."""
    key = request.query_params.get("key") if in_studio(request.scope["path"]) else None
    if not key:
        return send

    async def with_cookie(message: Message) -> None:
        if message["type"] == "http.response.start":
            cookie = f"{COOKIE}={quote(key)}; Path=/; HttpOnly; SameSite=Strict"
            message = {**message, "headers": [*message["headers"], (b"set-cookie", cookie.encode("latin-1"))]}
        await send(message)

    return with_cookie
