"""Where the database is: read from a URL, and shown without anything secret."""

from __future__ import annotations

from pathlib import Path

import msgspec
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from pipeline.errors import ConfigurationError

_HINT = "write it like sqlite:////var/lib/whystuck/whystuck.db or postgresql://user@host:5432/database"
_SECRET_PARAMETERS = frozenset({"password", "sslpassword", "oauth_client_secret"})


class Address(msgspec.Struct, frozen=True):
    """A database."""

    url: URL
    file: Path | None  # SQLite's; None: PostgreSQL

    def __str__(self) -> str:
        """As people want to see it: without parameters."""
        return self.url.set(drivername=self.url.get_backend_name(), query={}).render_as_string()


def read_address(text: str) -> Address:
    """The database that a URL stands for.

    Raises:
        ConfigurationError: It is no such URL. The message does not repeat it: it may hold a password.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise ConfigurationError(f"store.url: not a URL of a database; {_HINT}") from error
    match url.drivername:
        case "sqlite":
            return _address_of_file(url)
        case "postgresql" | "postgres" | "postgresql+psycopg":
            return _address_of_server(url)
    raise ConfigurationError(f"store.url: SQLite and PostgreSQL are supported; {_HINT}")


def _address_of_server(url: URL) -> Address:
    if url.password is not None or _SECRET_PARAMETERS & url.query.keys():
        raise ConfigurationError(
            "store.url: a password does not belong into the URL, which is shown: "
            "put it into a file (store.password_file) or into WHYSTUCK_STORE_PASSWORD"
        )
    return Address(url.set(drivername="postgresql+psycopg"), None)


def _address_of_file(url: URL) -> Address:
    if url.host or url.query or url.database in (None, "", ":memory:"):
        raise ConfigurationError(f"store.url: the path of a file is missing or has too few slashes; {_HINT}")
    assert url.database is not None
    return Address(url, Path(url.database))
