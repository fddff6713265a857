"""`whystuck completion`: the completion script for a shell."""

from __future__ import annotations

import enum
from typing import Annotated

import typer


class Shell(enum.Enum):
    """Shells with completion."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion_command(shell: Annotated[Shell, typer.Argument(help="The shell.")]) -> None:
    """Print the completion script for a shell: `source <(whystuck completion bash)`."""
    from typer._completion_shared import get_completion_script

    print(get_completion_script(prog_name="whystuck", complete_var="_WHYSTUCK_COMPLETE", shell=shell.value))
