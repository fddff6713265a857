"""A proxy for HTTP, and one for SOCKS 5: as much of them as a client meets. Loopback, in threads."""

from __future__ import annotations

import base64
import select
import socket
import ssl
import threading
from contextlib import suppress
from types import TracebackType


class _Proxy:
    """Accepts connections, and carries bytes both ways once it knows where to."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.targets: list[str] = []
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> _Proxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError):
            if self._tls is not None:
                client = self._tls.wrap_socket(client, server_side=True)
            with client:
                upstream = self._open(client)
                if upstream is not None:
                    with upstream:
                        _carry(client, upstream)

    def _open(self, client: socket.socket) -> socket.socket | None:
        raise NotImplementedError


class HttpProxy(_Proxy):
    """CONNECT, and whole addresses in the first line; wants a login where it is given one."""

    def __init__(self, login: str | None = None, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self._login = login

    def _open(self, client: socket.socket) -> socket.socket | None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(1)
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        self.targets.append(target)
        wanted = None if self._login is None else base64.b64encode(self._login.encode()).decode()
        if wanted is not None and f"Proxy-Authorization: Basic {wanted}".lower() not in (
            each.lower() for each in lines
        ):
            client.sendall(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")
            return None
        host, _, port = target.removeprefix("http://").partition("/")[0].partition(":")
        upstream = socket.create_connection((host, int(port)))
        if method == "CONNECT":
            client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        else:
            upstream.sendall(head.replace(f"http://{host}:{port}".encode(), b"", 1))
        return upstream


class SocksProxy(_Proxy):
    """SOCKS 5 without a login. Source: RFC 1928."""

    def _open(self, client: socket.socket) -> socket.socket | None:
        _, count = _exactly(client, 2)
        _exactly(client, count)
        client.sendall(b"\x05\x00")
        kind = _exactly(client, 4)[3]
        length = 4 if kind == 1 else _exactly(client, 1)[0]
        named = _exactly(client, length)
        host = socket.inet_ntoa(named) if kind == 1 else named.decode()
        port = int.from_bytes(_exactly(client, 2), "big")
        self.targets.append(f"{host}:{port}")
        upstream = socket.create_connection((host, port))
        client.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        return upstream


def _exactly(connection: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        found += connection.recv(count - len(found)) or _gone()
    return found


def _gone() -> bytes:
    raise ConnectionError


def _carry(client: socket.socket, upstream: socket.socket) -> None:
    """Both ways, on one thread: a connection within TLS is not for two."""
    others = {client: upstream, upstream: client}
    while True:
        held_back = isinstance(client, ssl.SSLSocket) and client.pending()
        ready = [client] if held_back else select.select(list(others), [], [])[0]
        for source in ready:
            piece = source.recv(65_536)
            if not piece:
                return
            others[source].sendall(piece)
