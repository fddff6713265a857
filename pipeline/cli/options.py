"""Options that several commands share, and what their texts mean."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import UsageError
from pipeline.report.formats import OutputFormat

Paths = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH...",
        help="Logs: files, folders, patterns, archives, s3:// gs:// az:// https:// addresses, or - for standard input.",
        show_default=False,
    ),
]
Output = Annotated[OutputFormat, typer.Option("--output", "-o", help="How results are printed.")]
Config = Annotated[
    Path | None,
    typer.Option("--config", help="The configuration file.", envvar="WHYSTUCK_CONFIG", show_default=False),
]
Rules = Annotated[
    list[str] | None,
    typer.Option("--rules", metavar="FILE", help="Your own rules; may be repeated.", show_default=False),
]
Since = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="Only records from this time on.", show_default=False)
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Only records up to this time.", show_default=False)
]
Year = Annotated[
    int | None,
    typer.Option(
        "--year", min=1970, max=9998, help="The year of records that are written without one.", show_default=False
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster", metavar="NAME", help="The cluster the logs are of, where they do not say it.", show_default=False
    ),
]
Namespaces = Annotated[
    list[str] | None,
    typer.Option("--namespace", metavar="PATTERN", help="Only objects in these namespaces.", show_default=False),
]
Keys = Annotated[
    list[str] | None,
    typer.Option("--key", metavar="NAMESPACE/NAME", help="Only this object; may be repeated.", show_default=False),
]
Store = Annotated[
    str | None,
    typer.Option("--store", metavar="URL", help="The store; setting store.url.", show_default=False),
]


def read_time(text: str | None, option: str) -> datetime | None:
    """The time of an option, UTC where it has no zone.

    Raises:
        UsageError: The text is no time.
    """
    if text is None:
        return None
    from parsers.timestamps import parse_time

    moment = parse_time(text, None)
    if moment is None:
        message = f"{option} {text!r}: not a time that is understood; write it like 2026-11-23T15:54:00Z"
        raise UsageError(message)
    return moment.at


def year_hint(year: int | None) -> datetime | None:
    """The middle of the year given, which is nearest to all of its days."""
    return datetime(year, 7, 1, tzinfo=UTC) if year is not None else None
