"""Secrets: read where they may stand, shown nowhere."""

from __future__ import annotations

import copy
from pathlib import Path

import msgspec
import pytest
import structlog

from pipeline.errors import ConfigurationError
from pipeline.secret import HIDDEN, Secret, hide_secrets, is_secret_name, read_secret

SHOWN = {
    "str": str,
    "repr": repr,
    "format": "{}".format,
    "in a container": lambda secret: repr([secret, {"a": secret}]),
    "in JSON of a log line": lambda secret: structlog.processors.JSONRenderer()(None, "info", {"event": secret}),
    "in a key=value log line": lambda secret: structlog.processors.LogfmtRenderer()(None, "info", {"event": secret}),
}


@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN)
def test_secret_is_never_shown(show: object) -> None:
    """Whatever prints it prints the mark."""
    assert callable(show)
    shown = show(Secret("hunter2"))
    assert HIDDEN in shown
    assert "hunter2" not in shown


def test_secret_cannot_be_encoded_by_accident() -> None:
    """An encoder that does not know it fails instead of writing it."""
    with pytest.raises(TypeError):
        msgspec.json.encode({"password": Secret("hunter2")})


def test_secrets_compare_by_their_text() -> None:
    """Also when they hold letters beyond ASCII; a plain text is never equal to one."""
    assert Secret("geheimnis-ü") == copy.copy(Secret("geheimnis-ü"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert 1 == len({Secret("a"), Secret("a")})


FILES = {
    "as it is": (b"hunter2", "hunter2"),
    "with the line break of an editor": (b"hunter2\r\n", "hunter2"),
    "blanks within": (b"two words\n", "two words"),
}


@pytest.mark.parametrize(("content", "secret"), FILES.values(), ids=FILES)
def test_reads_the_file(tmp_path: Path, content: bytes, secret: str) -> None:
    """Without what editors put around it."""
    path = tmp_path / "token"
    path.write_bytes(content)
    assert Secret(secret) == read_secret("http.token", None, str(path))


def test_environment_wins_over_the_file() -> None:
    """The file is not even looked at."""
    assert Secret("x") == read_secret("http.token", Secret("x"), "/nowhere")


def test_no_secret_is_set() -> None:
    """Neither of the two."""
    assert read_secret("http.token", None, None) is None


UNUSABLE = {
    "empty": (b" \n", "is empty"),
    "two lines": (b"hunter2\nhunter3", "holds more than one line, or control characters"),
    "not UTF-8": (b"hunter2\xff", "is not UTF-8 text"),
    "a log": (b"hunter2" * 20_000, "is larger than 65536 bytes: not a secret"),
}


@pytest.mark.parametrize(("content", "why"), UNUSABLE.values(), ids=UNUSABLE)
def test_refuses_the_file(tmp_path: Path, content: bytes, why: str) -> None:
    """The complaint names setting and file, and nothing of the content, not even in its cause."""
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        read_secret("http.token", None, str(path))
    assert f"http.token_file: {path} {why}" == str(caught.value)
    assert caught.value.__cause__ is None


def test_says_why_the_file_cannot_be_read(tmp_path: Path) -> None:
    """In the words of the system."""
    with pytest.raises(ConfigurationError, match=r"^http\.token_file: .*missing cannot be read: No such file"):
        read_secret("http.token", None, str(tmp_path / "missing"))


NAMES = {
    "password": True,
    "sasl_password": True,
    "token": True,
    "client_secret": True,
    "password_file": False,
    "tokens_count": False,
    "key": False,
}


@pytest.mark.parametrize(("name", "is_secret"), NAMES.items(), ids=NAMES)
def test_names_of_secrets(name: str, is_secret: bool) -> None:
    """By how they end."""
    assert is_secret_name(name) is is_secret


TEXTS = {
    "address": ("postgresql://me:a@b/c@db/x", f"postgresql://{HIDDEN}@db/x"),
    "token as user": ("https://token@git.example/x", f"https://{HIDDEN}@git.example/x"),
    "user without a password": ("postgresql://me@db/x", "postgresql://me@db/x"),
    "connection string": ("host=db password=hunter2 user=me", "host=db password=[redacted] user=me"),
    "nothing": ("connection to db:5432 refused", "connection to db:5432 refused"),
}


@pytest.mark.parametrize(("text", "expected"), TEXTS.values(), ids=TEXTS)
def test_hides_secrets_in_texts(text: str, expected: str) -> None:
    """Names of hosts stay."""
    assert expected == hide_secrets(text)
