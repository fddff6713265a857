"""How connections are made: to an address that was checked, and so that they can be cut off at any time."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import httpcore

from pipeline.delivery.sending.addresses import AddressGuard
from pipeline.delivery.sending.cutting import Cutter

_Connection = TypeVar("_Connection")
_LONGEST_SECONDS = 60.0  # where nobody says: an exchange is cut off before


class GuardedBackend(httpcore.NetworkBackend):
    """Looks names up itself, and connects to the very addresses that passed: no second look-up can give others."""

    def __init__(self, guard: AddressGuard, cutter: Cutter, proxy: tuple[str, int] | None = None) -> None:
        """Set up the backend.

        Args:
            guard: Which addresses may be connected to.
            cutter: Ends connections.
            proxy: Host and port that are connected to whatever they stand for: the operator's own choice.
        """
        self._guard, self._cutter, self._proxy = guard, cutter, proxy
        self._system = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers.

        Raises:
            AddressForbiddenError, NameUnknownError: There is none to connect to.
            CutOffError: The time is over, or all is stopped.
            httpcore.ConnectError, httpcore.ConnectTimeout: None answered.
        """
        seconds = _LONGEST_SECONDS if timeout is None else timeout

        def connect_one(address: str, share: float) -> httpcore.NetworkStream:
            return self._system.connect_tcp(address, port, share, None, socket_options or ())

        def connect() -> httpcore.NetworkStream:
            addresses = [host] if (host, port) == self._proxy else self._guard.addresses_of(host, port)
            return connect_any(addresses, seconds, connect_one, (httpcore.ConnectError, httpcore.ConnectTimeout))

        stream = self._cutter.wait_for(connect, too_late=lambda stream: stream.close())
        return _HeldStream.of(stream, self._cutter)


def connect_any(
    addresses: Sequence[str],
    seconds: float,
    connect: Callable[[str, float], _Connection],
    errors: tuple[type[Exception], ...],
) -> _Connection:
    """One address after the other, within the time that all may take: one that answers nothing leaves room for others.

    Args:
        addresses: At least one.
        seconds: For all of them.
        connect: To one address, within so many seconds.
        errors: What it raises when that fails. The last one's is raised.
    """
    share = seconds / len(addresses)
    for address in addresses[:-1]:
        with suppress(*errors):
            return connect(address, share)
    return connect(addresses[-1], share)


class _HeldStream(httpcore.NetworkStream):
    """A connection that the cutter knows by a descriptor of its own: TLS takes the first one over."""

    def __init__(self, stream: httpcore.NetworkStream, handle: socket.socket, cutter: Cutter) -> None:
        self._stream, self._handle, self._cutter = stream, handle, cutter

    @classmethod
    def of(cls, stream: httpcore.NetworkStream, cutter: Cutter) -> _HeldStream:
        """The stream, held.

        Raises:
            CutOffError: It came too late.
        """
        handle = stream.get_extra_info("socket").dup()
        try:
            cutter.hold(handle)
        except BaseException:
            stream.close()
            raise
        return cls(stream, handle, cutter)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()
        self._cutter.release(self._handle)

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            stream = self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            self.close()
            raise
        return _HeldStream(stream, self._handle, self._cutter)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - as in httpcore
        return self._stream.get_extra_info(info)
