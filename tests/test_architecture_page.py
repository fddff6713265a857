"""docs/architecture.md says of every room of the code what it is for."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
LAYOUT = re.findall(r"`([^`\s]+)`", PAGE.partition("## Layout")[2].partition("## Where state lives")[0])


def _rooms() -> list[str]:
    """Every package, and every module that stands beside packages."""
    packages = [path.parent for name in ("parsers", "pipeline") for path in (ROOT / name).rglob("__init__.py")]
    packages = [path for path in packages if path.parent != ROOT and path.name != "versions"]
    modules = [path for name in ("parsers", "pipeline") for path in (ROOT / name).glob("[a-z]*.py")]
    return sorted(str(path.relative_to(ROOT)) for path in (*packages, *modules))


@pytest.mark.parametrize("room", _rooms())
def test_layout_names(room: str) -> None:
    """By its path, a pattern of paths, or its bare name in the row of its package."""
    path = Path(room)
    names = (room, f"{room}/", path.stem, f"{path.stem}/")
    assert any(fnmatch(name, pattern) for pattern in LAYOUT for name in names), f"docs/architecture.md: {room}"
