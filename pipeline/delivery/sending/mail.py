"""One message to a mail server, and what it answered. Sources: RFC 5321 (4.2, 4.5.3), RFC 3207 (STARTTLS)."""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

import msgspec

from pipeline.delivery.receiver_settings import MailSecurity, ReceiverSettings
from pipeline.delivery.sending.addresses import AddressGuard
from pipeline.delivery.sending.cutting import CutOffError, Cutter
from pipeline.delivery.sending.faults import FAULTS, outcome_of_cut, outcome_of_fault
from pipeline.delivery.sending.network import connect_any
from pipeline.delivery.sending.outbox import OutgoingMessage
from pipeline.delivery.sending.outcome import Outcome, OutcomeReason, Verdict
from pipeline.delivery.sending.tls import create_client_context
from pipeline.errors import ConfigurationError
from pipeline.secret import Secret, hide_secrets, read_secret

_READY = 220
_SHOWN_CHARS = 200
_NO_NAME = "[127.0.0.1]"  # RFC 5321, 4.1.3: what a client says that has no name


class MailSender:
    """Sends over a connection of its own for each message: a mail server that is asked rarely closes it anyway."""

    def __init__(self, settings: ReceiverSettings, guard: AddressGuard | None = None) -> None:
        """Set up the sender; nothing is read or connected to yet.

        Args:
            settings: Of the receiver.
            guard: Looks names up; None: by the system, and with the networks of the settings.
        """
        self._settings = settings
        self._guard = guard or AddressGuard(settings.networks)
        self._cutter = Cutter()

    def send(self, message: OutgoingMessage, at: datetime) -> Outcome:
        """Make one attempt."""
        began = time.monotonic()
        outcome = self._attempt(message)
        return msgspec.structs.replace(outcome, took_seconds=time.monotonic() - began)

    def stop(self) -> None:
        """End an attempt that goes on, and make no other."""
        self._cutter.stop()

    def close(self) -> None:
        """Nothing is kept."""

    def _attempt(self, message: OutgoingMessage) -> Outcome:
        settings = self._settings
        try:
            password = read_secret("mail_password", None, settings.mail_password_file)
            context = create_client_context(settings)
        except ConfigurationError as error:
            return outcome_of_fault(error)
        try:
            with self._cutter.limited(settings.total_seconds):
                return self._exchange(message, context, password)
        except CutOffError:
            return self._cut_off()
        except smtplib.SMTPException as error:
            return outcome_of_refusal(error) if self._cutter.why is None else self._cut_off()
        except FAULTS as error:
            return outcome_of_fault(error) if self._cutter.why is None else self._cut_off()

    def _cut_off(self) -> Outcome:
        assert self._cutter.why is not None
        return outcome_of_cut(self._cutter.why)

    def _exchange(self, message: OutgoingMessage, context: ssl.SSLContext, password: Secret | None) -> Outcome:
        settings = self._settings
        connection = self._connect()
        handle = connection.dup()  # TLS takes the first descriptor over
        try:
            self._cutter.hold(handle)
        except CutOffError:
            connection.close()
            raise
        name = socket.gethostname()
        server = smtplib.SMTP(local_hostname=name if "." in name else _NO_NAME, timeout=settings.read_seconds)
        server.sock = connection  # it is not smtplib that connects: it would look the name up again
        try:
            _greet(server, connection, context, settings)
            if settings.mail_user is not None and password is not None:
                server.login(settings.mail_user, password.reveal())
            refused = server.sendmail(settings.mail_from, settings.mail_to, message.body)
            with suppress(smtplib.SMTPException, OSError):  # it has been accepted
                server.quit()
        finally:
            server.close()
            self._cutter.release(handle)
        detail = _describe_refused(refused, len(settings.mail_to)) if refused else ""
        return Outcome(Verdict.DELIVERED, OutcomeReason.ACCEPTED, status=250, detail=detail)

    def _connect(self) -> socket.socket:
        settings = self._settings
        host, port = settings.mail_host or "", settings.mail_server_port

        def connect() -> socket.socket:
            return connect_any(
                self._guard.addresses_of(host, port),
                settings.connect_seconds,
                lambda address, seconds: socket.create_connection((address, port), seconds),
                (OSError,),
            )

        connection = self._cutter.wait_for(connect, too_late=lambda connection: connection.close())
        connection.settimeout(settings.read_seconds)
        return connection


def _greet(
    server: smtplib.SMTP, connection: socket.socket, context: ssl.SSLContext, settings: ReceiverSettings
) -> None:
    """Begin the conversation, protected as the settings say."""
    if settings.mail_security is MailSecurity.TLS:
        server.sock = context.wrap_socket(connection, server_hostname=settings.mail_host)
    code, text = server.getreply()
    if code != _READY:
        raise smtplib.SMTPConnectError(code, text)
    server.ehlo_or_helo_if_needed()
    if settings.mail_security is MailSecurity.STARTTLS:
        _start_tls(server, connection, context, settings.mail_host)


def _start_tls(server: smtplib.SMTP, connection: socket.socket, context: ssl.SSLContext, host: str | None) -> None:
    """Go on within TLS, for the name in the settings; what was said before counts no more (RFC 3207, 4.2)."""
    if not server.has_extn("starttls"):
        raise smtplib.SMTPNotSupportedError("the mail server offers no STARTTLS")
    code, text = server.docmd("STARTTLS")
    if code != _READY:
        raise smtplib.SMTPResponseException(code, text)
    server.sock = context.wrap_socket(connection, server_hostname=host)
    server.file = None  # a reader of what was there before: injected answers are not read on
    server.helo_resp = server.ehlo_resp = None
    server.esmtp_features = {}
    server.does_esmtp = False
    server.ehlo_or_helo_if_needed()


def outcome_of_refusal(error: smtplib.SMTPException) -> Outcome:
    """What the mail server said, if it said no."""
    match error:
        case smtplib.SMTPNotSupportedError():
            return Outcome(Verdict.RETRY, OutcomeReason.TLS_FAILED, detail=str(error)[:_SHOWN_CHARS])
        case smtplib.SMTPServerDisconnected() if isinstance(error.__context__, TimeoutError):
            return Outcome(Verdict.RETRY, OutcomeReason.TIMED_OUT, detail="the mail server said nothing for too long")
        case smtplib.SMTPServerDisconnected():
            return Outcome(Verdict.RETRY, OutcomeReason.CONNECTION_LOST, detail="the mail server closed the connection")
        case smtplib.SMTPAuthenticationError():
            # The message was not looked at: the password is being changed, or wrong.
            detail = _text_of(error.smtp_error)
            return Outcome(Verdict.RETRY, OutcomeReason.SETTINGS_UNUSABLE, status=error.smtp_code, detail=detail)
        case smtplib.SMTPRecipientsRefused(recipients=refused) if refused:
            code = min(code for code, _ in refused.values())
            return _refused(code, _describe_refused(refused, len(refused)))
        case smtplib.SMTPResponseException() if 400 <= error.smtp_code < 600:
            return _refused(error.smtp_code, _text_of(error.smtp_error))
    return Outcome(Verdict.RETRY, OutcomeReason.PROTOCOL_BROKEN, detail=type(error).__name__)


def _refused(code: int, detail: str) -> Outcome:
    if code < 500:
        return Outcome(Verdict.RETRY, OutcomeReason.BUSY, status=code, detail=detail)
    return Outcome(Verdict.REFUSED, OutcomeReason.REJECTED, status=code, detail=detail)


def _describe_refused(refused: Mapping[str, tuple[int, bytes]], count: int) -> str:
    code, text = min(refused.values())
    return f"{len(refused)} of {count} recipients refused: {code} {_text_of(text)}"[:_SHOWN_CHARS]


def _text_of(answer: bytes | str) -> str:
    text = answer if isinstance(answer, str) else answer.decode("utf-8", "replace")
    words = "".join(each if each.isprintable() else " " for each in text).split()
    return hide_secrets(" ".join(words)[: 4 * _SHOWN_CHARS])[:_SHOWN_CHARS]
