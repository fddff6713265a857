"""A receiver: where it is, how it is told, and what it is trusted with.

Secrets come from files only, which are read at each attempt: what was changed there is in force with the next one.
"""

from __future__ import annotations

import enum
import ipaddress

import msgspec

from pipeline.delivery.formats.settings import FormatName, FormatSettings
from pipeline.delivery.receiver_rules import complain
from pipeline.secret import SecretAddress


class MailSecurity(enum.Enum):
    """How the connection to the mail server is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


_MAIL_PORTS = {MailSecurity.STARTTLS: 587, MailSecurity.TLS: 465, MailSecurity.NONE: 25}
PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue"
"""Of accounts in the default region."""

DAY_SECONDS = 86_400.0


class HeaderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A header that the receiver wants."""

    name: str
    """As `X-Scope-OrgID`. Not one of those that whystuck sets itself."""
    value: str | None = None
    """Shown as it is: a secret belongs into `value_file`."""
    value_file: str | None = None
    """Holds the value."""


class ReceiverSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One receiver of notifications."""

    name: str
    """What routes, metrics and logs call it. A receiver with a new name is a new one: it gets nothing of the old."""
    format: FormatName = FormatName.NATIVE
    """The form that it knows."""
    url: SecretAddress | None = None
    """http:// or https://, or what Apprise calls a URL. Shown as scheme and host. One that is a secret itself, as
    Slack's, belongs into `url_file`. `pagerduty` needs none."""
    url_file: str | None = None
    """Holds the address."""
    signing_secrets_file: str | None = None
    """Holds one secret (`whsec_…`) a line, two at most: every message bears a signature of each. None: none."""
    bearer_token_file: str | None = None
    """Holds a token for the header `Authorization`."""
    routing_key_file: str | None = None
    """`pagerduty`: holds the integration's key."""
    headers: tuple[HeaderSettings, ...] = ()
    """Sent with every message."""
    proxy: SecretAddress | None = None
    """http://, https:// or socks5://. None: no proxy; the environment's variables are not looked at."""
    proxy_file: str | None = None
    """Holds the proxy's address, with user and password."""
    ca_file: str | None = None
    """PEM: the only authorities that the receiver's certificate may be of. None: those of the system."""
    certificate_file: str | None = None
    """PEM, with the chain: what whystuck shows of itself. None: nothing."""
    key_file: str | None = None
    """PEM, without a password."""
    allow_networks: tuple[str, ...] = ()
    """Private networks (`10.1.0.0/16`) that the receiver may be in. Others are refused, whatever its name leads to."""
    connect_seconds: float = 5.0
    """How long connecting may take, TLS set apart: somebody who is there answers within one second."""
    read_seconds: float = 10.0
    """How long the receiver may say nothing."""
    total_seconds: float = 30.0
    """How long one attempt may take as a whole, also where the receiver sends a byte now and then."""
    give_up_seconds: float = 3 * DAY_SECONDS
    """A message that could not be delivered for this long is a dead letter: an outage over a weekend is no loss."""
    send_resolved: bool = True
    """Whether it is told that incidents are over."""
    send_acknowledged: bool | None = None
    """Whether it is told that somebody has acknowledged. None: `pagerduty` is, others are not."""
    reminder_seconds: float | None = None
    """An incident that is still open is told again after this; 0: never. None: 4 hours, and for `alertmanager_api` a
    third of `firing_seconds`, as alerts end by themselves."""
    firing_seconds: float = 300.0
    """`alertmanager_api`: an alert ends by itself so long after it was told last."""
    max_body_bytes: int = 1_048_576
    """No message is larger: the largest fields are left out before."""
    mail_host: str | None = None
    """`email`: the mail server."""
    mail_port: int | None = None
    """None: 587 with `starttls`, 465 with `tls`, 25 with `none`."""
    mail_security: MailSecurity = MailSecurity.STARTTLS
    """`none` is for a mail server on the same machine."""
    mail_user: str | None = None
    """None: the mail server wants no login."""
    mail_password_file: str | None = None
    """Holds the password of `mail_user`."""
    mail_from: str = "whystuck@localhost"
    """The sender's address."""
    mail_to: tuple[str, ...] = ()
    """`email`: the recipients' addresses."""

    def __post_init__(self) -> None:
        """Check what belongs together.

        Raises:
            ValueError: Something does not.
        """
        complain(self)

    @property
    def address(self) -> str:
        """What may be shown of where it is."""
        if self.format is FormatName.EMAIL:
            return f"smtp://{self.mail_host}:{self.mail_server_port}"
        if self.url is not None:
            return str(self.url)
        return PAGERDUTY_URL if self.url_file is None else f"address in {self.url_file}"

    @property
    def mail_server_port(self) -> int:
        """The port in force."""
        return self.mail_port or _MAIL_PORTS[self.mail_security]

    @property
    def reminds_after_seconds(self) -> float | None:
        """The interval of reminders in force; None: there are none."""
        if self.reminder_seconds is not None:
            return self.reminder_seconds or None
        return self.firing_seconds / 3 if self.format is FormatName.ALERTMANAGER_API else 4 * 3600.0

    @property
    def tells_acknowledged(self) -> bool:
        """Whether it is told of acknowledgements."""
        return self.format is FormatName.PAGERDUTY if self.send_acknowledged is None else self.send_acknowledged

    @property
    def networks(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """The private networks that it may be in."""
        return tuple(map(ipaddress.ip_network, self.allow_networks))

    def format_settings(self) -> FormatSettings:
        """What its form needs to know."""
        return FormatSettings(
            format=self.format,
            max_body_bytes=self.max_body_bytes,
            firing_seconds=int(self.firing_seconds),
            mail_from=self.mail_from,
            mail_to=self.mail_to,
        )
