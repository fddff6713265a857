"""The page docs/command.md names every command and every option."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from pipeline.cli.main import app

PAGE = (Path(__file__).parents[3] / "docs" / "command.md").read_text(encoding="utf-8")


def _commands(command: object, name: str) -> Iterator[tuple[str, object]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield name, command
        return
    for part, each in below.items():
        yield from _commands(each, f"{name} {part}")


COMMANDS = dict(_commands(typer.main.get_command(app), "whystuck"))
OPTIONS = sorted(
    {
        option
        for command in COMMANDS.values()
        for parameter in command.params  # type: ignore[attr-defined]
        for option in parameter.opts
        if option.startswith("-")
    }
)


@pytest.mark.parametrize("command", COMMANDS)
def test_page_names_the_command(command: str) -> None:
    """In its table."""
    assert f"\n| `{command}" in PAGE


@pytest.mark.parametrize("option", OPTIONS)
def test_page_names_the_option(option: str) -> None:
    """In its table."""
    assert f"`{option} " in PAGE or f"`{option}`" in PAGE
