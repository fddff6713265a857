"""Statuses, Retry-After, pauses, and the files of signing secrets."""

from __future__ import annotations

import base64
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from pipeline.delivery.sending.backoff import LONGEST_SECONDS, SHORTEST_SECONDS, pause_seconds
from pipeline.delivery.sending.breaker import Breaker
from pipeline.delivery.sending.outcome import Verdict, judge_status, read_retry_after
from pipeline.delivery.sending.signing import read_signing_secrets, sign
from pipeline.errors import ConfigurationError
from pipeline.secret import Secret
from tests.pipeline.delivery.sending.sent import BODY, FIRST_SECRET, SECOND_SECRET, write

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_only_2xx_is_a_success_and_410_alone_means_gone() -> None:
    """Over all statuses that there can be; what may pass is tried again."""
    verdicts = {status: judge_status(status)[0] for status in range(100, 1000)}

    assert set(range(200, 300)) == {status for status, each in verdicts.items() if each is Verdict.DELIVERED}
    assert {410} == {status for status, each in verdicts.items() if each is Verdict.GONE}
    assert {407, 408, 425, 429} | set(range(500, 600)) == {
        status for status, each in verdicts.items() if each is Verdict.RETRY
    }


RETRY_AFTER = {
    "seconds": ("120", 120.0),
    "blanks": (" 7 ", 7.0),
    "zero": ("0", 0.0),
    "more than an hour": ("3601", 3600.0),
    "digits without end": ("9" * 5000, 3600.0),
    "a date": ("Sun, 01 Mar 2026 12:01:30 GMT", 90.0),
    "a date of an old kind": ("Sunday, 01-Mar-26 12:01:30 GMT", 90.0),
    "a date that is over": ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
    "a date far away": ("Sun, 01 Mar 2027 11:00:00 GMT", 3600.0),
    "a date without a zone": ("Sun, 01 Mar 2026 12:01:30", 90.0),
    "negative": ("-5", None),
    "a fraction": ("1.5", None),
    "other digits": ("١٢", None),
    "a word": ("soon", None),
    "an impossible date": ("Sun, 41 Mar 2026 12:01:30 GMT", None),
    "empty": ("", None),
    "missing": (None, None),
}


@pytest.mark.parametrize(("header", "expected"), RETRY_AFTER.values(), ids=RETRY_AFTER)
def test_retry_after(header: str | None, expected: float | None) -> None:
    """Seconds or a date, an hour at most; anything else says nothing."""
    assert expected == read_retry_after(header, NOW)


def test_pauses_grow_and_are_spread() -> None:
    """From one second to five minutes, up to twice as long each time, and nowhere all the same."""
    chance = random.Random(1)
    for attempts in (1, 2, 5, 8, 20, 10_000):
        pauses = [pause_seconds(attempts, chance) for _ in range(2000)]
        ceiling = min(LONGEST_SECONDS, 2.0 ** min(attempts, 20))
        assert SHORTEST_SECONDS <= min(pauses) <= max(pauses) <= ceiling
        assert max(pauses) > 0.95 * ceiling
        assert len(set(pauses)) > 500


def test_what_the_receiver_asks_for_wins_where_it_is_longer() -> None:
    """And only there."""
    assert 3600.0 == pause_seconds(1, random.Random(1), 3600.0)
    assert SHORTEST_SECONDS <= pause_seconds(1, random.Random(1), 0.0)


def test_one_failure_is_no_pause_for_others() -> None:
    """Five are; a success ends it."""
    breaker = Breaker(random.Random(1))
    for _ in range(4):
        breaker.fail(0.0, None)
    assert (0.0, False) == (breaker.wait_seconds(0.0), breaker.is_failing)

    breaker.fail(0.0, None)
    assert (True, True) == (breaker.wait_seconds(0.0) >= SHORTEST_SECONDS, breaker.is_failing)

    breaker.succeed()
    assert (0.0, False) == (breaker.wait_seconds(0.0), breaker.is_failing)


def test_both_live_secrets_verify_and_no_other() -> None:
    """By the standard's own library, over the exact bytes, id and time."""
    now = datetime.now(UTC)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": sign((Secret(FIRST_SECRET), Secret(SECOND_SECRET)), "msg_1", now, BODY),
    }
    for secret in (FIRST_SECRET, SECOND_SECRET):
        Webhook(secret).verify(BODY, headers)
    other = "whsec_" + base64.b64encode(b"x" * 32).decode()
    for secret, body, changed in [
        (other, BODY, {}),
        (FIRST_SECRET, BODY + b" ", {}),
        (FIRST_SECRET, BODY, {"webhook-id": "msg_2"}),
    ]:
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, headers | changed)


_SHORT = "whsec_" + base64.b64encode(b"short").decode()
FILES = {
    "empty": ("\n\n", "holds 0 lines"),
    "three": (f"{FIRST_SECRET}\n{SECOND_SECRET}\n{FIRST_SECRET}", "holds 3 lines"),
    "no prefix": (FIRST_SECRET.removeprefix("whsec_"), "line 1 does not begin with whsec_"),
    "no base64": (f"{FIRST_SECRET}\nwhsec_hunter2!!", "line 2 is not base64"),
    "too short": (_SHORT, "line 1 holds a key of 5 bytes: expected 24 to 64"),
}


@pytest.mark.parametrize(("content", "complaint"), FILES.values(), ids=FILES)
def test_files_of_signing_secrets_that_are_none(tmp_path: Path, content: str, complaint: str) -> None:
    """Say the line and what is wrong, and nothing of the secret."""
    file = write(tmp_path, "signing", content)
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        read_signing_secrets("signing_secrets_file", file)
    assert "hunter2" not in str(caught.value)
    assert FIRST_SECRET[10:20] not in str(caught.value)
