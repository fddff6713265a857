"""The outputs that the README shows. `python -m tests.readme_outputs` puts what is printed now in their place."""

from __future__ import annotations

import os
import re
from pathlib import Path

from typer.testing import CliRunner

from pipeline.cli.main import app

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
SHOWN = re.compile(
    r"(?P<head><!-- what `(?P<command>[^`]+)` prints; a test compares -->\n```\n)(?P<output>.*?)(?P<tail>\n```\n)",
    re.DOTALL,
)
_MAKE_LOG = re.compile(r"^LOG \?= (\S+)$", re.MULTILINE)
_MAKE_RUN = re.compile(r"^run:.*?\n\t\$\(BIN\)/whystuck (.*?) \$\(LOG\)$", re.MULTILINE | re.DOTALL)


def shown_outputs() -> dict[str, str]:
    """What the README shows, by command."""
    return {found["command"]: found["output"] for found in SHOWN.finditer(README.read_text(encoding="utf-8"))}


def printed_output(command: str) -> str:
    """What the command prints, started in the project's folder."""
    arguments = _arguments_of_make_run() if command == "make run" else command.removeprefix("whystuck ").split()
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        return CliRunner().invoke(app, arguments).stdout.rstrip("\n")
    finally:
        os.chdir(before)


def _arguments_of_make_run() -> list[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    log, run = _MAKE_LOG.search(makefile), _MAKE_RUN.search(makefile)
    assert log is not None
    assert run is not None
    return [*run[1].split(), log[1]]


def main() -> None:
    """Rewrite the README."""
    text = README.read_text(encoding="utf-8")
    text = SHOWN.sub(lambda found: found["head"] + printed_output(found["command"]) + found["tail"], text)
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
