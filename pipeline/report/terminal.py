"""The console that tables are printed on."""

from __future__ import annotations

from typing import NoReturn, TextIO

from rich.console import Console


class _Console(Console):
    def on_broken_pipe(self) -> NoReturn:
        """Leave it to the command what a reader that went away means; Rich's own console ends the process."""
        raise BrokenPipeError


def make_console(stream: TextIO, *, is_soft: bool | None = None) -> Console:
    """A console for a stream. Where it is no terminal, lines are not broken, so that `grep` finds what is in them."""
    return _Console(file=stream, soft_wrap=not stream.isatty() if is_soft is None else is_soft, highlight=False)
