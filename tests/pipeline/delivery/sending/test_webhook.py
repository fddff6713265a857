"""What a web receiver gets, and what becomes of it, against one that behaves badly."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.delivery.sending.outcome import Outcome, OutcomeReason, Verdict
from pipeline.delivery.sending.webhook import WebhookSender
from tests.pipeline.delivery.sending.sent import (
    BODY,
    FIRST_SECRET,
    SECOND_SECRET,
    message,
    receiver,
    send_once,
    write,
)
from tests.servers.hostile_receiver import Answer, HostileReceiver, Manner

R, V = OutcomeReason, Verdict
_TIMES = {
    Manner.SAY_NOTHING: {"read_seconds": 0.2, "total_seconds": 0.5},
    Manner.TRICKLE_HEADERS: {"read_seconds": 0.2, "total_seconds": 0.5},
    Manner.TRICKLE_BODY: {"total_seconds": 3.0},  # the head has to come before
}
_WITHIN_SECONDS = 120.0  # generous: what is tested is that it ends at all

ANSWERS = {
    "200": (Answer(), V.DELIVERED, R.ACCEPTED, 200),
    "204": (Answer(status=204), V.DELIVERED, R.ACCEPTED, 204),
    "500": (Answer(status=500), V.RETRY, R.SERVER_ERROR, 500),
    "429": (Answer(status=429), V.RETRY, R.BUSY, 429),
    "425": (Answer(status=425), V.RETRY, R.BUSY, 425),
    "408": (Answer(status=408), V.RETRY, R.BUSY, 408),
    "301": (Answer(status=301, headers={"Location": "/elsewhere"}), V.REFUSED, R.REDIRECTED, 301),
    "308": (Answer(status=308, headers={"Location": "/elsewhere"}), V.REFUSED, R.REDIRECTED, 308),
    "404": (Answer(status=404), V.REFUSED, R.REJECTED, 404),
    "410": (Answer(status=410), V.GONE, R.GONE, 410),
    "407": (Answer(status=407), V.RETRY, R.PROXY_FAILED, 407),
    "101": (Answer(status=101), V.RETRY, R.PROTOCOL_BROKEN, None),
    "status of its own": (Answer(status=799), V.REFUSED, R.UNEXPECTED_STATUS, 799),
    "drops before answering": (Answer(Manner.DROP), V.RETRY, R.CONNECTION_LOST, None),
    "resets": (Answer(Manner.RESET), V.RETRY, R.CONNECTION_LOST, None),
    "no HTTP": (Answer(Manner.NO_HTTP), V.RETRY, R.PROTOCOL_BROKEN, None),
    "says nothing": (Answer(Manner.SAY_NOTHING), V.RETRY, R.TIMED_OUT, None),
    "trickles headers": (Answer(Manner.TRICKLE_HEADERS), V.RETRY, R.TIMED_OUT, None),
    "trickles a body": (Answer(Manner.TRICKLE_BODY), V.DELIVERED, R.ACCEPTED, 200),
    "trickles a refusal": (Answer(Manner.TRICKLE_BODY, status=503), V.RETRY, R.SERVER_ERROR, 503),
    "floods": (Answer(Manner.FLOOD), V.DELIVERED, R.ACCEPTED, 200),
}


@pytest.mark.parametrize(("answer", "verdict", "reason", "status"), ANSWERS.values(), ids=ANSWERS)
def test_answers(answer: Answer, verdict: Verdict, reason: OutcomeReason, status: int | None) -> None:
    """One request each, nothing followed, and an end in any case."""
    began = time.monotonic()
    with HostileReceiver([answer]) as server:
        outcome = send_once(receiver(server.url, **_TIMES.get(answer.manner, {})))

    assert (verdict, reason, status) == (outcome.verdict, outcome.reason, outcome.status)
    assert ["/hook"] == [each.path for each in server.received]
    assert _WITHIN_SECONDS > time.monotonic() - began >= outcome.took_seconds > 0


@pytest.mark.parametrize("manner", [Manner.CLOSE_AT_ONCE, Manner.RESET_AT_ONCE])
def test_a_connection_that_ends_before_anything_was_said(manner: Manner) -> None:
    """May be tried again. A reset may come while the connection is still being made."""
    with HostileReceiver(on_connect=lambda _: manner) as server:
        outcome = send_once(receiver(server.url))

    assert Verdict.RETRY is outcome.verdict
    assert outcome.reason in (OutcomeReason.CONNECTION_LOST, OutcomeReason.CONNECTION_FAILED)


def test_nobody_listens() -> None:
    """And the address is not in what is said of it."""
    with HostileReceiver() as server:
        url = server.url
    outcome = send_once(receiver(url))

    assert (Verdict.RETRY, OutcomeReason.CONNECTION_FAILED, "Connection refused") == (
        outcome.verdict,
        outcome.reason,
        outcome.detail,
    )


RETRY_AFTER = {
    "seconds": ("120", 120.0),
    "more than an hour": ("86400", 3600.0),
    "a past date": ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
    "nonsense": ("soon", None),
}


@pytest.mark.parametrize(("header", "expected"), RETRY_AFTER.values(), ids=RETRY_AFTER)
def test_retry_after_is_told(header: str, expected: float | None) -> None:
    """As seconds, an hour at most."""
    with HostileReceiver([Answer(status=429, headers={"Retry-After": header})]) as server:
        assert expected == send_once(receiver(server.url)).retry_after_seconds


def test_the_message_arrives_as_it_is() -> None:
    """Bytes, id, and what says who sends."""
    with HostileReceiver() as server:
        send_once(receiver(server.url))
    (received,) = server.received

    assert (BODY, "msg_1", "whystuck/1.2.3", "application/json", f"127.0.0.1:{server.port}") == (
        received.body,
        received.id,
        *(received.headers[name] for name in ("user-agent", "content-type", "host")),
    )
    assert "webhook-signature" not in received.headers


def test_secrets_are_put_in_when_it_is_sent(tmp_path: Path) -> None:
    """A token and a header from files, as they are at that moment, and the key of PagerDuty."""
    token = write(tmp_path, "token", "t0ken\n")
    tenant = write(tmp_path, "tenant", "team-a\n")
    headers = [{"name": "X-Scope-OrgID", "value_file": tenant}, {"name": "X-Env", "value": "prod"}]
    with HostileReceiver() as server:
        settings = receiver(server.url, bearer_token_file=token, headers=_headers(headers))
        pagerduty = receiver(server.url, format=_form("pagerduty"), routing_key_file=token)
        send_once(settings)
        write(tmp_path, "token", "changed")
        send_once(settings)
        send_once(pagerduty, message(body=b'{"event_action":"resolve"}', key_field="routing_key"))
    first, second, third = server.received

    assert ("Bearer t0ken", "team-a", "prod") == tuple(
        first.headers[name] for name in ("authorization", "x-scope-orgid", "x-env")
    )
    assert "Bearer changed" == second.headers["authorization"]
    assert b'{"routing_key":"changed","event_action":"resolve"}' == third.body


def test_rotation_of_the_signing_secret_fails_no_verification(tmp_path: Path) -> None:
    """Old alone, new above old, new alone, with a receiver that changes in between: always one that it knows."""
    file = write(tmp_path, "signing", f"{FIRST_SECRET}\n")
    signed = []
    with HostileReceiver(secrets=[FIRST_SECRET]) as server:
        sender = WebhookSender(receiver(server.url, signing_secrets_file=file), "1")
        for live, known in [
            ((FIRST_SECRET,), FIRST_SECRET),
            ((SECOND_SECRET, FIRST_SECRET), FIRST_SECRET),
            ((SECOND_SECRET, FIRST_SECRET), SECOND_SECRET),
            ((SECOND_SECRET,), SECOND_SECRET),
        ]:
            write(tmp_path, "signing", "\n".join(live) + "\n")
            server.secrets = [known]
            sender.send(message(), datetime.now(UTC))
            signed.append(server.received[-1].is_signed)
        sender.close()

    assert [True] * 4 == signed
    assert [1, 2, 2, 1] == [len(each.headers["webhook-signature"].split(" ")) for each in server.received]


def test_the_first_secret_signs_first(tmp_path: Path) -> None:
    """Receivers that look at one signature only know the new secret first."""
    both = write(tmp_path, "both", f"{SECOND_SECRET}\n\n{FIRST_SECRET}")
    with HostileReceiver(secrets=[FIRST_SECRET, SECOND_SECRET]) as server:
        send_once(receiver(server.url, signing_secrets_file=both))
        (received,) = server.received
        second_alone = write(tmp_path, "one", SECOND_SECRET)
        at = datetime.fromtimestamp(int(received.timestamp), UTC)
        send_once(receiver(server.url, signing_secrets_file=second_alone), at=at)
    _, alone = server.received

    assert (0, 1) == received.signed_by
    assert alone.headers["webhook-signature"] == received.headers["webhook-signature"].split(" ")[0]


def test_a_secret_that_cannot_be_read_is_tried_again(tmp_path: Path) -> None:
    """Nothing is sent unsigned, and the file is named."""
    missing = str(tmp_path / "signing")
    with HostileReceiver() as server:
        outcome = send_once(receiver(server.url, signing_secrets_file=missing))

    assert (Verdict.RETRY, OutcomeReason.SETTINGS_UNUSABLE, []) == (outcome.verdict, outcome.reason, server.received)
    assert missing in outcome.detail


def test_a_time_out_is_not_told_of_the_next_attempt(tmp_path: Path) -> None:
    """Each attempt has an outcome of its own, with one sender."""
    file = write(tmp_path, "signing", FIRST_SECRET)
    with HostileReceiver([Answer(Manner.TRICKLE_HEADERS)]) as server:
        sender = WebhookSender(receiver(server.url, signing_secrets_file=file, total_seconds=3.0), "1")
        outcomes = [sender.send(message(), datetime.now(UTC))]
        for content in ("", FIRST_SECRET):
            write(tmp_path, "signing", content)
            outcomes.append(sender.send(message(), datetime.now(UTC)))
        sender.close()

    reasons = [OutcomeReason.TIMED_OUT, OutcomeReason.SETTINGS_UNUSABLE, OutcomeReason.ACCEPTED]
    assert reasons == [each.reason for each in outcomes]


def test_what_the_receiver_says_is_told_without_secrets(tmp_path: Path) -> None:
    """On one line, cut, and without anything that it was trusted with."""
    token = write(tmp_path, "token", "t0ken")
    body = b"no such team\nyou said t0ken to /hook?key=s3cr3t \x1b[31m" + b"x" * 1000
    with HostileReceiver([Answer(status=400, body=body)]) as server:
        url = server.url + "?key=s3cr3t"
        outcome = send_once(receiver(url, bearer_token_file=token))

    assert outcome.detail.startswith("no such team you said [hidden] to [hidden]")
    assert outcome.detail.isprintable()
    assert 200 == len(outcome.detail)


def test_connections_are_used_again_until_the_receiver_closes_them() -> None:
    """A closed one is noticed before a message is lost in it."""
    with HostileReceiver([Answer(), Answer(Manner.ANSWER_AND_CLOSE)]) as server:
        sender = WebhookSender(receiver(server.url), "1")
        outcomes = []
        for number in range(3):
            outcomes.append(sender.send(message(number), datetime.now(UTC)))
            if number == 1:
                server.wait_until_left()
        sender.close()

    assert [Verdict.DELIVERED] * 3 == [each.verdict for each in outcomes]
    assert [0, 0, 1] == [each.connection for each in server.received]


def test_a_repetition_has_the_same_id_and_bytes() -> None:
    """Also where the receiver dropped the first one."""
    with HostileReceiver([Answer(Manner.DROP), Answer(status=500)]) as server:
        for _ in range(3):
            send_once(receiver(server.url))

    assert {("msg_1", BODY)} == {(each.id, each.body) for each in server.received}
    assert 3 == len(server.received)


@pytest.mark.parametrize("manner", [Manner.SAY_NOTHING, Manner.TRICKLE_HEADERS])
def test_stopping_ends_a_request(manner: Manner) -> None:
    """From another thread, long before its time is over, and no other can begin."""
    outcomes: list[Outcome] = []
    with HostileReceiver([Answer(manner)]) as server:
        sender = WebhookSender(receiver(server.url, read_seconds=600.0, total_seconds=600.0), "1")
        thread = threading.Thread(target=lambda: outcomes.append(sender.send(message(), datetime.now(UTC))))
        thread.start()
        server.wait_for(lambda received: len(received) == 1)
        sender.stop()
        thread.join(_WITHIN_SECONDS)
        outcomes.append(sender.send(message(), datetime.now(UTC)))

    assert [(Verdict.RETRY, OutcomeReason.STOPPED)] * 2 == [(each.verdict, each.reason) for each in outcomes]
    assert 1 == len(server.received)


def test_user_and_password_of_an_address_are_a_header() -> None:
    """And nowhere else."""
    with HostileReceiver() as server:
        settings = receiver(server.url.replace("http://", "http://us%40er:p%3Aw@"))
        send_once(settings)

    assert "Basic dXNAZXI6cDp3" == server.received[0].headers["authorization"]
    assert f"http://127.0.0.1:{server.port}/[hidden]" == settings.address


def _headers(headers: list[dict[str, str]]) -> tuple[Any, ...]:
    import msgspec

    from pipeline.delivery.receiver_settings import HeaderSettings

    return msgspec.convert(tuple(headers), tuple[HeaderSettings, ...])


def _form(name: str) -> Any:
    from pipeline.delivery.formats.settings import FormatName

    return FormatName(name)
