"""A network between clients and a server that breaks at a chosen word."""

from __future__ import annotations

import contextlib
import enum
import select
import socket
import threading
from collections.abc import Iterator


class Cut(enum.Enum):
    """When the connection breaks."""

    BEFORE = "before"  # the word never reaches the server
    AFTER = "after"  # the server has done what was asked; its answer, which has the word too, never arrives


class CuttingProxy:
    """Passes bytes on to a port of this machine; `cut` says what breaks a connection on which the word is said."""

    def __init__(self, port: int, word: bytes) -> None:
        self.cut: Cut | None = None
        self._server_port = port
        self._word = word
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def serve(self) -> None:
        """Take connections until the listener is closed."""
        with contextlib.suppress(OSError), contextlib.ExitStack() as ends:
            while True:
                client, _ = self._listener.accept()
                thread = threading.Thread(target=self._pass_on, args=(client,))
                thread.start()
                ends.callback(thread.join)

    def stop(self) -> None:
        """Take no more connections; those that are open end with their clients."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _pass_on(self, client: socket.socket) -> None:
        server = socket.create_connection(("127.0.0.1", self._server_port))
        with contextlib.suppress(OSError), client, server:
            while True:
                for source in select.select([client, server], [], [])[0]:
                    taken = source.recv(65536)
                    breaks = self.cut is (Cut.BEFORE if source is client else Cut.AFTER) and self._word in taken
                    if breaks or not taken:
                        return
                    (server if source is client else client).sendall(taken)


@contextlib.contextmanager
def cutting_proxy(port: int, word: bytes) -> Iterator[CuttingProxy]:
    """A proxy that runs as long as this does; its clients have to be closed before."""
    proxy = CuttingProxy(port, word)
    thread = threading.Thread(target=proxy.serve)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.stop()
        thread.join()
