"""TLS, proxies, and addresses that are not connected to, with real servers on loopback."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.delivery.sending.outcome import OutcomeReason, Verdict
from pipeline.delivery.sending.webhook import WebhookSender
from pipeline.secret import SecretAddress
from tests.pipeline.delivery.sending.proxies import HttpProxy, SocksProxy
from tests.pipeline.delivery.sending.sent import message, receiver, send_once, write
from tests.servers.certificates import Authority
from tests.servers.hostile_receiver import HostileReceiver


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who issued the receiver's certificate."""
    return Authority("authority", tmp_path_factory.mktemp("authority"))


@pytest.fixture
def server(authority: Authority) -> Iterator[HostileReceiver]:
    """A receiver with TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.issue("receiver.example"))
    with HostileReceiver(tls=context) as server:
        yield server


def test_the_receivers_certificate_is_verified_by_the_authority_of_the_settings(
    server: HostileReceiver, authority: Authority
) -> None:
    """And it arrives."""
    outcome = send_once(receiver(server.url, ca_file=str(authority.file)))

    assert (Verdict.DELIVERED, 1) == (outcome.verdict, len(server.received))


def test_an_unknown_authority_is_refused(server: HostileReceiver, tmp_path: Path) -> None:
    """The system's do not know it, nor does another; it may be put right without losing anything."""
    other = Authority("other", tmp_path)
    outcomes = [send_once(receiver(server.url, **ca)) for ca in ({}, {"ca_file": str(other.file)})]

    assert {(Verdict.RETRY, OutcomeReason.TLS_FAILED)} == {(each.verdict, each.reason) for each in outcomes}
    assert "self-signed certificate in certificate chain" in outcomes[0].detail or "local issuer" in outcomes[0].detail
    assert [] == server.received


def test_a_certificate_of_another_name_is_refused(server: HostileReceiver, authority: Authority) -> None:
    """Although the authority is right: the name is that of the address."""
    settings = receiver(server.url.replace("127.0.0.1", "elsewhere.example"), ca_file=str(authority.file))
    outcome = send_once(settings, lookup=lambda host, port: ["127.0.0.1"])

    assert OutcomeReason.TLS_FAILED is outcome.reason
    assert "Hostname mismatch" in outcome.detail
    assert [] == server.received


def test_a_client_certificate_is_shown(authority: Authority, tmp_path: Path) -> None:
    """Without one the receiver ends the connection; one that is put there later is used without a restart."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.file))
    context.load_cert_chain(*authority.issue("receiver.example"))
    context.verify_mode = ssl.CERT_REQUIRED
    certificate, key = authority.issue("whystuck.example")
    with HostileReceiver(tls=context) as server:
        without = send_once(receiver(server.url, ca_file=str(authority.file)))
        shown = {"certificate_file": str(tmp_path / "client.crt"), "key_file": str(tmp_path / "client.key")}
        sender = WebhookSender(receiver(server.url, ca_file=str(authority.file), **shown), "1")
        missing = sender.send(message(), datetime.now(UTC))
        write(tmp_path, "client.crt", certificate.read_text())
        write(tmp_path, "client.key", key.read_text())
        there = sender.send(message(), datetime.now(UTC))
        sender.close()

    assert Verdict.RETRY is without.verdict
    assert without.reason in (OutcomeReason.TLS_FAILED, OutcomeReason.CONNECTION_LOST)
    assert (OutcomeReason.SETTINGS_UNUSABLE, Verdict.DELIVERED) == (missing.reason, there.verdict)
    assert ((("commonName", "whystuck.example"),),) == (server.received[0].client or {})["subject"]


def test_plain_http_to_a_server_of_tls(server: HostileReceiver) -> None:
    """Fails, and may be tried again."""
    outcome = send_once(receiver(server.url.replace("https", "http")))

    assert Verdict.RETRY is outcome.verdict


def test_a_proxy_carries_plain_and_protected_messages(server: HostileReceiver, authority: Authority) -> None:
    """By CONNECT where it is TLS; its own address needs no permission."""
    with HttpProxy("us:er") as proxy, HostileReceiver() as plain:
        settings = {"proxy": SecretAddress(f"http://us:er@127.0.0.1:{proxy.port}"), "allow_networks": ()}
        outcomes = [
            send_once(receiver(server.url, ca_file=str(authority.file), **settings)),
            send_once(receiver(plain.url, **settings)),
        ]

    assert [Verdict.DELIVERED] * 2 == [each.verdict for each in outcomes]
    assert [f"127.0.0.1:{server.port}", plain.url] == proxy.targets


def test_a_proxy_that_is_spoken_to_within_tls(server: HostileReceiver, authority: Authority) -> None:
    """TLS within TLS: both certificates are verified."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.issue("proxy.example"))
    with HttpProxy(tls=context) as proxy:
        through = SecretAddress(f"https://127.0.0.1:{proxy.port}")
        outcome = send_once(receiver(server.url, proxy=through, ca_file=str(authority.file)))
        unknown = send_once(receiver(server.url, proxy=through))

    assert (Verdict.DELIVERED, 1) == (outcome.verdict, len(server.received))
    assert (Verdict.RETRY, OutcomeReason.TLS_FAILED) == (unknown.verdict, unknown.reason)


PROXY_TROUBLE: dict[str, Any] = {
    "refuses a tunnel": ("https://127.0.0.1:9/", OutcomeReason.PROXY_FAILED),
    "refuses a message": ("http://127.0.0.1:9/", OutcomeReason.PROXY_FAILED),
}


@pytest.mark.parametrize(("url", "reason"), PROXY_TROUBLE.values(), ids=PROXY_TROUBLE)
def test_a_proxy_that_wants_a_login(url: str, reason: OutcomeReason) -> None:
    """The receiver has not seen the message: it is tried again."""
    with HttpProxy("us:er") as proxy:
        outcome = send_once(receiver(url, proxy=SecretAddress(f"http://127.0.0.1:{proxy.port}")))

    assert (Verdict.RETRY, reason) == (outcome.verdict, outcome.reason)


def test_a_socks_proxy_is_given_the_name(server: HostileReceiver, authority: Authority) -> None:
    """It looks it up itself."""
    url = server.url.replace("127.0.0.1", "localhost")
    with SocksProxy() as proxy:
        settings = {"proxy": SecretAddress(f"socks5://127.0.0.1:{proxy.port}"), "ca_file": str(authority.file)}
        outcome = send_once(receiver(url, **settings))

    assert [f"localhost:{server.port}"] == proxy.targets
    assert "Hostname mismatch" in outcome.detail, "the certificate is for 127.0.0.1"


def test_a_proxy_file_is_read_at_each_attempt(tmp_path: Path) -> None:
    """The next attempt goes through the new one."""
    with HttpProxy() as first, HttpProxy() as second, HostileReceiver() as server:
        file = write(tmp_path, "proxy", f"http://127.0.0.1:{first.port}")
        sender = WebhookSender(receiver(server.url, proxy_file=file), "1")
        sender.send(message(), datetime.now(UTC))
        write(tmp_path, "proxy", f"http://127.0.0.1:{second.port}")
        sender.send(message(), datetime.now(UTC))
        sender.close()

    assert (1, 1, 2) == (len(first.targets), len(second.targets), len(server.received))


def test_a_private_address_is_not_connected_to() -> None:
    """Unless it is allowed."""
    with HostileReceiver() as server:
        outcome = send_once(receiver(server.url, allow_networks=()))

    assert (Verdict.RETRY, OutcomeReason.ADDRESS_FORBIDDEN, 0) == (
        outcome.verdict,
        outcome.reason,
        server.connections_count,
    )


def test_the_address_that_was_checked_is_connected_to() -> None:
    """A name that changes its address between check and use gains nothing: it is looked up once."""
    answers = iter([["127.0.0.1"]])
    with HostileReceiver() as server:
        settings = receiver(server.url.replace("127.0.0.1", "rebinding.example"))
        outcome = send_once(settings, lookup=lambda host, port: next(answers))

    assert Verdict.DELIVERED is outcome.verdict
    assert f"rebinding.example:{server.port}" == server.received[0].headers["host"]


def test_a_look_up_that_hangs_ends_with_the_attempt() -> None:
    """The system's cannot be interrupted."""
    hanging = threading.Event()
    settings = receiver("http://slow.example/", total_seconds=0.2)
    outcome = send_once(settings, lookup=lambda host, port: ["192.0.2.1"] if hanging.wait(60) else [])
    hanging.set()

    assert (Verdict.RETRY, OutcomeReason.TIMED_OUT) == (outcome.verdict, outcome.reason)


def test_another_address_is_tried_where_the_first_one_does_not_answer() -> None:
    """Of one name, in one attempt."""
    with HostileReceiver() as server:
        outcome = send_once(receiver(server.url), lookup=lambda host, port: ["127.9.9.9", "127.0.0.1"])

    assert Verdict.DELIVERED is outcome.verdict


def test_a_name_that_nobody_knows() -> None:
    """May be known later."""
    outcome = send_once(receiver("http://no-such-name.invalid/", total_seconds=240.0))

    assert (Verdict.RETRY, OutcomeReason.NAME_UNKNOWN) == (outcome.verdict, outcome.reason)
