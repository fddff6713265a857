"""Where the daemon listens, and who may ask what."""

from __future__ import annotations

import ipaddress

import msgspec

from pipeline.quantities import quote
from pipeline.secret import Secret


class HttpSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Health, readiness and metrics of the daemon."""

    enabled: bool = True
    """Off: nothing listens."""
    listen: str = "127.0.0.1:9464"
    """Address and port; port 0 takes a free one. Only this machine, until somebody decides otherwise. 9464 is what
    exporters of OpenTelemetry listen on."""
    certificate_file: str | None = None
    """PEM, with the chain. None: no TLS."""
    key_file: str | None = None
    """PEM, without a password."""
    token: Secret | None = None
    """Who asks for more than the health has to bear it. From the environment only."""
    token_file: str | None = None
    """Holds the token."""
    api_read_token: Secret | None = None
    """Who asks the API has to bear it. Without any token of the API, there is no API. From the environment only."""
    api_read_token_file: str | None = None
    """Holds this token."""
    api_write_token: Secret | None = None
    """Who acknowledges through the API has to bear it; it reads, too. From the environment only."""
    api_write_token_file: str | None = None
    """Holds this token."""
    stall_seconds: float = 300.0
    """The pipeline that has not gone on for this long is stuck: /livez fails. Longer than any call has as its limit."""
    shutdown_seconds: float = 5.0
    """How long answers that were begun may take at the end."""

    def __post_init__(self) -> None:
        """Check what belongs together.

        Raises:
            ValueError: The address is none, or one of the two files of TLS is missing.
        """
        self.address()
        if (self.certificate_file is None) != (self.key_file is None):
            missing, other = ("certificate_file", "key_file")
            if self.key_file is None:
                missing, other = other, missing
            raise ValueError(f"{missing} is missing: {other} is of no use without it")

    def address(self) -> tuple[str, int]:
        """Host and port to listen on.

        Raises:
            ValueError: The text is no address.
        """
        host, colon, port = self.listen.rpartition(":")
        if not colon or not host or not (port.isascii() and port.isdigit() and int(port) < 65_536):
            raise ValueError(f"listen: expected host:port, found {quote(self.listen)}; write it like 127.0.0.1:9464")
        if host.startswith("[") and host.endswith("]"):
            return host[1:-1], int(port)
        if ":" in host:
            raise ValueError(
                f"listen: an IPv6 address stands in brackets, as in [::1]:9464; found {quote(self.listen)}"
            )
        return host, int(port)

    def is_loopback(self) -> bool:
        """Whether only this machine can ask."""
        host, _ = self.address()
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"
