"""`whystuck completion`: the completion script for a shell."""

from __future__ import annotations

import enum
import os
from typing import Annotated

import typer

COMPLETE_VARIABLE = "_WHYSTUCK_COMPLETE"
"""What Typer and Click ask for completions with: `source_SHELL` prints the script, `complete_SHELL` is what it runs."""


class Shell(enum.Enum):
    """Shells with completion."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion_command(
    context: typer.Context, shell: Annotated[Shell, typer.Argument(help="The shell.", show_default=False)]
) -> None:
    """Print the completion script for a shell: `source <(whystuck completion bash)`."""
    os.environ[COMPLETE_VARIABLE] = f"source_{shell.value}"
    context.find_root().command.main(args=[], prog_name="whystuck", complete_var=COMPLETE_VARIABLE)
