"""The programs of docs/signatures tell right signatures from wrong ones, in three languages.

The signatures are made by the standard's own library.
"""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from tests.servers.requirement import missing

PROGRAMS = Path(__file__).parents[2] / "docs" / "signatures"
KEY = bytes(range(24))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
ID = "msg_0123456789abcdef0123456789abcdef"
BODY = '{"title":"größer"}\n'.encode()
LANGUAGES = [
    "python",
    pytest.param("go", marks=pytest.mark.servers),
    pytest.param("node", marks=pytest.mark.servers),
]


def _signature(body: bytes, timestamp: int, key: bytes = KEY) -> str:
    return Webhook(key).sign(ID, datetime.fromtimestamp(timestamp, UTC), body.decode())


@pytest.fixture(scope="module")
def go_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    go = shutil.which("go") or missing("there is no go")
    target = tmp_path_factory.mktemp("go") / "verify"
    subprocess.run([go, "build", "-o", target, PROGRAMS / "verify.go"], check=True, timeout=300)
    return target


@pytest.fixture
def program(language: str, request: pytest.FixtureRequest) -> Sequence[str | Path]:
    if language == "go":
        return [request.getfixturevalue("go_program")]
    if language == "node":
        return [shutil.which("node") or missing("there is no node"), PROGRAMS / "verify.mjs"]
    return [sys.executable, PROGRAMS / "verify.py"]


def _status(program: Sequence[str | Path], timestamp: int, signatures: str, body: bytes = BODY) -> int:
    command = [*program, SECRET, ID, str(timestamp), signatures]
    return subprocess.run(command, input=body, check=False, timeout=240).returncode


@pytest.mark.parametrize("language", LANGUAGES)
def test_right_signature(program: Sequence[str | Path]) -> None:
    """Alone, or among others while secrets are changed."""
    now = int(time.time())
    right, other = _signature(BODY, now), _signature(BODY, now, b"another key")

    assert 0 == _status(program, now, right)
    assert 0 == _status(program, now, f"{other} {right}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_wrong_signature(program: Sequence[str | Path]) -> None:
    """Another body, another key, another time, or a message that is too old or of the future."""
    now = int(time.time())
    right = _signature(BODY, now)

    assert 1 == _status(program, now, right, BODY + b" ")
    assert 1 == _status(program, now, _signature(BODY, now, b"another key"))
    assert 1 == _status(program, now + 1, right)
    assert 1 == _status(program, now - 400, _signature(BODY, now - 400))
    assert 1 == _status(program, now + 400, _signature(BODY, now + 400))
    assert 1 == _status(program, now, "")
