"""An HTTP server with TLS in threads, as tests stand it beside an API server that comes and goes."""

from __future__ import annotations

import http.server
import socket
import ssl
from pathlib import Path
from typing import Any


class TlsServer(http.server.ThreadingHTTPServer):
    """The handshake is made in the connection's thread: a client that says nothing holds up nobody."""

    daemon_threads = True

    def __init__(
        self, address: str, handler: type[http.server.BaseHTTPRequestHandler], context: ssl.SSLContext
    ) -> None:
        """Listen on a free port of an address; `context` may be another one later."""
        self.context = context
        super().__init__((address, 0), handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        """The next connection."""
        connection, address = self.socket.accept()
        try:
            # Of a client that was killed while it waited here. Python (3.11) would leave its TLS socket open.
            connection.getpeername()
        except OSError:
            connection.close()
            raise
        return self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away, or does not like the certificate, is no news."""


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Of a server with these files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
