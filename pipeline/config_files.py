"""The files that settings name: whether they can be read, before a daemon is started on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from pipeline.config import Configuration
from pipeline.config_reader import Complaints
from pipeline.errors import ConfigurationError
from pipeline.secret import is_secret_name, read_secret

_SUFFIX = "_file"


def check_files(configuration: Configuration) -> None:
    """Read every file that a setting names, secrets as secrets.

    Raises:
        ConfigurationError: Some cannot be used: one line for each.
    """
    complaints = Complaints()
    for setting, file in _files_in(configuration, ""):
        with complaints.gather():
            _check_file(setting, file)
    complaints.raise_all()


def _check_file(setting: str, file: str) -> None:
    owner = setting.removesuffix(_SUFFIX)
    if is_secret_name(owner):
        read_secret(owner, None, file)
        return
    try:
        with Path(file).open("rb") as stream:
            stream.read(1)
    except OSError as error:
        raise ConfigurationError(f"{setting}: {file} cannot be read: {error.strerror or error}") from error


def _files_in(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Settings whose names end in `_file`, at any depth, with what they name."""
    match value:
        case msgspec.Struct():
            for field in msgspec.structs.fields(value):
                below = f"{path}.{field.encode_name}" if path else field.encode_name
                yield from _files_in(getattr(value, field.name), below)
        case tuple():
            for number, item in enumerate(value):
                yield from _files_in(item, f"{path}[{number}]")
        case str() if path.endswith(_SUFFIX):
            yield path, value
