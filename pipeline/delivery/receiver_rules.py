"""What the settings of one receiver have to do with each other."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.headerregistry import Address
from typing import TYPE_CHECKING

from pipeline.delivery.formats.settings import FormatName
from pipeline.delivery.target import parse_target
from pipeline.quantities import quote

if TYPE_CHECKING:
    from pipeline.delivery.receiver_settings import ReceiverSettings

WEB_SCHEMES = ("http", "https")
PROXY_SCHEMES = ("http", "https", "socks5")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_OWN_HEADERS = frozenset(
    {
        "host", "content-type", "content-length", "transfer-encoding", "connection", "user-agent", "webhook-id",
        "webhook-timestamp", "webhook-signature",
    }
)  # fmt: skip
_OF_WEB = (
    "signing_secrets_file", "bearer_token_file", "headers", "proxy", "proxy_file", "certificate_file",
)  # fmt: skip
_OF_MAIL = ("mail_host", "mail_port", "mail_user", "mail_password_file", "mail_to")
_POSITIVE = ("connect_seconds", "read_seconds", "total_seconds", "give_up_seconds")


def complain(settings: ReceiverSettings) -> None:
    """Raise what is wrong first.

    Raises:
        ValueError: Something does not fit. It holds no address.
    """
    problem = next(_problems(settings), None)
    if problem is not None:
        raise ValueError(problem)


def _problems(settings: ReceiverSettings) -> Iterator[str]:
    if not _NAME.fullmatch(settings.name):
        yield f"name: expected letters, digits, '_', '.', '-', at most 63; found {quote(settings.name)}"
    if settings.format is FormatName.EMAIL:
        yield from _problems_of_mail(settings)
    else:
        yield from _problems_of_address(settings)
        yield from (f"{name} is of no use: the format is not email" for name in _OF_MAIL if getattr(settings, name))
    if settings.format in (FormatName.EMAIL, FormatName.APPRISE):
        form = settings.format.value
        yield from (f"{name} is of no use with the format {form}" for name in _OF_WEB if getattr(settings, name))
    yield from _problems_of_pagerduty(settings)
    yield from _problems_of_connection(settings)
    yield from _problems_of_headers(settings)
    yield from _problems_of_times(settings)


def _problems_of_address(settings: ReceiverSettings) -> Iterator[str]:
    if settings.url is not None and settings.url_file is not None:
        yield "url and url_file: expected one of them"
    if settings.url is None and settings.url_file is None and settings.format is not FormatName.PAGERDUTY:
        yield "url is missing; an address that is a secret belongs into a file that url_file names"
    if settings.url is not None and settings.format is not FormatName.APPRISE:
        yield from _problems_of_url("url", settings.url.reveal(), WEB_SCHEMES)


def _problems_of_mail(settings: ReceiverSettings) -> Iterator[str]:
    for name in ("url", "url_file"):
        if getattr(settings, name) is not None:
            yield f"{name} is of no use with the format email: mail_host names the mail server"
    for name in ("mail_host", "mail_to"):
        if not getattr(settings, name):
            yield f"{name} is missing: the format is email"
    for address in (settings.mail_from, *settings.mail_to):
        if not _is_mail_address(address):
            yield f"{quote(address)} is no address of e-mail; write it like oncall@example.com"
    if (settings.mail_user is None) != (settings.mail_password_file is None):
        yield "mail_user and mail_password_file: one is of no use without the other"
    if settings.mail_user is not None and settings.mail_security.value == "none":
        yield "mail_security: none would send the password in clear; use starttls or tls"


def _is_mail_address(text: str) -> bool:
    try:
        address = Address(addr_spec=text)
    except (HeaderParseError, ValueError, IndexError):
        return False
    return bool(address.username and address.domain) and text.isascii() and text.isprintable()


def _problems_of_pagerduty(settings: ReceiverSettings) -> Iterator[str]:
    is_pagerduty = settings.format is FormatName.PAGERDUTY
    if is_pagerduty and settings.routing_key_file is None:
        yield "routing_key_file is missing: the format is pagerduty"
    if not is_pagerduty and settings.routing_key_file is not None:
        yield "routing_key_file is of no use: the format is not pagerduty"


def _problems_of_connection(settings: ReceiverSettings) -> Iterator[str]:
    if (settings.certificate_file is None) != (settings.key_file is None):
        yield "certificate_file and key_file: one is of no use without the other"
    if settings.proxy is not None and settings.proxy_file is not None:
        yield "proxy and proxy_file: expected one of them"
    if settings.proxy is not None:
        yield from _problems_of_url("proxy", settings.proxy.reveal(), PROXY_SCHEMES)
    for network in settings.allow_networks:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            yield f"allow_networks: {quote(network)} is no network ({error}); write it like 10.1.0.0/16"


def _problems_of_url(name: str, text: str, schemes: tuple[str, ...]) -> Iterator[str]:
    try:
        parse_target(text, schemes)
    except ValueError as error:
        yield f"{name}: {error}"


def _problems_of_headers(settings: ReceiverSettings) -> Iterator[str]:
    for header in settings.headers:
        if not _HEADER_NAME.fullmatch(header.name) or header.name.lower() in _OWN_HEADERS:
            yield f"headers: {quote(header.name)} is no name of a header that may be set"
        if (header.value is None) == (header.value_file is None):
            yield f"headers: {header.name}: expected either value or value_file"
        if header.value is not None and not (header.value.isascii() and header.value.isprintable()):
            yield f"headers: {header.name}: expected a value of printable ASCII characters"
        if header.name.lower() == "authorization" and settings.bearer_token_file is not None:
            yield "headers: Authorization is what bearer_token_file is for: expected one of them"


def _problems_of_times(settings: ReceiverSettings) -> Iterator[str]:
    for name in _POSITIVE:
        if getattr(settings, name) <= 0:
            yield f"{name}: expected more than 0"
    if settings.format is FormatName.ALERTMANAGER_API:
        reminder = settings.reminds_after_seconds
        if reminder is None or reminder >= settings.firing_seconds / 2:
            yield "reminder_seconds: expected less than half of firing_seconds: alerts that are not told again end"
        if settings.firing_seconds < 1:
            yield "firing_seconds: expected at least 1"
