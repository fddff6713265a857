"""One POST to a web receiver, and what it answered."""

from __future__ import annotations

import ssl
import time
from datetime import datetime

import httpcore
import msgspec

from pipeline.delivery.formats.rendered import Rendered, put_key
from pipeline.delivery.receiver_settings import ReceiverSettings
from pipeline.delivery.sending.addresses import AddressGuard
from pipeline.delivery.sending.credentials import Credentials, read_credentials
from pipeline.delivery.sending.cutting import CutOffError, Cutter
from pipeline.delivery.sending.faults import FAULTS, outcome_of_cut, outcome_of_fault
from pipeline.delivery.sending.network import GuardedBackend
from pipeline.delivery.sending.outbox import OutgoingMessage
from pipeline.delivery.sending.outcome import Outcome, Verdict, judge_status, read_retry_after
from pipeline.delivery.sending.signing import sign
from pipeline.delivery.sending.tls import create_client_context, versions_of_files
from pipeline.delivery.target import Target
from pipeline.errors import ConfigurationError
from pipeline.secret import HIDDEN, hide_secrets

MAX_ANSWER_BYTES = 65_536
"""More of an answer is not read: nothing in it matters so much."""
IDLE_SECONDS = 4.0
"""A connection is used again within this: servers close idle ones, some after 5 s, just as a message leaves."""

_SHOWN_CHARS = 200
_SHORTEST_SECRET = 4


class WebhookSender:
    """Sends to one web receiver over a connection that is kept while messages follow each other."""

    def __init__(self, settings: ReceiverSettings, version: str, guard: AddressGuard | None = None) -> None:
        """Set up the sender; nothing is read or connected to yet.

        Args:
            settings: Of the receiver.
            version: Of whystuck, for the header `User-Agent`.
            guard: Looks names up; None: by the system, and with the networks of the settings.
        """
        self._settings = settings
        self._agent = f"whystuck/{version}"
        self._guard = guard or AddressGuard(settings.networks)
        self._cutter = Cutter()
        self._pool: httpcore.ConnectionPool | None = None
        self._pool_is_for: object = None

    def send(self, message: OutgoingMessage, at: datetime) -> Outcome:
        """Make one attempt."""
        began = time.monotonic()
        outcome = self._attempt(message, at)
        return msgspec.structs.replace(outcome, took_seconds=time.monotonic() - began)

    def stop(self) -> None:
        """End an attempt that goes on, and make no other."""
        self._cutter.stop()

    def close(self) -> None:
        """Let go of connections."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def _attempt(self, message: OutgoingMessage, at: datetime) -> Outcome:
        try:
            credentials = read_credentials(self._settings)
        except ConfigurationError as error:
            return outcome_of_fault(error)
        request = self._request(message, at, credentials)
        try:
            with self._cutter.limited(self._settings.total_seconds):
                return self._exchange(request, credentials, at)
        except CutOffError:
            return self._cut_off()
        except FAULTS as error:
            return outcome_of_fault(error) if self._cutter.why is None else self._cut_off()

    def _cut_off(self) -> Outcome:
        assert self._cutter.why is not None
        return outcome_of_cut(self._cutter.why)

    def _exchange(self, request: httpcore.Request, credentials: Credentials, at: datetime) -> Outcome:
        response = self._pool_for(credentials.target, credentials.proxy).handle_request(request)
        try:
            answer = _read_answer(response)
        finally:
            response.close()
        verdict, reason = judge_status(response.status)
        headers = {name.lower(): value.decode("latin-1") for name, value in response.headers}
        return Outcome(
            verdict,
            reason,
            status=response.status,
            detail="" if verdict is Verdict.DELIVERED else _shown(answer, credentials),
            retry_after_seconds=read_retry_after(headers.get(b"retry-after"), at) if verdict is Verdict.RETRY else None,
        )

    def _request(self, message: OutgoingMessage, at: datetime, credentials: Credentials) -> httpcore.Request:
        settings, target = self._settings, credentials.target
        key = credentials.routing_key
        rendered = Rendered(message.body, message.content_type, message.key_field)
        body = message.body if key is None else put_key(rendered, key.reveal())
        headers = {
            "Host": target.authority,
            "User-Agent": self._agent,
            "Content-Type": message.content_type,
            "Content-Length": str(len(body)),
            "Accept": "*/*",
            "webhook-id": message.id,
            "webhook-timestamp": str(int(at.timestamp())),
        }
        if credentials.signing_secrets:
            headers["webhook-signature"] = sign(credentials.signing_secrets, message.id, at, body)
        if credentials.bearer_token is not None:
            headers["Authorization"] = f"Bearer {credentials.bearer_token.reveal()}"
        elif target.basic is not None:
            headers["Authorization"] = target.basic
        headers |= {name: value.reveal() for name, value in credentials.headers}
        times = {"connect": settings.connect_seconds, "read": settings.read_seconds, "write": settings.read_seconds}
        return httpcore.Request(
            "POST", target.url, headers=list(headers.items()), content=body, extensions={"timeout": times}
        )

    def _pool_for(self, target: Target, proxy: Target | None) -> httpcore.ConnectionPool:
        """The connections; new ones where the proxy has changed, or a file that TLS is made of."""
        is_tls = "https" in (target.scheme, None if proxy is None else proxy.scheme)
        wanted = (is_tls, proxy, versions_of_files(self._settings))
        if self._pool is None or wanted != self._pool_is_for:
            self.close()
            context = create_client_context(self._settings) if is_tls else None  # reading authorities takes a while
            self._pool = self._create_pool(context, proxy)
            self._pool_is_for = wanted
        return self._pool

    def _create_pool(self, context: ssl.SSLContext | None, proxy: Target | None) -> httpcore.ConnectionPool:
        backend = GuardedBackend(self._guard, self._cutter, None if proxy is None else (proxy.host, proxy.port))
        if proxy is None:
            return httpcore.ConnectionPool(
                context, max_connections=1, keepalive_expiry=IDLE_SECONDS, network_backend=backend
            )
        login = None if proxy.user is None else (proxy.user.encode(), (proxy.password or "").encode())
        if proxy.scheme == "socks5":
            return httpcore.SOCKSProxy(
                proxy.url, login, context, max_connections=1, keepalive_expiry=IDLE_SECONDS, network_backend=backend
            )
        return httpcore.HTTPProxy(
            proxy.url, login, ssl_context=context, proxy_ssl_context=context if proxy.scheme == "https" else None,
            max_connections=1, keepalive_expiry=IDLE_SECONDS, network_backend=backend,
        )  # fmt: skip


def _read_answer(response: httpcore.Response) -> bytes:
    """The beginning of the answer's body. The status decides: a body that breaks off changes nothing any more."""
    answer = b""
    try:
        for part in response.iter_stream():
            answer += part
            if len(answer) >= MAX_ANSWER_BYTES:
                break
    except FAULTS:
        pass
    return answer


def _shown(answer: bytes, credentials: Credentials) -> str:
    """The beginning of what the receiver says, on one line, without anything that it was trusted with."""
    text = answer.decode("utf-8", "replace")
    for secret in sorted(credentials.secrets(), key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, HIDDEN)
    words = "".join(each if each.isprintable() else " " for each in text).split()
    return hide_secrets(" ".join(words)[: 4 * _SHOWN_CHARS])[:_SHOWN_CHARS]
