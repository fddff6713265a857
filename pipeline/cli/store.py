"""`whystuck store`: the daemon's database, for operators."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from pipeline.cli import options
from pipeline.cli.loading import load_settings
from pipeline.cli.printing import print_records, reader_may_leave
from pipeline.report.formats import OutputFormat

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.store.connections import Database

store_app = typer.Typer(help="Check, shrink and migrate the store.", no_args_is_help=True)


@store_app.command("check")
def check_command(
    output: options.Output = OutputFormat.TABLE, config: options.Config = None, store: options.Store = None
) -> None:
    """Look for damage; reads everything, changes nothing, and may run beside the daemon."""
    from pipeline.errors import ExitCode
    from pipeline.store.schema import require_version
    from pipeline.store.upkeep import check

    with _opened(config, store) as database:
        require_version(database)
        problems = check(database)
        name = str(database.address)
    with reader_may_leave():
        if output is not OutputFormat.TABLE:
            print_records(problems, output)
        for problem in problems if output is OutputFormat.TABLE else ():
            print(f"{problem.where}: {problem.what}")
    print(f"whystuck: {name}: {f'{len(problems)} problems' if problems else 'no problem'}", file=sys.stderr)
    raise typer.Exit(ExitCode.FAILED if problems else ExitCode.CLEAN)


@store_app.command("vacuum")
def vacuum_command(config: options.Config = None, store: options.Store = None) -> None:
    """Give back the space of what was deleted. Of a SQLite file the daemon must be stopped."""
    from pipeline.store.schema import require_version
    from pipeline.store.upkeep import vacuum

    with _opened(config, store) as database, _alone(database):
        require_version(database)
        space = vacuum(database)
    print(f"{space.before:,} bytes before, {space.after:,} bytes after")


@store_app.command("migrate")
def migrate_command(config: options.Config = None, store: options.Store = None) -> None:
    """Bring the tables to the version of this whystuck; makes them where there are none."""
    from pipeline.store.connections import make_file
    from pipeline.store.schema import migrate

    with _opened(config, store) as database, _alone(database):
        if database.address.file is not None:
            make_file(database.address.file)
        done = migrate(database)
        name = database.address
    if done.from_version == done.to_version:
        print(f"{name}: tables are of version {done.to_version} already")
    else:
        print(f"{name}: tables migrated from {done.from_version or 'nothing'} to version {done.to_version}")


@contextmanager
def _opened(config: Path | None, store: str | None) -> Iterator[Database]:
    from pipeline.store.connections import Database

    database = Database(load_settings(config, {"store.url": store}).store)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """Without a daemon that has the same file. Others of a server go on."""
    from pipeline.store.file_lock import FileLock

    if database.address.file is None:
        yield
        return
    lock = FileLock(database.address.file)
    try:
        yield
    finally:
        lock.release()
