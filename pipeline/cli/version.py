"""`whystuck version`."""

from __future__ import annotations


def version_command() -> None:
    """Print the version."""
    from importlib.metadata import version

    print(version("whystuck"))
