"""Runs the command as a user does, in this process."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline.cli.main import main
from tests.property.raw_logs import passes, story

Run = Callable[..., "Done"]


class Done(msgspec.Struct, frozen=True):
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        """The JSON lines that were printed."""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("WHYSTUCK_") or name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def whystuck(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command with some arguments."""

    def run(*arguments: str | Path) -> Done:
        monkeypatch.setattr(sys, "argv", ["whystuck", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        code = ended.value.code
        return Done(code if isinstance(code, int) else 0, printed.out, printed.err)

    return run


@pytest.fixture
def stuck(tmp_path: Path) -> Path:
    """The log of a controller in which shop/web and shop/api are stuck behind one webhook, one since later."""
    path = tmp_path / "stuck.log"
    lines = [*(passes(second, name) for second in (0, 2) for name in ("web", "api"))]
    lines += sorted([*story(range(10, 300, 10), "web"), *story(range(100, 300, 10), "api")], key=lambda line: line[:30])
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


@pytest.fixture
def calm(tmp_path: Path) -> Path:
    """A log in which nothing is wrong."""
    path = tmp_path / "calm.log"
    path.write_bytes(b"\n".join(passes(second, "calm") for second in range(0, 100, 10)) + b"\n")
    return path
