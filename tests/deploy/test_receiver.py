"""The demo's receiver as a process: what it answers, what it shows, what it records."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook

RECEIVER = Path(__file__).parents[2] / "deploy" / "demo" / "receiver.py"
KEYS = [b"k" * 24, b"l" * 24]
BODY = b'{"transition":{"name":"opened"},"severity":"critical","title":"stuck\\u001b[2J"}'


class Receiving:
    """A receiver, and its output once it has ended."""

    def __init__(self, folder: Path) -> None:
        secrets = folder / "secrets"
        secrets.write_text("".join(f"whsec_{base64.b64encode(key).decode()}\n" for key in KEYS))
        self.record = folder / "record.jsonl"
        options = ["--listen", "127.0.0.1:0", "--secrets-file", str(secrets), "--record", str(self.record)]
        self.process = subprocess.Popen([sys.executable, str(RECEIVER), *options], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = "http://" + self.process.stdout.readline().split()[-1]

    def post(self, body: bytes, key: bytes | None, at: int | None = None) -> int:
        timestamp = int(time.time()) if at is None else at
        headers = {"webhook-id": "msg_1", "webhook-timestamp": str(timestamp)}
        if key is not None:
            signed_at = datetime.fromtimestamp(timestamp, UTC)
            headers["webhook-signature"] = Webhook(key).sign("msg_1", signed_at, body.decode())
        return httpx.post(self.url, content=body, headers=headers, timeout=120).status_code

    def end(self) -> str:
        self.process.terminate()
        printed, _ = self.process.communicate(timeout=120)
        assert self.process.returncode == 0
        return printed


@pytest.fixture
def receiving(tmp_path: Path) -> Iterator[Receiving]:
    receiving = Receiving(tmp_path)
    yield receiving
    receiving.process.kill()
    receiving.process.communicate()


def test_believes_both_secrets_and_knows_a_repeat(receiving: Receiving) -> None:
    """Both secrets are live while they are changed; control characters do not reach the terminal."""
    assert [204, 204] == [receiving.post(BODY, key) for key in KEYS]

    first, second = receiving.end().splitlines()
    assert first.endswith("verified  msg_1  opened  critical  stuck?[2J")
    assert "verified, repeated  msg_1" in second
    rows = [json.loads(line) for line in receiving.record.read_text().splitlines()]
    assert [(None, False, BODY.decode()), (None, True, BODY.decode())] == [
        (row["problem"], row["repeated"], row["body"]) for row in rows
    ]


def test_refuses_what_is_not_signed_rightly(receiving: Receiving) -> None:
    """A message that was refused is not remembered: the right one with its id is no repeat."""
    assert [401, 401, 401] == [
        receiving.post(BODY, None),
        receiving.post(BODY, b"another"),
        receiving.post(BODY, KEYS[0], at=1),
    ]
    assert 204 == receiving.post(BODY, KEYS[0])

    *refused, last = receiving.end().splitlines()
    assert [line.split("  ")[1] for line in refused] == [
        "REFUSED: Missing required headers",
        "REFUSED: No matching signature found",
        "REFUSED: Message timestamp too old",
    ]
    assert last.split("  ")[1] == "verified"


def test_what_is_no_message_is_refused(receiving: Receiving) -> None:
    """Headers and bodies that nobody signs so do not end it."""
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(time.time()))}
    answers = [
        httpx.post(receiving.url, content=body, headers={**headers, "webhook-signature": text}, timeout=120).status_code
        for body, text in ((BODY, "v1"), (BODY, "v1,a,b"), (BODY, "v1,a"), (b"\xff", "v1,AAAA"))
    ]

    assert [401] * 4 == answers
    assert 4 == len(receiving.end().splitlines())


def test_a_file_without_secrets_is_refused(tmp_path: Path) -> None:
    """By the number of the line: what stands in it may be a secret of something else."""
    secrets = tmp_path / "secrets"
    secrets.write_text("hunter2\n")
    command = [sys.executable, str(RECEIVER), "--secrets-file", str(secrets)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)

    assert 2 == done.returncode
    assert f"receiver: {secrets}: line 1 is not whsec_ and base64\n" == done.stderr
