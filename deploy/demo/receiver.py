"""A receiver that checks Standard Webhooks signatures and shows what came: one line for each notification.

A notification that is repeated has the same `webhook-id`: it is answered
like the first one, and said to be a repeat. Nothing of a message is believed before its signature was checked.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TextIO

from standardwebhooks import Webhook, WebhookVerificationError
from standardwebhooks.webhooks import EmptyWebhookSecretError

LARGEST_BODY = 4 * 1024 * 1024
REMEMBERED_IDS = 100_000
READ_SECONDS = 30.0


def read_secrets(path: Path) -> list[Webhook]:
    """The secrets of a file with one a line: `whsec_` and base64. More than one while secrets are changed.

    Raises:
        ValueError: there is none, or a line is no secret. The message does not hold the line.
        OSError: the file cannot be read.
    """
    secrets = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        secret = line.strip()
        if secret:
            try:
                secrets.append(Webhook(secret if secret.startswith("whsec_") else ""))
            except (ValueError, EmptyWebhookSecretError):
                raise ValueError(f"{path}: line {number} is not whsec_ and base64") from None
    if not secrets:
        raise ValueError(f"{path}: there is no secret in it")
    return secrets


def problem_of(headers: dict[str, str], body: bytes, secrets: Sequence[Webhook]) -> str | None:
    """Why a message is not to be believed, by every secret; None: it is, by one of them."""
    problem = None
    for secret in secrets:
        try:
            secret.verify(body, headers, json_parse=False)
        except WebhookVerificationError as error:
            problem = str(error)
        except ValueError:
            problem = "headers or body cannot be read"
        else:
            return None
    return problem


class Shown:
    """What came, on a stream and as JSON lines; threads may share it."""

    def __init__(self, stream: TextIO, record: TextIO | None) -> None:
        self._stream = stream
        self._record = record
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def show(self, message_id: str, body: bytes, problem: str | None, at: datetime) -> None:
        """Tell of one message. One that is not believed does not count as seen."""
        with self._lock:
            repeated = problem is None and message_id in self._seen
            if problem is None:
                self._remember(message_id)
            print(f"{at:%H:%M:%S}  {line(message_id, body, problem, repeated)}", file=self._stream, flush=True)
            if self._record is not None:
                row = {
                    "at": at.isoformat(),
                    "id": message_id,
                    "problem": problem,
                    "repeated": repeated,
                    "body": body.decode(errors="replace"),
                }
                print(json.dumps(row), file=self._record, flush=True)

    def _remember(self, message_id: str) -> None:
        self._seen[message_id] = None
        if len(self._seen) > REMEMBERED_IDS:
            self._seen.popitem(last=False)


def line(message_id: str, body: bytes, problem: str | None, is_repeated: bool) -> str:
    """How one message is shown. Nothing of the body, where it is not believed."""
    if problem is not None:
        return f"REFUSED: {problem}  {_plain(message_id)}"
    return f"{'verified, repeated' if is_repeated else 'verified'}  {_plain(message_id)}  {summary(body)}"


def summary(body: bytes) -> str:
    """Transition, severity and title of an incident, or of each one of a group."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return f"{len(body)} bytes that are no JSON"
    incidents = value.get("incidents", [value]) if isinstance(value, dict) else []
    if not isinstance(incidents, list):
        incidents = []
    return "; ".join(_line(each) for each in incidents if isinstance(each, dict)) or "no incident"


def _line(incident: Mapping[str, Any]) -> str:
    transition = incident.get("transition")
    name = transition.get("name") if isinstance(transition, dict) else transition
    return _plain(f"{name}  {incident.get('severity')}  {incident.get('title')}")


def _plain(text: str) -> str:
    """Without what a terminal would obey."""
    return "".join(character if character.isprintable() else "?" for character in text)


class Handler(BaseHTTPRequestHandler):
    """What answers: 204 to a message that is believed and to a health check, 401 to any other message."""

    server: Receiver
    protocol_version = "HTTP/1.1"
    timeout = READ_SECONDS

    def do_GET(self) -> None:
        """Answer a health check."""
        self._answer(204 if self.path == "/healthz" else 404)

    def do_POST(self) -> None:
        """Take a message."""
        length = self.headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            self._end(411)
        elif len(length) > 9 or int(length) > LARGEST_BODY:
            self._end(413)
        else:
            self._receive(int(length))

    def _receive(self, length: int) -> None:
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return
        now = time.time()
        headers = {name.lower(): value for name, value in self.headers.items()}
        problem = problem_of(headers, body, self.server.secrets)
        self.server.shown.show(headers.get("webhook-id", "-"), body, problem, datetime.fromtimestamp(now, UTC))
        self._answer(401 if problem else 204)

    def _end(self, status: int) -> None:
        self.close_connection = True
        self._answer(status)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class calls it so
        """Nothing: what came is shown already."""


class Receiver(ThreadingHTTPServer):
    """Serves on an address, one thread for each connection."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], secrets: Sequence[Webhook], shown: Shown) -> None:
        self.secrets = secrets
        self.shown = shown
        super().__init__(address, Handler)


def read_arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command line says; ends the process where it is wrong."""
    parser = argparse.ArgumentParser(description="Shows webhooks whose Standard Webhooks signature is right.")
    parser.add_argument("--listen", default="127.0.0.1:8080", metavar="HOST:PORT")
    parser.add_argument("--secrets-file", type=Path, required=True, help="one whsec_… a line")
    parser.add_argument("--record", type=Path, help="append what came to this file, as JSON lines")
    return parser.parse_args(given)


def main() -> int:
    """Serve until SIGTERM or Ctrl-C."""
    arguments = read_arguments()
    host, _, port = arguments.listen.rpartition(":")
    try:
        secrets = read_secrets(arguments.secrets_file)
        record = arguments.record.open("a", encoding="utf-8") if arguments.record else None
        server = Receiver((host, int(port)), secrets, Shown(sys.stdout, record))
    except (OSError, ValueError) as error:
        print(f"receiver: {error}", file=sys.stderr)
        return 2
    # shutdown() waits for serve_forever(), which the handler of the signal interrupts.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"listening on {host}:{server.server_port}", flush=True)
    try:
        server.serve_forever(poll_interval=0.2)
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
