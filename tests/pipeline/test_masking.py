"""Names, addresses and e-mail are replaced by pseudonyms at delivery, where that is asked for."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from parsers.rules.loader import load_rules
from pipeline.classification import ClassifiedLine
from pipeline.config import RedactSettings
from pipeline.engine.settings import EngineSettings
from pipeline.replay import ReplayResult, replay
from pipeline.report.masking import Masker
from pipeline.report.pseudonyms import Pseudonyms
from pipeline.sources.files import InputFiles
from pipeline.sources.journal import ReadLimits
from tests.scenarios.scenarios import replayed

SEED = Path(__file__).parents[2] / "sample_logs" / "scenarios" / "seed-emissary-expired" / "controller.log"
EVERYTHING = RedactSettings(names=True, addresses=True, emails=True)


def _masked(text: str, *, names: bool = False, addresses: bool = False, emails: bool = False) -> str:
    pseudonyms = Pseudonyms(names=names, addresses=addresses, emails=emails)
    pseudonyms.learn("namespace", "shop")
    pseudonyms.learn("rollout", "check-out")
    pseudonyms.learn_from(text)
    return pseudonyms.mask(text)


NAMES = {
    "key": ('rollout "shop/check-out" is stuck', 'rollout "namespace-1/rollout-1" is stuck'),
    "pod of a known object": ("check-out-7d9f8c6b5-x2b4z", "rollout-1-7d9f8c6b5-x2b4z"),
    "canary of a known object": ("check-out-canary", "rollout-1-canary"),
    "word that only begins so": ("shopping check-outs", "shopping check-outs"),
    "Service's host": ("https://gate.web.svc:443/x", "https://service-1.namespace-2.svc:443/x"),
    "service account": ("system:serviceaccount:web:bot", "system:serviceaccount:namespace-2:serviceaccount-1"),
    "node": ('User "system:node:worker-7"', 'User "system:node:node-1"'),
    "path of the API": ("/namespaces/web/replicasets/gate", "/namespaces/namespace-2/replicasets/object-1"),
    "quoted object": ('services "gate" not found', 'services "object-1" not found'),
    "namespace in words": ('in the namespace "web"', 'in the namespace "namespace-2"'),
    "key in escaped quotes": ('key \\"web/gate\\"', 'key \\"namespace-2/object-1\\"'),
    "webhook with dots": ('webhook "validate.gate.io"', 'webhook "object-1"'),
    "resource stays": ('resource "rollouts"', 'resource "rollouts"'),
    "group stays": ('in API group "argoproj.io"', 'in API group "argoproj.io"'),
    "field stays": ('unknown field "spec.replica"', 'unknown field "spec.replica"'),
    "group and version stay": ('"networking.istio.io/v1alpha3"', '"networking.istio.io/v1alpha3"'),
    "namespace that everybody has": ('namespace "default"', 'namespace "default"'),
    "address stays": ("dial 10.2.3.4:443", "dial 10.2.3.4:443"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "masked"), NAMES.values(), ids=NAMES)
def test_names(text: str, masked: str) -> None:
    """What is a name by its place is hidden; words of Kubernetes are not."""
    assert masked == _masked(text, names=True)


ADDRESSES = {
    "IPv4": ("dial tcp 10.2.3.4:443: refused", "dial tcp ip-1:443: refused"),
    "the same twice": ("10.2.3.4 10.2.3.5 10.2.3.4", "ip-1 ip-2 ip-1"),
    "IPv6": ("dial tcp [fd00::1]:53", "dial tcp [ip-1]:53"),
    "name of a node": ("ip-10-2-3-4.ec2.internal", "ip-1.ec2.internal"),
    "host of a URL": ("Post https://hooks.example.com/x", "Post https://host-1/x"),
    "look-up": ("lookup db.example.com on 10.0.0.2:53", "lookup host-1 on ip-1:53"),
    "certificate": ("certificate is valid for a.b.c, not d.e.f", "certificate is valid for host-1, not host-2"),
    "loopback stays": ("127.0.0.1:8080 and [::1]:53", "127.0.0.1:8080 and [::1]:53"),
    "time stays": ("at 15:04:05 and 2026-11-23T15:54:34Z", "at 15:04:05 and 2026-11-23T15:54:34Z"),
    "version stays": ("v1.7.1 of 1.22.3.4.5", "v1.7.1 of 1.22.3.4.5"),
    "Service stays": ("https://gate.web.svc:443/x", "https://gate.web.svc:443/x"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "masked"), ADDRESSES.values(), ids=ADDRESSES)
def test_addresses(text: str, masked: str) -> None:
    """IP addresses and hosts outside of the cluster."""
    assert masked == _masked(text, addresses=True)


EMAILS = {
    "user": ('User "jane.doe+x@corp.example.com"', 'User "email-1"'),
    "in brackets": ("<a@b.io>, <c@d.io>, <a@b.io>", "<email-1>, <email-2>, <email-1>"),
    "no address": ("a@b and @c.io", "a@b and @c.io"),
}


@pytest.mark.parametrize(("text", "masked"), EMAILS.values(), ids=EMAILS)
def test_emails(text: str, masked: str) -> None:
    """E-mail addresses, and nothing that only holds an @."""
    assert masked == _masked(text, emails=True)


@pytest.fixture(scope="module")
def result() -> ReplayResult:
    """The incident that whystuck was made for."""
    files = InputFiles([str(SEED)], ReadLimits(), "eu-1")
    read_at = datetime(2026, 11, 24, tzinfo=UTC)
    return replay(files, EngineSettings(), load_rules(), read_at=read_at, with_statistics=True)


@pytest.fixture(scope="module")
def masked(result: ReplayResult) -> ReplayResult:
    """The same with everything hidden."""
    return Masker(EVERYTHING).mask_result(result)


def test_nothing_changes_by_default(result: ReplayResult) -> None:
    """Without a setting the result is the same object."""
    assert result is Masker(RedactSettings()).mask_result(result)


@pytest.mark.parametrize("name", ["production", "api-production-api", "emissary-apiext", "emissary-system", "eu-1"])
def test_incident_names_nothing(masked: ReplayResult, name: str) -> None:
    """In no field, no text, no command, no row of the statistics."""
    assert name not in msgspec.json.encode((masked.incidents, masked.statistics, masked.residue)).decode()


def test_objects_on_the_way_to_the_culprit_are_not_named() -> None:
    """A Secret and a configuration stand nowhere else in the incident; CRDs are software, not somebody's objects."""
    found: list[str] = []
    for scenario in ("certificate-stale-served", "seed-emissary-with-objects"):
        incidents = replayed(scenario)
        masker = Masker(RedactSettings(names=True))
        masker.learn(incidents)
        links = [link for one in masker.mask_all(incidents) for link in one.cause.relations]
        found += [shown for link in links for shown in (link.source, link.target)]
    assert "Secret namespace-2/secret-1" in found
    assert "CustomResourceDefinition mappings.getambassador.io" in found
    hidden = ("guard", "tools", "shop", "production", "emissary-")
    assert [] == [shown for shown in found if any(name in shown for name in hidden)]


def test_incident_keeps_its_facts(result: ReplayResult, masked: ReplayResult) -> None:
    """Ids, classes, numbers and times are what they were."""
    (before,), (after,) = result.incidents, masked.incidents
    assert (before.id, before.severity, before.cause.failure_class) == (
        after.id,
        after.severity,
        after.cause.failure_class,
    )
    assert before.victims[0].retries == after.victims[0].retries
    assert before.opened_at == after.opened_at
    assert len(before.evidence) == len(after.evidence)


def test_keys_can_be_joined(masked: ReplayResult) -> None:
    """The victim has one pseudonym in the incident, in its texts and in the statistics."""
    (incident,) = masked.incidents
    victim = incident.victims[0]
    assert ("namespace-1", "rollout-1") == (victim.namespace, victim.name)
    assert f"{victim.namespace}/{victim.name}" in incident.title
    assert masked.statistics is not None
    assert (victim.namespace, victim.name) == (masked.statistics.keys[0].namespace, masked.statistics.keys[0].name)


def test_culprit_is_told_by_its_pseudonym(masked: ReplayResult) -> None:
    """The same in the field, in the title and in the chain."""
    (incident,) = masked.incidents
    assert incident.cause.culprit is not None
    place = f"{incident.cause.culprit.name}.{incident.cause.culprit.namespace}.svc"
    assert place in incident.title
    assert any(place in link for link in incident.cause.chain)


def test_commands_stay_commands(result: ReplayResult, masked: ReplayResult) -> None:
    """As many words as before, and those that are no names are the same."""
    for before, after in zip(result.incidents[0].remediation, masked.incidents[0].remediation, strict=True):
        if before.command is not None and after.command is not None:
            assert len(shlex.split(before.command)) == len(shlex.split(after.command))
            assert before.command.split()[0] == after.command.split()[0]


def test_object_that_is_called_like_a_command_does_not_break_it() -> None:
    """`kubectl get` stays, whatever somebody calls a Rollout."""
    pseudonyms = Pseudonyms(names=True, addresses=False, emails=False)
    pseudonyms.learn("rollout", "get")
    assert "kubectl get rollout x" == pseudonyms.mask("kubectl get rollout x", is_command=True)


def _line(text: str, key: str | None) -> ClassifiedLine:
    return ClassifiedLine(
        source="/logs/shop/controller.log", line=1, line_end=1, at=None, failure_class="unknown", also=(), rule="",
        webhook=None, service=None, kind=None, certificate=None, peer=None, key=key, retries=None, text=text,
    )  # fmt: skip


def test_name_is_hidden_in_lines_before_the_one_that_tells_it() -> None:
    """A stream of lines is read to its end first."""
    lines = [_line("cannot reach check-out", None), _line("the gate is shut", "rollout shop/check-out")]
    first, second = Masker(RedactSettings(names=True)).mask_lines(lines)
    assert "cannot reach rollout-1" == first.text
    assert "rollout namespace-1/rollout-1" == second.key
    assert "/logs/namespace-1/controller.log" == first.source


def test_lines_with_emails_only_are_a_stream() -> None:
    """Nothing has to be learned, so nothing waits."""
    lines = iter([_line("asked a@b.io", None), _line("x", None)])
    masked = Masker(RedactSettings(emails=True)).mask_lines(lines)
    assert "asked email-1" == next(masked).text
    assert 1 == len(list(lines))
