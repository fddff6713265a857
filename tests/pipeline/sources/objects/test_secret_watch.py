"""Secrets are read by name, when they are named and when they may have changed; nothing of them but certificates."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from parsers.facts.certificates import SecretFacts
from parsers.facts.references import ServiceRef
from parsers.facts.seen import ObjectEvent, ObjectSeen, ObjectsListed, ObjectsUnread
from parsers.records import Origin
from pipeline.sources.objects.answers import read_secret
from pipeline.sources.objects.api import ApiError
from pipeline.sources.objects.named_secrets import NAMING_KINDS, NamedSecrets
from pipeline.sources.objects.secret_watch import SecretWatch
from tests.parsers.certificate_samples import certificate_pem
from tests.pipeline.sources.objects.fake_api import AT, FakeApi, Stepping
from tests.pipeline.sources.objects.test_named_secrets import ORIGIN, certificate, webhook

KEY = ec.derive_private_key(4711, ec.SECP256R1()).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
PASSWORD = "correct-horse-battery"
CANARIES = [
    PASSWORD.encode(),
    base64.b64encode(PASSWORD.encode()),
    KEY.splitlines()[1],
    base64.b64encode(KEY)[40:80],
    base64.b64decode(b"".join(KEY.splitlines()[1:-1]))[30:60],
]
PATH = "/api/v1/namespaces/tools/secrets/guard-tls"


def secret(name: str = "leaf", **more: bytes) -> bytes:
    """A Secret as the API server answers it."""
    data = {"tls.crt": certificate_pem(name, "guard.tools.svc"), "tls.key": KEY, "password": PASSWORD.encode(), **more}
    encoded = {member: base64.b64encode(value).decode() for member, value in data.items()}
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"data": encoded})}
    metadata = {"name": "guard-tls", "namespace": "tools", "annotations": annotations}
    return json.dumps({"kind": "Secret", "apiVersion": "v1", "metadata": metadata, "data": encoded}).encode()


class _Going(Stepping):
    """Time goes on by pauses; in one of them something is told."""

    def __init__(self, pauses: int, *told: tuple[int, ObjectEvent]) -> None:
        super().__init__(pauses=pauses)
        self.told_in = dict(told)
        self.watch: SecretWatch | None = None
        self._now = AT
        self.accuses: list[ServiceRef] = []  # in the first pause
        self.heard: list[bool] = []

    def now(self) -> datetime:
        return self._now

    def pause(self, seconds: float) -> bool:
        event = self.told_in.get(len(self.pauses))
        assert self.watch is not None
        self.heard += [self.watch.look_at(service) for service in self.accuses]
        is_woken = event is not None or bool(self.accuses)
        self._now += timedelta(seconds=1.0 if is_woken else seconds)
        self.accuses = []
        return super().pause(seconds) or (event is not None and self.watch.note(event))


def _run(api: FakeApi, *told: tuple[int, ObjectEvent], pauses: int = 0) -> _Going:
    around = _Going(pauses, *told)
    around.watch = SecretWatch(api, NamedSecrets(["tools"]), ORIGIN, around)
    for event in (webhook(), certificate("guard.tools.svc"), *_listed()):
        around.watch.note(event)
    around.watch.run()
    return around


def _listed() -> list[ObjectsListed]:
    known = {"ValidatingWebhookConfiguration": webhook(), "Certificate": certificate("guard.tools.svc")}
    return [
        ObjectsListed(AT, ORIGIN, 0, kind, (known[kind].facts.ref,) if kind in known else ()) for kind in NAMING_KINDS
    ]


def _told(around: Stepping) -> list[str]:
    told = []
    for event in around.events:
        match event:
            case ObjectSeen(facts=SecretFacts() as facts):
                told.append(f"{'gone' if event.is_deleted else 'seen'} {facts.certificates[0].common_name}")
            case ObjectsListed():
                told.append(f"listed {' '.join(ref.name for ref in event.refs)}".strip())
            case ObjectsUnread():
                told.append(f"unread {event.kind}")
    return told


def test_named_secret_is_read_by_its_name() -> None:
    """One call, for nothing but this one; its certificate is handed out."""
    api = FakeApi()
    api.lists["guard-tls"] = [secret()]
    around = _run(api)

    assert [(PATH, {})] == api.asked
    assert ["seen leaf", "listed guard-tls"] == _told(around)
    assert around.states[-1].is_listed


def test_nothing_is_read_before_all_that_names_some_was_seen() -> None:
    """It would be told as gone."""
    api = FakeApi()
    around = _Going(0)
    around.watch = SecretWatch(api, NamedSecrets(["tools"]), ORIGIN, around)
    around.watch.note(webhook())
    around.watch.run()

    assert ([], [], []) == (api.asked, around.events, around.states)


def test_it_is_read_again_now_and_then_and_told_when_it_is_another_one() -> None:
    """Not every writer is a Certificate."""
    api = FakeApi()
    api.lists["guard-tls"] = [secret(), secret(), secret("renewed")]
    around = _run(api, pauses=2)

    assert [300.0, 300.0] == around.pauses[:2]
    assert ["seen leaf", "listed guard-tls", "seen renewed", "listed guard-tls"] == _told(around)


def test_certificate_that_changes_has_its_secret_read_soon() -> None:
    """But not more often than every half minute."""
    api = FakeApi()
    api.lists["guard-tls"] = [secret(), secret("renewed")]
    around = _run(api, (0, certificate("guard.tools.svc", revision=2)), pauses=1)

    assert [300.0, 29.0] == around.pauses[:2]
    assert 1 == len(api.asked)
    api.asked.clear()
    api.lists["guard-tls"] = [secret(), secret("renewed")]
    around = _run(api, (0, certificate("guard.tools.svc", revision=2)), pauses=2)
    assert 2 == len(api.asked)
    assert "seen renewed" in _told(around)


def test_missing_right_is_told_once_with_its_rule() -> None:
    """And again only when another one is missing; the right that is given is noticed."""
    api = FakeApi()
    refused = ApiError("forbidden", 403)
    api.lists["guard-tls"] = [refused, refused, secret()]
    around = _run(api, pauses=2)

    assert ["listed", "unread Secret", "seen leaf", "listed guard-tls"] == _told(around)
    unread = around.events[1]
    assert isinstance(unread, ObjectsUnread)
    rule = '{apiGroups: [""], resources: ["secrets"], resourceNames: ["guard-tls"], verbs: ["get"]}'
    told = f"secrets guard-tls may not be read in namespace tools; a Role there with the rule {rule} would allow it"
    assert told == unread.why


def test_secret_that_is_gone_is_told() -> None:
    """One that was never there is nothing."""
    api = FakeApi()
    api.lists["guard-tls"] = [secret(), ApiError("not found", 404)]

    assert ["seen leaf", "listed guard-tls", "gone leaf"] == _told(_run(api, pauses=1))[:3]
    api.lists["guard-tls"] = [ApiError("not found", 404)]
    assert ["listed"] == _told(_run(api))


def test_outage_takes_nothing_back() -> None:
    """What was read before is no less known; no list is told that lacks it."""
    api = FakeApi()
    away = ApiError("connection refused")
    api.lists["guard-tls"] = [away, away, secret()]
    around = _run(api, pauses=2)

    assert ["seen leaf", "listed guard-tls"] == _told(around)
    assert ("connection refused", False) == (around.states[0].problem, around.states[0].is_listed)


def test_secret_whose_service_is_accused_is_read_sooner() -> None:
    """A minute after it was read last; what is in other namespaces is not looked at."""
    api = FakeApi()
    api.lists["guard-tls"] = [secret()]
    around = _Going(1)
    around.watch = watch = SecretWatch(api, NamedSecrets(["tools"]), ORIGIN, around)
    for event in (webhook(), certificate("guard.tools.svc"), *_listed()):
        watch.note(event)
    around.accuses = [ServiceRef("shop", "other"), ServiceRef("tools", "guard")]
    watch.run()

    assert [300.0, 59.0] == around.pauses[:2]
    assert [False, True] == around.heard


BODIES: dict[str, bytes] = {
    "as it should be": secret(),
    "with the key in a certificate's place": secret(**{"tls.crt": KEY, "ca.crt": PASSWORD.encode()}),
    "with both in one member": secret(**{"tls.crt": certificate_pem("leaf") + KEY}),
    "cut": secret()[:-200],
    "of another form": json.dumps(
        {"metadata": [PASSWORD], "data": {"tls.key": base64.b64encode(KEY).decode()}}
    ).encode(),
    "with data that is none": json.dumps({"metadata": {"name": "a"}, "data": {"tls.crt": [PASSWORD, 7]}}).encode(),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_nothing_private_is_kept(body: bytes) -> None:
    """In no form, whatever the answer looks like."""
    facts = read_secret(body)
    event: Any = ObjectSeen(AT, Origin(), 0, facts) if facts is not None else None
    kept = repr(event).encode() + msgspec.json.encode(event) + msgspec.msgpack.encode(event)

    assert not [canary for canary in CANARIES if canary in kept]
