"""A web receiver that behaves as badly as it is told to, and remembers everything that came.

It stands on loopback, in threads of the test's own process: it survives a daemon that is killed.
"""

from __future__ import annotations

import enum
import itertools
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from types import TracebackType

import msgspec
from standardwebhooks import Webhook, WebhookVerificationError

TRICKLE_SECONDS = 0.02


class Manner(enum.Enum):
    """How a request is dealt with. All but CLOSE_AT_ONCE and RESET_AT_ONCE read it to its end before."""

    ANSWER = "answer"  # with the status
    TRICKLE_HEADERS = "trickle_headers"  # a byte now and then, without end
    TRICKLE_BODY = "trickle_body"  # the same behind a complete head
    FLOOD = "flood"  # a body without end
    SAY_NOTHING = "say_nothing"  # until the client goes
    DROP = "drop"  # close instead of answering
    RESET = "reset"  # the same with a reset
    CLOSE_AT_ONCE = "close_at_once"  # before anything is read
    RESET_AT_ONCE = "reset_at_once"
    NO_HTTP = "no_http"  # an answer that is none
    ANSWER_AND_CLOSE = "answer_and_close"  # without saying so: the next request meets a closed connection


class Answer(msgspec.Struct, frozen=True):
    """What to do with one request."""

    manner: Manner = Manner.ANSWER
    status: int = 200
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Received(msgspec.Struct, frozen=True):
    """One request that came, complete."""

    number: int  # over all connections, from 0
    connection: int  # from 0
    at: float  # time.monotonic()
    path: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    signed_by: tuple[int, ...]  # which of the receiver's secrets verify it
    client: Mapping[str, object] | None  # the client's certificate

    @property
    def id(self) -> str:
        """`webhook-id`."""
        return self.headers.get("webhook-id", "")

    @property
    def timestamp(self) -> str:
        """`webhook-timestamp`."""
        return self.headers.get("webhook-timestamp", "")

    @property
    def is_signed(self) -> bool:
        """Whether any secret of the receiver verifies it."""
        return bool(self.signed_by)


Script = Callable[[Received], Answer]


class HostileReceiver:
    """Listens from `with` to its end.

    Args:
        script: What to do with each request; an iterable gives one answer a request and 200 after its end.
        secrets: Signatures are verified with each of them.
        tls: None: plain HTTP.
        on_connect: The manner for a connection (its number), where it is one AT_ONCE; None: go on.
    """

    def __init__(
        self,
        script: Script | Iterable[Answer] = (),
        *,
        secrets: Iterable[str] = (),
        tls: ssl.SSLContext | None = None,
        on_connect: Callable[[int], Manner | None] = lambda _: None,
        port: int = 0,
    ) -> None:
        self._script: Script = script if callable(script) else _in_order(script)
        self._on_connect = on_connect
        self.secrets = list(secrets)
        self._tls = tls
        self._condition = threading.Condition()
        self._received: list[Received] = []
        self._connections_count = 0
        self._open: set[socket.socket] = set()
        self._is_closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/hook"

    @property
    def received(self) -> list[Received]:
        """All requests so far, in the order in which they were complete."""
        with self._condition:
            return list(self._received)

    @property
    def connections_count(self) -> int:
        """Connections that were accepted."""
        with self._condition:
            return self._connections_count

    def wait_for(self, is_enough: Callable[[list[Received]], bool], seconds: float = 240.0) -> list[Received]:
        """All requests, as soon as they are enough.

        Raises:
            TimeoutError: They never were.
        """
        with self._condition:
            if not self._condition.wait_for(lambda: is_enough(self._received), seconds):
                raise TimeoutError(f"only {len(self._received)} requests after {seconds} s")
            return list(self._received)

    def wait_until_left(self, seconds: float = 240.0) -> None:
        """Until every connection is closed, from this side too.

        Raises:
            TimeoutError: Some is not.
        """
        with self._condition:
            if not self._condition.wait_for(lambda: not self._open, seconds):
                raise TimeoutError(f"{len(self._open)} connections are open after {seconds} s")

    def __enter__(self) -> HostileReceiver:
        threading.Thread(target=self._accept, name="hostile receiver", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_connections()

    def drop_connections(self) -> None:
        """Close every connection, also idle ones."""
        with self._condition:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._is_closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._condition:
                number = self._connections_count
                self._connections_count += 1
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            with suppress(OSError, ssl.SSLError, _GoneError, ValueError):
                self._converse(connection, number)
        finally:
            connection.close()
            with self._condition:
                self._open.discard(connection)
                self._condition.notify_all()

    def _converse(self, raw: socket.socket, number: int) -> None:
        manner = self._on_connect(number)
        if manner is not None:
            _leave(raw, is_reset=manner is Manner.RESET_AT_ONCE)
            return
        connection = raw
        if self._tls is not None:
            connection = self._tls.wrap_socket(raw, server_side=True)
            with self._condition:
                self._open.add(connection)
        try:
            with connection.makefile("rb") as reader:
                while self._answer_one(connection, reader.readline, reader.read, number):
                    pass
        finally:
            connection.close()
            with self._condition:
                self._open.discard(connection)

    def _answer_one(
        self,
        connection: socket.socket,
        read_line: Callable[[], bytes],
        read: Callable[[int], bytes],
        connection_number: int,
    ) -> bool:
        """Whether the connection goes on."""
        path, headers, body = _read_request(read_line, read)
        client = connection.getpeercert() if isinstance(connection, ssl.SSLSocket) else None
        with self._condition:
            received = Received(
                len(self._received), connection_number, time.monotonic(), path, headers, body,
                self._verify(headers, body), client or None,
            )  # fmt: skip
            answer = self._script(received)
            self._received.append(received)
            self._condition.notify_all()
        return self._behave(connection, answer)

    def _verify(self, headers: Mapping[str, str], body: bytes) -> tuple[int, ...]:
        return tuple(number for number, secret in enumerate(self.secrets) if _is_verified(secret, headers, body))

    def _behave(self, connection: socket.socket, answer: Answer) -> bool:
        head = _head(answer)
        match answer.manner:
            case Manner.ANSWER:
                connection.sendall(head + answer.body)
                return True
            case Manner.ANSWER_AND_CLOSE:
                connection.sendall(head + answer.body)
            case Manner.TRICKLE_HEADERS:
                self._trickle(connection, itertools.chain(head[:-2], b"X-More: ", itertools.repeat(ord("a"))))
            case Manner.TRICKLE_BODY:
                connection.sendall(_head(answer, length=1_000_000))
                self._trickle(connection, itertools.repeat(ord("a")))
            case Manner.FLOOD:
                connection.sendall(_head(answer, length=1 << 40))
                while not self._is_closing.is_set():
                    connection.sendall(b"a" * 65_536)
            case Manner.SAY_NOTHING:
                connection.recv(1)
            case Manner.NO_HTTP:
                connection.sendall(b"220 mail.example.com ESMTP\r\n\r\n")
            case Manner.RESET:
                _leave(connection, is_reset=True)
        return False

    def _trickle(self, connection: socket.socket, letters: Iterable[int]) -> None:
        for letter in letters:
            if self._is_closing.wait(TRICKLE_SECONDS):
                return
            connection.sendall(bytes([letter]))


class _GoneError(Exception):
    """The client closed the connection."""


def _in_order(answers: Iterable[Answer]) -> Script:
    left = iter(answers)
    return lambda _: next(left, Answer())


def _read_request(read_line: Callable[[], bytes], read: Callable[[int], bytes]) -> tuple[str, dict[str, str], bytes]:
    first = read_line()
    if not first:
        raise _GoneError
    headers: dict[str, str] = {}
    while line := read_line().strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    length = int(headers.get("content-length", "0"))
    body = read(length)
    if len(body) < length:
        raise _GoneError
    return first.split()[1].decode("latin-1"), headers, body


def _head(answer: Answer, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} Whatever", f"Content-Length: {len(answer.body) if length is None else length}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _is_verified(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except WebhookVerificationError:
        return False
    return True


def _leave(connection: socket.socket, *, is_reset: bool) -> None:
    if is_reset:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
