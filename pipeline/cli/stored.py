"""What commands on the daemon's store share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.cli.loading import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.config import Configuration
    from pipeline.store.connections import Database


@contextmanager
def opened_store(config: Path | None, store: str | None) -> Iterator[tuple[Configuration, Database]]:
    """The settings in force, and the store that they or the option name, of this version. It is closed at the end.

    Raises:
        ConfigurationError: The settings are wrong.
        StoreVersionError: Its tables are of another version, or not there.
        StoreUnavailableError: It does not answer.
    """
    from pipeline.store.connections import Database
    from pipeline.store.schema import require_version

    settings = load_settings(config, {"store.url": store})
    database = Database(settings.store)
    try:
        require_version(database)
        yield settings, database
    finally:
        database.close()


def login() -> str:
    """Who uses the command.

    Raises:
        UsageError: The user has no name here.
    """
    import getpass

    from pipeline.errors import UsageError

    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:  # a container's user need not have a name
        raise UsageError("your login has no name here: say who you are with --author NAME") from error
