"""Settings of types that Configuration itself may not have: secrets and paths."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from msgspec import inspect

from pipeline.config_reader import Place, compose_yaml, read_value
from pipeline.errors import ConfigurationError
from pipeline.secret import Secret


class Receiver(msgspec.Struct, frozen=True):
    """A section with a secret and its file."""

    password: Secret | None = None
    password_file: str | None = None
    name: str = ""


IN_FILE = Place("/etc/w/w.yaml", folder=Path("/etc/w"))
OUTSIDE = Place("VARIABLE")


def read(text: str, place: Place) -> object:
    """The section of a text."""
    node = compose_yaml(text, place)
    assert node is not None
    return read_value(inspect.type_info(Receiver), node, place)


def test_secret_is_refused_in_the_file() -> None:
    """With what to do instead, and without the secret."""
    with pytest.raises(ConfigurationError) as caught:
        read("password: hunter2", IN_FILE)
    advice = "put it into a file of its own and name that in password_file"
    assert f"/etc/w/w.yaml:1:11: password: a secret does not belong here; {advice}" == str(caught.value)


def test_secret_is_read_outside_of_the_file() -> None:
    """Whatever YAML would take it for."""
    assert {"password": Secret("0x10")} == read("password: 0x10", OUTSIDE)


def test_secret_that_is_no_text_is_not_in_the_complaint() -> None:
    """Nobody sees it."""
    with pytest.raises(ConfigurationError, match=r"VARIABLE:1:11: password: expected text$"):
        read("password: [hunter2]", OUTSIDE)


PATHS = {
    "relative, in the file": (IN_FILE, "secrets/a", "/etc/w/secrets/a"),
    "absolute, in the file": (IN_FILE, "/run/a", "/run/a"),
    "relative, outside": (OUTSIDE, "secrets/a", "secrets/a"),
}


@pytest.mark.parametrize(("place", "written", "path"), PATHS.values(), ids=PATHS)
def test_paths_are_relative_to_the_file(place: Place, written: str, path: str) -> None:
    """Where they stand in one."""
    assert {"password_file": path, "name": written} == read(f"password_file: {written}\nname: {written}", place)
