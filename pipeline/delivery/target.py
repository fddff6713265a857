"""The address of a receiver or proxy, taken apart. Nothing here ever says more of it than scheme, host and port."""

from __future__ import annotations

import base64
from collections.abc import Collection
from urllib.parse import unquote, urlsplit

import msgspec

_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


class Target(msgspec.Struct, frozen=True):
    """Where to send."""

    scheme: str
    host: str  # without brackets
    port: int
    path: str  # with the query: may hold a secret
    user: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return self.origin

    @property
    def origin(self) -> str:
        """What may be shown."""
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """Host, and port where it is not the scheme's: the header `Host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole, without user and password."""
        return f"{self.origin}{self.path}"

    @property
    def basic(self) -> str | None:
        """The header `Authorization` of user and password; None: there are none."""
        if self.user is None:
            return None
        return "Basic " + base64.b64encode(f"{self.user}:{self.password or ''}".encode()).decode("ascii")


def parse_target(text: str, schemes: Collection[str]) -> Target:
    """The parts of an address.

    Raises:
        ValueError: It is none, or of another scheme. The message holds nothing of it.
    """
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("an address has ASCII characters only: write others as %XX, and a name in its xn-- form")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("not an address: write it like https://host:port/path") from None
    if parts.scheme not in schemes:
        raise ValueError(f"expected an address that begins with {' or '.join(f'{each}://' for each in schemes)}")
    if not parts.hostname or port == 0:
        raise ValueError("the address names no host, or port 0")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    user, password = (None if each is None else unquote(each) for each in (parts.username, parts.password))
    return Target(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], path, user, password)
