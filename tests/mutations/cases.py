"""What is mutated: the files of one case, from the sample scenarios or from any directory of cases."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from tests.scenarios import scenarios

Files = Mapping[str, bytes]
"""Contents by file name."""

_RECORD = re.compile(
    rb'(?m)^.{0,200}?(?:level=\w|"level" ?:|[IWEF]\d{4} \d\d:\d\d:\d\d|(?:INFO|WARN|ERRO|FATA)\[|\d\t(?:INFO|ERROR)\t)'
)
_DOCUMENT = re.compile(rb'\s*(?:apiVersion:|kind:|- apiVersion|\[|\{\s*\n|\{"(?:apiVersion|kind|status|streams|data)")')


class Case(msgspec.Struct, frozen=True):
    """Files that are read together."""

    id: str
    files: Files


def is_log(data: bytes) -> bool:
    """Whether a file holds records in lines, and is no document or list of objects."""
    return _DOCUMENT.match(data) is None and len(_RECORD.findall(data)) * 2 > data.count(b"\n")


def map_logs(files: Files, change: Callable[[list[str]], Sequence[str]]) -> dict[str, bytes]:
    """Change the lines of every log; other files stay. Bytes are kept as they are."""
    return {name: _changed(data, change) if is_log(data) else data for name, data in files.items()}


def _changed(data: bytes, change: Callable[[list[str]], Sequence[str]]) -> bytes:
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    rest = [lines.pop()] if not lines[-1] else []
    return "\n".join([*change(lines), *rest]).encode("utf-8", "surrogateescape")


def scenario_cases() -> Iterator[Case]:
    """The sample scenarios that are no mere wrapping of another one."""
    for name in scenarios.names():
        if scenarios.load(name).wraps is None:
            found = [one for path in scenarios.paths(name) for one in _files_of(Path(path))]
            yield Case(name, {one.name.removesuffix(".gz"): _read(one) for one in found})


def labelled_cases(folder: Path) -> Iterator[Case]:
    """Cases of a directory: every folder below it whose case.json lists `files`."""
    for label in sorted(folder.rglob("case.json")):
        names = json.loads(label.read_text(encoding="utf-8")).get("files", ())
        if names:
            yield Case(label.parent.name, {name.removesuffix(".gz"): _read(label.parent / name) for name in names})


def _files_of(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())


def _read(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data
