"""The settings of a receiver: what fits together, and what is shown of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from msgspec import inspect

from pipeline.config_reader import Place, compose_yaml, read_section
from pipeline.delivery.formats.settings import FormatName, FormatSettings
from pipeline.delivery.receiver_settings import ReceiverSettings
from pipeline.delivery.sending.senders import check_receiver
from pipeline.delivery.target import parse_target
from pipeline.errors import ConfigurationError
from pipeline.report.configuration import shown
from pipeline.secret import SecretAddress
from tests.pipeline.delivery.sending.sent import FIRST_SECRET, write

_URL = {"url": "https://example.com/hook"}
_MAIL = {"format": "email", "mail_host": "mail.example.com", "mail_to": ["a@example.com"]}
_API = {"format": "alertmanager_api"} | _URL


def _read(values: dict[str, Any], folder: Path | None = None) -> ReceiverSettings:
    """The receiver, as it is read out of a file."""
    kind = inspect.type_info(ReceiverSettings)
    assert isinstance(kind, inspect.StructType)
    place = Place("whystuck.yaml", "receivers[0]", folder or Path("conf"))
    node = compose_yaml(yaml.safe_dump({"name": "oncall"} | values), place)
    assert node is not None
    return msgspec.convert(read_section(kind, node, place), ReceiverSettings)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no address": ({}, "url is missing"),
    "two addresses": ({"url_file": "f"} | _URL, "url and url_file"),
    "no address in it": ({"url": "example.com/s3cr3t"}, "url: expected an address that begins with http://"),
    "another scheme": ({"url": "ftp://example.com/s3cr3t"}, "url: expected an address that begins with http://"),
    "a port that is none": ({"url": "http://example.com:99999/s3cr3t"}, "url: not an address"),
    "no host": ({"url": "http:///s3cr3t"}, "url: the address names no host"),
    "blanks": ({"url": "http://example.com/s3cr3t x"}, "url: an address has ASCII"),
    "a name": ({"name": "on call"} | _URL, "name: expected letters"),
    "mail without a host": ({"format": "email", "mail_to": ["a@example.com"]}, "mail_host is missing"),
    "mail without recipients": ({"format": "email", "mail_host": "h"}, "mail_to is missing"),
    "mail to nobody": (_MAIL | {"mail_to": ["nobody"]}, '"nobody" is no address of e-mail'),
    "mail with a line break": (_MAIL | {"mail_to": ["a@b.c\nBcc: d@e.f"]}, "is no address of e-mail"),
    "mail with an address": (_MAIL | _URL, "url is of no use with the format email"),
    "mail that is signed": (_MAIL | {"signing_secrets_file": "f"}, "signing_secrets_file is of no use"),
    "half a login": (_MAIL | {"mail_user": "us"}, "mail_user and mail_password_file"),
    "a password in clear": (
        _MAIL | {"mail_user": "us", "mail_password_file": "f", "mail_security": "none"},
        "mail_security: none would send the password in clear",
    ),
    "mail settings of no mail": (_URL | {"mail_host": "h"}, "mail_host is of no use"),
    "no routing key": ({"format": "pagerduty"}, "routing_key_file is missing"),
    "a routing key of nobody": (_URL | {"routing_key_file": "f"}, "routing_key_file is of no use"),
    "half a certificate": (_URL | {"key_file": "f"}, "certificate_file and key_file"),
    "two proxies": (_URL | {"proxy": "http://p", "proxy_file": "f"}, "proxy and proxy_file"),
    "a proxy of another kind": (_URL | {"proxy": "socks4://s3cr3t@p"}, "proxy: expected an address"),
    "a network that is none": (_URL | {"allow_networks": ["10.0.0.1/8"]}, '"10.0.0.1/8" is no network'),
    "a header of our own": (_URL | {"headers": [{"name": "Webhook-Id", "value": "x"}]}, '"Webhook-Id" is no name'),
    "a header with a line break": (
        _URL | {"headers": [{"name": "a", "value": "x\ny"}]},
        "headers: a: expected a value",
    ),
    "a header without a value": (_URL | {"headers": [{"name": "a"}]}, "headers: a: expected either value"),
    "no time": (_URL | {"total_seconds": 0}, "total_seconds: expected more than 0"),
    "reminders that come too late": (_API | {"reminder_seconds": "150s"}, "reminder_seconds: expected less than half"),
    "no reminders of alerts": (_API | {"reminder_seconds": 0}, "reminder_seconds: expected less than half"),
}


@pytest.mark.parametrize(("values", "complaint"), WRONG.values(), ids=WRONG)
def test_what_does_not_fit_is_said(values: dict[str, Any], complaint: str) -> None:
    """By the name of the setting, without the address."""
    with pytest.raises(msgspec.ValidationError) as caught:
        _read(values)
    assert str(caught.value).startswith(complaint) or complaint in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


def test_defaults() -> None:
    """That depend on the form."""
    native, api = _read(_URL), _read(_API | {"firing_seconds": "10m"})
    pagerduty = _read({"format": "pagerduty", "routing_key_file": "key"})

    assert (4 * 3600.0, False) == (native.reminds_after_seconds, native.tells_acknowledged)
    assert 200.0 == api.reminds_after_seconds
    assert (True, "https://events.pagerduty.com/v2/enqueue") == (pagerduty.tells_acknowledged, pagerduty.address)
    assert _read(_URL | {"reminder_seconds": 0}).reminds_after_seconds is None
    assert "smtp://mail.example.com:587" == _read(_MAIL).address
    assert FormatSettings(format=FormatName.ALERTMANAGER_API, firing_seconds=600) == api.format_settings()


def test_files_are_relative_to_the_configuration() -> None:
    """As those of other settings."""
    assert "conf/key" == _read(_URL | {"signing_secrets_file": "key"}).signing_secrets_file


def test_addresses_are_shown_without_what_may_be_secret() -> None:
    """Neither path nor user; also where the whole list of receivers is shown."""
    settings = _read({"url": "https://us:pw@hooks.example.com:8443/T0/s3cr3t?k=v", "proxy": "http://u:p@proxy:3128"})
    assert "https://hooks.example.com:8443/[hidden]" == settings.address
    facts = msgspec.json.encode(shown("receivers", (settings,))).decode()
    assert '"url":"https://hooks.example.com:8443/[hidden]"' in facts
    assert '"proxy":"http://proxy:3128/[hidden]"' in facts
    for text in (facts, repr(settings), str(settings)):
        assert all(secret not in text for secret in ("s3cr3t", "pw", "u:p"))


HIDDEN_ADDRESSES = {
    "https://example.com/a": "https://example.com/[hidden]",
    "https://example.com": "https://example.com/[hidden]",
    "http://u:p@example.com:80?x": "http://example.com:80/[hidden]",
    "http://u:p@ss@example.com/": "[hidden]",
    "http://u:p/ss@example.com/": "[hidden]",
    "tgram://token/chat": "[hidden]",
    "hunter2": "[hidden]",
}


@pytest.mark.parametrize(("address", "expected"), HIDDEN_ADDRESSES.items(), ids=HIDDEN_ADDRESSES)
def test_what_is_shown_of_an_address(address: str, expected: str) -> None:
    """Where it is not plain where the host is: nothing."""
    assert expected == str(SecretAddress(address))


def test_files_are_checked_before_a_daemon_starts_on_them(tmp_path: Path) -> None:
    """As an attempt would read them; the complaint names receiver, setting and file."""
    signing = write(tmp_path, "signing", FIRST_SECRET)
    key = write(tmp_path, "key.pem", "no key")
    check_receiver(_read(_URL | {"signing_secrets_file": "signing"}, tmp_path))
    write(tmp_path, "signing", "hunter2")
    with pytest.raises(ConfigurationError, match=f"^receiver oncall: signing_secrets_file: {signing} line 1"):
        check_receiver(_read(_URL | {"signing_secrets_file": "signing"}, tmp_path))
    with pytest.raises(
        ConfigurationError, match=rf"^receiver oncall: certificate_file: .*key_file {key} cannot be used"
    ):
        check_receiver(_read(_URL | {"certificate_file": "key.pem", "key_file": "key.pem"}, tmp_path))
    with pytest.raises(ConfigurationError, match=r"^receiver oncall: url: expected an address"):
        check_receiver(_read({"url_file": "signing"}, tmp_path))


TARGETS = {
    "https://example.com": ("https", "example.com", 443, "/", "example.com"),
    "http://[2001:DB8::1]:8080/a?b=c#d": ("http", "2001:db8::1", 8080, "/a?b=c", "[2001:db8::1]:8080"),
    "http://EXAMPLE.com:80/%20": ("http", "example.com", 80, "/%20", "example.com"),
}


@pytest.mark.parametrize(("text", "expected"), TARGETS.items(), ids=TARGETS)
def test_an_address_is_taken_apart(text: str, expected: tuple[str, str, int, str, str]) -> None:
    """Into what is connected to, asked for, and named."""
    target = parse_target(text, ("http", "https"))
    assert expected == (target.scheme, target.host, target.port, target.path, target.authority)
