"""A webhook server of a cluster, for conversions and admissions, whose certificate can be changed.

The API server looks at a certificate when it connects, and then keeps the connection: a change has to cut it.
"""

from __future__ import annotations

import http.server
import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.servers.tls_server import TlsServer, tls_context

SECONDS = 240.0
CertificateFiles = tuple[Path, Path]
"""A certificate and its key, in PEM."""


class WebhookServer:
    """Listens on a free port of an address of this machine, from its making to `close`."""

    def __init__(self, address: str, files: CertificateFiles) -> None:
        self.failure: tuple[int, bytes] | None = None  # status and body of every answer, in the place of a review
        self.calls_count = 0
        self._server = _Server(self, address, files)
        self.address = address
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def serve_with(self, files: CertificateFiles) -> None:
        """Another certificate from now on, as after a restart: connections are cut."""
        self._server.context = tls_context(*files)
        self._server.cut()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._server.cut()


def until_connected_anew(ask: Callable[[], str | None], words: str) -> None:
    """Wait until the API server knows that the connections that it had are gone: they may fail its next calls.

    Args:
        ask: lets it call; what went wrong, or nothing. None: it does not call.
        words: in what goes wrong with a new connection; none: nothing does.
    """
    deadline = time.monotonic() + SECONDS
    while (failure := ask()) is not None and (words not in failure or bool(words) != bool(failure)):
        assert time.monotonic() < deadline, failure
        time.sleep(0.05)


class _Server(TlsServer):
    def __init__(self, webhook: WebhookServer, address: str, files: CertificateFiles) -> None:
        self.webhook = webhook
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler, tls_context(*files))

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def cut(self) -> None:
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""

    def do_POST(self) -> None:
        webhook: WebhookServer = self.server.webhook  # type: ignore[attr-defined]
        webhook.calls_count += 1
        review = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if webhook.failure is not None:
            return self._answer(*webhook.failure, "text/plain")
        return self._answer(200, json.dumps(_answered(review)).encode(), "application/json")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _answered(review: dict[str, Any]) -> dict[str, Any]:
    """Everything is converted by its name alone, and everything is allowed."""
    request = review["request"]
    answer: dict[str, Any] = {"uid": request["uid"]}
    if review["kind"] == "ConversionReview":
        version = request["desiredAPIVersion"]
        answer["convertedObjects"] = [{**each, "apiVersion": version} for each in request["objects"]]
        answer["result"] = {"status": "Success"}
    else:
        answer["allowed"] = True
    return {"apiVersion": review["apiVersion"], "kind": review["kind"], "response": answer}
