"""Where a URL leads, and what of it is shown."""

from __future__ import annotations

import pytest

from pipeline.errors import ConfigurationError
from pipeline.store.address import read_address

SHOWN = {
    "relative file": ("sqlite:///whystuck.db", "sqlite:///whystuck.db"),
    "absolute file": ("sqlite:////var/lib/w.db", "sqlite:////var/lib/w.db"),
    "server": ("postgresql://me@db:5432/w", "postgresql://me@db:5432/w"),
    "server, short": ("postgres://db/w", "postgresql://db/w"),
    "server by its driver": ("postgresql+psycopg://db/w", "postgresql://db/w"),
    "with parameters": ("postgresql://db/w?sslmode=require&sslkey=/secret/place", "postgresql://db/w"),
}
REFUSED = {
    "nothing": "",
    "no URL": "whystuck.db",
    "another database": "mysql://db/w",
    "a driver that is not there": "postgresql+asyncpg://db/w",
    "too few slashes": "sqlite://whystuck.db",
    "in memory": "sqlite://",
    "in memory by name": "sqlite:///:memory:",
    "file with parameters": "sqlite:///w.db?mode=ro",
    "password": "postgresql://me:pa55word@db/w",
    "password as a parameter": "postgresql://me@db/w?password=pa55word",
    "password in what is no URL": "postgresql://me:pa55word@db:port/w",
}


@pytest.mark.parametrize(("url", "shown"), SHOWN.values(), ids=SHOWN)
def test_address_is_shown(url: str, shown: str) -> None:
    """Without parameters."""
    assert shown == str(read_address(url))


@pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED)
def test_address_is_refused_without_repeating_it(url: str) -> None:
    """It may hold a password where none belongs."""
    with pytest.raises(ConfigurationError, match=r"^store\.url: ") as caught:
        read_address(url)
    assert "pa55word" not in str(caught.value)
