"""E-mail to a real mail server on loopback, one that behaves and one that does not."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from pipeline.delivery.formats.settings import FormatName
from pipeline.delivery.receiver_settings import MailSecurity, ReceiverSettings
from pipeline.delivery.sending.mail import MailSender
from pipeline.delivery.sending.outcome import Outcome, OutcomeReason, Verdict
from tests.pipeline.delivery.sending.sent import message, write
from tests.servers.certificates import Authority
from tests.servers.hostile_receiver import HostileReceiver, Manner

MAIL = b"Subject: stuck\r\nMessage-ID: <msg_1@whystuck.invalid>\r\n\r\n.a line with a dot\r\nthe end\r\n"
R, V = OutcomeReason, Verdict


class MailServer:
    """What the server does with a message, and what it has accepted."""

    def __init__(self, refused: dict[str, str] | None = None, answer: str = "250 accepted") -> None:
        self.accepted: list[Envelope] = []
        self._refused = refused or {}
        self._answer = answer

    async def handle_RCPT(  # noqa: N802 - named by the library
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self._refused:
            return self._refused[address]
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self._answer.startswith("250"):
            self.accepted.append(envelope)
        return self._answer


@contextmanager
def _serving(handler: MailServer, ssl_context: ssl.SSLContext | None = None, **options: Any) -> Iterator[int]:
    """The port of a mail server that runs in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def call(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(60)

    def create_session() -> SMTP:
        return SMTP(handler, hostname="mail.example", loop=loop, **options)

    server = call(loop.create_server(create_session, "127.0.0.1", 0, ssl=ssl_context))
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        call(_end(server))
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()


async def _end(server: asyncio.Server) -> None:
    """With conversations that go on."""
    server.close()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who issued the mail server's certificate."""
    return Authority("mail", tmp_path_factory.mktemp("mail"))


@pytest.fixture(scope="module")
def tls(authority: Authority) -> ssl.SSLContext:
    """Of the mail server."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.issue("mail.example"))
    return context


def _settings(port: int, **settings: Any) -> ReceiverSettings:
    return ReceiverSettings(
        **{
            "name": "mail", "format": FormatName.EMAIL, "mail_host": "127.0.0.1", "mail_port": port,
            "mail_security": MailSecurity.NONE, "mail_to": ("a@example.com", "b@example.com"),
            "mail_from": "whystuck@example.com", "allow_networks": ("127.0.0.0/8",), "read_seconds": 10.0,
        } | settings
    )  # fmt: skip


def _send(settings: ReceiverSettings) -> Outcome:
    return MailSender(settings).send(message(body=MAIL, content_type="message/rfc822"), datetime.now(UTC))


def test_a_message_arrives_as_it_is() -> None:
    """With envelope and bytes."""
    server = MailServer()
    with _serving(server) as port:
        outcome = _send(_settings(port))
    (envelope,) = server.accepted

    assert (V.DELIVERED, 250, "") == (outcome.verdict, outcome.status, outcome.detail)
    assert (MAIL, "whystuck@example.com", ["a@example.com", "b@example.com"]) == (
        envelope.original_content,
        envelope.mail_from,
        envelope.rcpt_tos,
    )


@pytest.mark.parametrize("security", [MailSecurity.STARTTLS, MailSecurity.TLS])
def test_the_connection_is_protected_and_verified(
    security: MailSecurity, authority: Authority, tls: ssl.SSLContext, tmp_path: Path
) -> None:
    """With STARTTLS and with TLS from the first byte; a login goes over it; an unknown authority is refused."""
    seen: list[LoginPassword] = []

    def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: Any) -> AuthResult:
        seen.append(login)
        return AuthResult(success=login == LoginPassword(b"us", b"hunter2"), handled=False)

    server = MailServer()
    is_starttls = security is MailSecurity.STARTTLS
    options = {"tls_context": tls, "require_starttls": True} if is_starttls else {"ssl_context": tls}
    password = write(tmp_path, "password", "hunter2\n")
    login = {"mail_user": "us", "mail_password_file": password, "mail_security": security}
    if not is_starttls:
        options["auth_require_tls"] = False  # the library does not know that this is TLS
    with _serving(server, authenticator=authenticate, auth_required=is_starttls, **options) as port:
        known = {"ca_file": str(authority.file)}
        arrived = _send(_settings(port, **login, **known))
        unknown = _send(_settings(port, **login))
        write(tmp_path, "password", "wrong")
        refused = _send(_settings(port, **login, **known))

    assert (V.DELIVERED, V.RETRY, R.TLS_FAILED) == (arrived.verdict, unknown.verdict, unknown.reason)
    assert (V.RETRY, R.SETTINGS_UNUSABLE, 535) == (refused.verdict, refused.reason, refused.status)
    assert 1 == len(server.accepted)
    assert {LoginPassword(b"us", b"hunter2"), LoginPassword(b"us", b"wrong")} == set(seen)


ANSWERS: dict[str, tuple[MailServer, Verdict, OutcomeReason, int | None, str]] = {
    "later": (MailServer(answer="451 try again later"), V.RETRY, R.BUSY, 451, "try again later"),
    "never": (MailServer(answer="554 spam"), V.REFUSED, R.REJECTED, 554, "spam"),
    "all recipients later": (
        MailServer(dict.fromkeys(("a@example.com", "b@example.com"), "450 greylisted")),
        V.RETRY, R.BUSY, 450, "2 of 2 recipients refused: 450 greylisted",
    ),
    "no recipient": (
        MailServer(dict.fromkeys(("a@example.com", "b@example.com"), "550 no such user")),
        V.REFUSED, R.REJECTED, 550, "2 of 2 recipients refused: 550 no such user",
    ),
    "one recipient never": (
        MailServer({"a@example.com": "550 no such user"}),
        V.DELIVERED, R.ACCEPTED, 250, "1 of 2 recipients refused: 550 no such user",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("server", "verdict", "reason", "status", "detail"), ANSWERS.values(), ids=ANSWERS)
def test_answers(server: MailServer, verdict: Verdict, reason: OutcomeReason, status: int, detail: str) -> None:
    """4xx may pass, 5xx does not; of some recipients that are refused it is told, and the message has arrived."""
    with _serving(server) as port:
        outcome = _send(_settings(port))

    assert (verdict, reason, status, detail) == (outcome.verdict, outcome.reason, outcome.status, outcome.detail)


def test_a_server_without_starttls_gets_nothing() -> None:
    """No message and no password goes in clear where that was not asked for."""
    server = MailServer()
    with _serving(server) as port:
        outcome = _send(_settings(port, mail_security=MailSecurity.STARTTLS))

    assert (V.RETRY, R.TLS_FAILED, []) == (outcome.verdict, outcome.reason, server.accepted)


def test_a_server_that_says_nothing() -> None:
    """Ends with the time for an answer."""
    with HostileReceiver() as silent:  # it waits for the client to speak, as the client does
        outcome = _send(_settings(silent.port, read_seconds=0.2))

    assert (V.RETRY, R.TIMED_OUT) == (outcome.verdict, outcome.reason)


def test_a_server_that_closes_the_connection() -> None:
    """May be tried again."""
    with HostileReceiver(on_connect=lambda _: Manner.CLOSE_AT_ONCE) as closing:
        outcome = _send(_settings(closing.port))

    assert (V.RETRY, R.CONNECTION_LOST) == (outcome.verdict, outcome.reason)


def test_stopping_ends_an_attempt() -> None:
    """From another thread."""
    outcomes: list[Outcome] = []
    is_connected = threading.Event()

    def connect(_: int) -> None:
        is_connected.set()

    with HostileReceiver(on_connect=connect) as silent:
        sender = MailSender(_settings(silent.port, read_seconds=600.0, total_seconds=600.0))
        thread = threading.Thread(target=lambda: outcomes.append(sender.send(message(body=MAIL), datetime.now(UTC))))
        thread.start()
        assert is_connected.wait(60)
        sender.stop()
        thread.join(60)

    assert [(V.RETRY, R.STOPPED)] == [(each.verdict, each.reason) for each in outcomes]


def test_a_private_mail_server_is_refused_unless_it_is_allowed() -> None:
    """As other receivers are."""
    outcome = _send(_settings(9, allow_networks=()))

    assert (V.RETRY, R.ADDRESS_FORBIDDEN) == (outcome.verdict, outcome.reason)
