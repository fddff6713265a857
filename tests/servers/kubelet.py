"""The part of a kubelet that pod logs need, with every way in which one fails.

    GET /containerLogs/{namespace}/{pod}/{container}?follow&previous&tailLines&sinceTime&timestamps

The API server sends it here. A log is kept as bytes of lines with their times; nothing is read from disk.
"""

from __future__ import annotations

import http.server
import socket
import sys
import threading
import urllib.parse
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from tests.servers.tls_server import TlsServer, tls_context

WAIT_SECONDS = 0.2


class Line(NamedTuple):
    """One line as the runtime wrote it."""

    at: str  # RFC 3339 with nine digits
    text: bytes  # without the line feed


class ContainerLog:
    """What one incarnation of a container has printed, as far as it is kept."""

    def __init__(self) -> None:
        self.written: list[Line] = []
        self.dropped = 0  # of the oldest of them: rotation took them away from whoever asks now
        self.is_ended = False
        self.cut = 0  # raised: whoever follows is cut off
        self.changed = threading.Condition()

    @property
    def lines(self) -> list[Line]:
        """What is served to whoever asks now."""
        return self.written[self.dropped :]

    def write(self, text: bytes, at: str) -> None:
        """One more line."""
        self.write_all([Line(at, text)])

    def write_all(self, lines: list[Line]) -> None:
        """More lines at once."""
        with self.changed:
            self.written += lines
            self.changed.notify_all()

    def rotate(self, keep: int) -> list[Line]:
        """All but the last lines are gone for whoever asks from now on; those that are gone.

        Who follows has the old file open, and reads it to its end.
        """
        with self.changed:
            count = max(0, len(self.written) - self.dropped - keep)
            self.dropped += count
            return self.written[self.dropped - count : self.dropped]

    def end(self) -> None:
        """The container has ended."""
        with self.changed:
            self.is_ended = True
            self.changed.notify_all()

    def cut_followers(self) -> None:
        """The connections of those who follow are cut, in the middle of a line if there is one to be sent."""
        with self.changed:
            self.cut += 1
            self.changed.notify_all()


class Kubelet:
    """One node's kubelet on a free port of 127.0.0.1."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self.logs: dict[tuple[str, str, str], list[ContainerLog]] = {}  # incarnations, the newest last
        self.failures_left = 0  # so many of the next requests are answered with 500
        self.cut_after: list[
            int
        ] = []  # after so many bytes one of the next answers is cut, cleanly as a client sees it
        self.requests: list[str] = []
        self._server = _Server(self, certificate, key)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def log(self, namespace: str, pod: str, container: str) -> ContainerLog:
        """The log of the newest incarnation; made at the first call."""
        return self.logs.setdefault((namespace, pod, container), [ContainerLog()])[-1]

    def restart(self, namespace: str, pod: str, container: str) -> ContainerLog:
        """The container ends and begins anew; the log before is `previous` then."""
        self.log(namespace, pod, container).end()
        self.logs[namespace, pod, container].append(ContainerLog())
        return self.log(namespace, pod, container)

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


class _Server(TlsServer):
    def __init__(self, kubelet: Kubelet, certificate: Path, key: Path) -> None:
        self.kubelet = kubelet
        super().__init__("127.0.0.1", _Handler, tls_context(certificate, key))


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        kubelet: Kubelet = self.server.kubelet  # type: ignore[attr-defined]
        kubelet.requests.append(self.path)
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        _, namespace, pod, container = url.path.strip("/").split("/")
        if kubelet.failures_left > 0:
            kubelet.failures_left -= 1
            return self._refuse(500, "the runtime does not answer")
        incarnations = kubelet.logs.get((namespace, pod, container), [])
        place = 2 if query.get("previous") == "true" else 1
        if len(incarnations) < place:
            return self._refuse(400, f'previous terminated container "{container}" in pod "{pod}" not found')
        self.send_response(200)
        self.send_header("content-type", "text/plain")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        try:
            limit = kubelet.cut_after.pop() if kubelet.cut_after else sys.maxsize
            self._stream(incarnations[-place], query, limit)
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True
        return None

    def _refuse(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("content-type", "text/plain")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def _stream(self, log: ContainerLog, query: dict[str, str], limit: int) -> None:
        """Send what is asked for, at most so many bytes before the connection is cut."""
        with log.changed:
            lines, cut = log.lines, log.cut
            sent_to = len(log.written)
        if "tailLines" in query:
            lines = lines[len(lines) - min(len(lines), int(query["tailLines"])) :]
        while True:
            data = _asked_for(lines, query)
            is_cut = log.cut != cut or limit <= len(data)
            data = data[: min(limit, max(0, len(data) - 7))] if is_cut else data
            limit -= len(data)
            if data:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            if is_cut:
                self.connection.shutdown(socket.SHUT_RDWR)
                raise OSError("cut")
            if query.get("follow") != "true":
                return
            with log.changed:
                while sent_to == len(log.written) and not log.is_ended and log.cut == cut:
                    log.changed.wait(WAIT_SECONDS)
                lines, sent_to = log.written[sent_to:], len(log.written)
                if not lines and log.is_ended:
                    return


def _asked_for(lines: list[Line], query: dict[str, str]) -> bytes:
    since, is_timed = query.get("sinceTime", "")[:19], query.get("timestamps") == "true"
    return b"".join(
        (line.at.encode() + b" " if is_timed else b"") + line.text + b"\n" for line in lines if line.at[:19] >= since
    )


def nano(seconds: float) -> str:
    """Seconds since 1970 as a runtime writes them."""
    whole = int(seconds)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{int((seconds - whole) * 1e9):09d}Z"
