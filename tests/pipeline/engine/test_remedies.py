"""Every cause has steps; commands are valid, name nothing that a log could smuggle in, and end with a check."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from parsers.events import Failure, NamedObject
from parsers.failure_classes import FAILURE_CLASSES
from parsers.rules.loader import load_rules
from parsers.rules.model import Role, Rule, RuleSet
from parsers.rules.model import Step as RuleStep
from pipeline.engine import remedies
from pipeline.engine.causes import Basis, Cause
from pipeline.engine.commands import PATTERNS, fill_command, fill_words, placeholders_of
from pipeline.engine.culprits import Culprit
from pipeline.engine.incidents import FindingName, Step, Victim
from pipeline.engine.products import PRODUCTS
from pipeline.engine.remedies import PHASES, Situation, remediation_of, runbook_of, situation_of, table, templates_for
from pipeline.engine.settings import DEFAULT_RUNBOOK

CULPRITS = (
    "Service",
    "Webhook",
    "APIServer",
    "APIService",
    "Endpoint",
    "CustomResourceDefinition",
    "ServiceAccount",
    "User",
    "ResourceQuota",
    "LimitRange",
    "ValidatingAdmissionPolicy",
    "MutatingAdmissionPolicy",
    "PodSecurity",
    "Function",
    "Lease",
    "Plugin",
    "Controller",
    "Rollout",
    "AnalysisRun",
    "Experiment",
    "Ingress",
    "analysistemplates",
    "configmaps",
    "",
)
CARRIERS = ("conversion", "admission", "aggregated", "none")
CLASSES = (*FAILURE_CLASSES, "custom.lock")
CERTIFICATE_CLASSES = ("tls.expired", "tls.not_yet_valid", "tls.unknown_authority")
VICTIMS = ("rollout", "experiment", "analysisrun", "service", "ingress", "controller")
VALID = {
    "namespace": "shop",
    "name": "web",
    "victim_resource": "rollouts.argoproj.io",
    "controller_namespace": "argo-rollouts",
    "webhook": "check.guard.dev",
    "service": "guard.tools.svc:443",
    "service_namespace": "tools",
    "service_name": "guard",
    "service_host": "guard.tools.svc",
    "service_port": "443",
    "host": "10.9.8.7",
    "port": "6443",
    "kind": "meshes.dev/v2",
    "crd": "routes.meshes.dev",
    "crd_kind": "Route",
    "group": "meshes.dev",
    "api_service": "v1beta1.metrics.meshes.dev",
    "resource": "replicasets.apps",
    "object_name": "web-1",
    "object_namespace": "shop",
    "right_namespace": "shop",
    "right_resource": "rollouts.argoproj.io",
    "subresource": "status",
    "lease_name": "argo-rollouts-controller-lock",
    "lease_namespace": "argo-rollouts",
    "user": "system:serviceaccount:tools:deployer",
    "account_namespace": "tools",
    "account_name": "deployer",
    "verb": "update",
    "quota": "team",
    "quota_namespace": "shop",
    "policy": "replica-limit",
    "plugin": "labs/meshRouter",
    "field": "spec.strategy.canary.steps[1].setWeight",
    "function": "rollout.(*Controller).reconcile",
    "clock": "2031-02-03T04:05:06Z",
    "not_before": "2031-02-03T04:05:06+02:00",
    "not_after": "2031-02-03T04:05:06.5Z",
    "wanted_name": "guard.tools.svc",
}
HOSTILE = (
    "",
    " ",
    "web; rm -rf /",
    "$(id)",
    "`id`",
    "web\nid",
    "web\n",
    "-n",
    "--kubeconfig=x",
    "web'",
    'web"',
    "web|id",
    "web&",
    "web>x",
    "~web",
    "{name}",
    "we\\b",
    "we\u202eb",
    "wéb",
    "x" * 300,
)
NOW = datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)


def _victim(kind: str = "rollout", namespace: str | None = "shop", name: str | None = "web") -> Victim:
    return Victim(
        kind=kind,  # type: ignore[arg-type]
        namespace=namespace,
        name=name,
        retries=371,
        last_retries=371,
        retries_per_second=0.1,
        failures=9,
        first_seen_at=NOW,
        last_seen_at=NOW,
        stuck_since_at=NOW,
        stuck_since_is_estimate=False,
        recovered_at=None,
        pace="failing",
        last_error=None,
        is_stale=False,
    )


def _cause(failure: Failure | None, culprit: Culprit | None, basis: Basis = Basis.OWN_ERROR) -> Cause:
    return Cause(failure=failure, culprit=culprit, identity="x", basis=basis)


EMISSARY = _cause(
    Failure(
        failure_class="tls.expired",
        rule="tls.expired",
        text="conversion webhook for meshes.dev/v2, Kind=Route failed",
        is_conversion=True,
        service="emissary-apiext.emissary-system.svc:443",
        kind="getambassador.io/v2, Kind=Mapping",
    ),
    Culprit("Service", "emissary-apiext", "emissary-system", "emissary-apiext.emissary-system.svc:443"),
)


def _situations() -> Iterator[Situation]:
    """What the engine could ask for, and more."""
    rules = {*(rule for remedy in table().remedy for rule in remedy.rule if rule != "*"), ""}
    for failure_class, culprit, carrier in itertools.product(CLASSES, CULPRITS, CARRIERS):
        yield Situation(failure_class, "", culprit, carrier)
    for failure_class, rule, victim in itertools.product(CLASSES, rules, VICTIMS):
        yield Situation(failure_class, rule, "Service", victim=victim)
        yield Situation(failure_class, rule, victim=victim)
    for failure_class, product, carrier in itertools.product(FAILURE_CLASSES, PRODUCTS, ("conversion", "admission")):
        yield Situation(failure_class, "", "Service", carrier, product.name)
    for failure_class, culprit, finding in itertools.product(CERTIFICATE_CLASSES, CULPRITS, get_args(FindingName)):
        yield Situation(failure_class, "", culprit, "conversion", finding=finding)


SITUATIONS = tuple(_situations())


def test_every_situation_has_something_to_look_at_to_repair_and_to_check() -> None:
    """None of the phases that everybody needs is empty; a cause that is not known has nothing to repair."""
    for situation in SITUATIONS:
        for phase in ("look", "fix", "check"):
            assert templates_for(situation, (phase,)), (phase, situation)


def test_steps_end_with_a_check_and_a_check_follows_no_other_step() -> None:
    """What comes last says whether it helped."""
    for situation in SITUATIONS:
        is_check = [template.step.startswith("Check: ") for _, template in templates_for(situation)]
        assert is_check[-1], situation
        assert sorted(is_check) == is_check, situation


def test_every_entry_is_taken_for_some_situation() -> None:
    """An entry behind a more general one would be dead."""
    taken = set()
    for situation in SITUATIONS:
        for phase in PHASES:
            ids = tuple(each for each, _ in templates_for(situation, (phase,)))
            taken.add((phase, ids))
    for remedy in table().remedy:
        for phase in PHASES:
            ids = getattr(remedy, phase)
            assert ids is None or (phase, ids) in taken, remedy


def test_table_names_only_what_exists() -> None:
    """Steps, classes, rules and products of the table are those of the program; every step is used."""
    used = {each for remedy in table().remedy for phase in PHASES for each in getattr(remedy, phase) or ()}
    rules = {rule.id for rule in load_rules()}
    products = {product.name for product in PRODUCTS}
    assert used == table().step.keys()
    for remedy in table().remedy:
        assert {*remedy.rule} <= {*rules, "*"}, remedy
        assert {*remedy.product} <= {*products, "*"}, remedy
        assert {*remedy.carrier} <= {*CARRIERS, "*"}, remedy
        assert {*remedy.victim} <= {*VICTIMS, "*"}, remedy
        assert all("*" in each or each in FAILURE_CLASSES for each in remedy.failure_class), remedy


def test_no_step_is_written_twice() -> None:
    """In two files, one of them would be lost without a word."""
    files = (Path(remedies.__file__).parent / "steps").glob("*.toml")
    ids = [each for file in files for each in tomllib.loads(file.read_text(encoding="utf-8"))["step"]]
    assert sorted(table().step) == sorted(ids)


COMMANDS = [(each, command) for each, template in table().step.items() for command in template.commands]


@pytest.mark.parametrize("command", [pytest.param(command, id=each) for each, command in COMMANDS])
def test_command_fills_with_valid_names_into_what_a_shell_reads(command: str) -> None:
    """`bash -n` reads without running. What is left in braces belongs to jsonpath or awk."""
    assert {*placeholders_of(command)} <= PATTERNS.keys()
    filled = fill_command(command, VALID)
    assert filled is not None
    assert [] == placeholders_of(filled)
    bash = shutil.which("bash")
    assert bash is not None
    assert b"" == subprocess.run([bash, "-n", "-c", filled], capture_output=True, check=True).stderr


@pytest.mark.parametrize("placeholder", PATTERNS)
def test_placeholder_takes_a_valid_name_and_nothing_that_a_shell_would_obey(placeholder: str) -> None:
    """A hostile value leaves the command out; in a sentence a word stands for it."""
    assert PATTERNS[placeholder].fullmatch(VALID[placeholder])
    for value in HOSTILE:
        assert fill_command(f"echo {{{placeholder}}}", {placeholder: value}) is None, value
        assert "a word" == fill_words(f"{{{placeholder}}}", {placeholder: value}, {placeholder: "a word"}), value


@pytest.mark.parametrize("value", [value for value in HOSTILE if value.strip()])
def test_nothing_hostile_reaches_a_step(value: str) -> None:
    """Every name of the failure, of its culprit and of its victim is hostile: no step holds any of it."""
    failure = Failure(
        failure_class="unknown",
        rule="none",
        text=f'{value} cannot get resource "pods/{value}" in API group "{value}"',
        webhook=value,
        service=value,
        kind=f"{value}/v1, Kind={value}",
        named_object=NamedObject(value, value, value),
        api_group=f"{value}/{value}",
        user=value,
        verb=value,
        quota=value,
        policy=value,
        location=value,
        plugin=value,
    )
    for failure_class, kind in itertools.product(CLASSES, CULPRITS):
        named = Failure(
            **{field: getattr(failure, field) for field in failure.__struct_fields__} | {"failure_class": failure_class}
        )
        cause = _cause(named, Culprit(kind, value, value, value))
        for step in remediation_of(cause, [_victim("rollout", value, value)], load_rules(), value):
            assert value not in step.step
            # A short value may be part of the template itself, so the whole word is looked for.
            assert f" {value} " not in f" {step.command or ''} ".replace(" -n ", " ")


def test_expired_certificate_of_emissary() -> None:
    """The incident that whystuck was made for."""
    steps = remediation_of(EMISSARY, [_victim()], load_rules(), None)
    commands = [step.command or "" for step in steps]
    assert (
        "kubectl -n emissary-system delete secret emissary-ingress-webhook-ca"
        " && kubectl -n emissary-system rollout restart deployment/emissary-apiext"
    ) in commands
    every_version = "kubectl get Mapping.$version.getambassador.io --all-namespaces | head -n 3"
    assert any(every_version in command for command in commands)
    assert commands[-2] == "kubectl -n shop get rollouts.argoproj.io web -o wide"
    assert "grep -F -e web" in commands[-1]
    assert all("{" not in step.step for step in steps)


def test_fix_of_a_product_is_only_for_its_own_service() -> None:
    """The same message about another service does not delete Emissary's Secret."""
    culprit = Culprit("Service", "guard", "tools", "guard.tools.svc:443")
    steps = remediation_of(_cause(EMISSARY.failure, culprit), [_victim()], load_rules(), None)
    assert not any("emissary-ingress-webhook-ca" in (step.command or "") for step in steps)


def test_namespace_of_the_controller_is_the_one_of_the_log() -> None:
    """Where the log tells it; else that of the manifests."""
    known = remediation_of(EMISSARY, [_victim()], load_rules(), "ops")[-1].command or ""
    unknown = remediation_of(EMISSARY, [_victim()], load_rules(), None)[-1].command or ""
    assert "kubectl -n ops logs" in known
    assert "kubectl -n argo-rollouts logs" in unknown


ACCOUNT = "system:serviceaccount:tools:deployer"
FORBIDDEN = {
    "in a namespace": (
        'cannot update resource "deployments" in API group "apps" in the namespace "shop"',
        NamedObject("deployments.apps", "web", "shop"),
        f"kubectl auth can-i update deployments.apps --as={ACCOUNT} -n shop",
    ),
    "at the cluster scope": (
        'cannot update resource "pods" in API group "" at the cluster scope',
        NamedObject("pods"),
        f"kubectl auth can-i update pods --as={ACCOUNT} --all-namespaces",
    ),
    "of a subresource": (
        'cannot update resource "rollouts/status" in API group "argoproj.io" in the namespace "shop"',
        NamedObject("rollouts.argoproj.io", "web", "shop"),
        f"kubectl auth can-i update rollouts.argoproj.io --subresource=status --as={ACCOUNT} -n shop",
    ),
}


@pytest.mark.parametrize(("text", "named", "command"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_question_about_a_right_is_the_one_that_was_refused(text: str, named: NamedObject, command: str) -> None:
    """Not of the victim's namespace where the refusal is for the cluster, and with the subresource."""
    failure = Failure(
        failure_class="rbac.forbidden",
        rule="rbac.forbidden",
        text=f'it is forbidden: User "{ACCOUNT}" {text}',
        named_object=named,
        user=ACCOUNT,
        verb="update",
    )
    steps = remediation_of(
        _cause(failure, Culprit("ServiceAccount", "deployer", "tools")), [_victim()], load_rules(), None
    )
    assert command == steps[0].command
    assert command in [step.command for step in steps if step.step.startswith("Check: ")]


def test_cause_that_is_not_established_blames_nobody() -> None:
    """No command of it changes anything."""
    for failure in (None, EMISSARY.failure):
        steps = remediation_of(_cause(failure, None, Basis.NONE), [_victim()], load_rules(), None)
        assert steps
        for step in steps:
            assert not any(word in (step.command or "") for word in ("delete", "restart", "patch", "apply", "emissary"))


def test_steps_of_a_users_rule_come_first_and_are_followed_by_the_check() -> None:
    """Who writes a rule knows what to do; its names are validated like ours."""
    rule = Rule(
        id="custom.lock",
        role=Role.CAUSE,
        literals=("locked",),
        pattern="locked",
        source="ours",
        explanation="It is locked.",
        samples_match=("locked",),
        failure_class="custom.lock",
        remediation=(RuleStep("Unlock {name}", "kubectl -n {namespace} get {resource} {name}"),),
    )
    failure = Failure(
        failure_class="custom.lock", rule="custom.lock", text="locked", named_object=NamedObject("doors.labs", "d1")
    )
    rules = RuleSet(load_rules(), [rule])
    steps = remediation_of(_cause(failure, Culprit("Rollout", "web", "shop")), [_victim()], rules, None)
    assert Step("Unlock d1", "kubectl -n shop get doors.labs d1") == steps[0]
    assert all(step.step.startswith("Check: ") for step in steps[1:])


def test_situation_knows_the_product_by_the_service() -> None:
    """Only a Service has a product."""
    assert "Emissary-ingress" == situation_of(EMISSARY, _victim()).product
    assert "" == situation_of(_cause(EMISSARY.failure, Culprit("Endpoint", host="x")), _victim()).product


@pytest.mark.parametrize(
    ("failure_class", "template", "url"),
    [
        ("tls.expired", DEFAULT_RUNBOOK, "docs/causes/tls.expired.md"),
        ("tls.expired", "https://wiki.example/{class}/", "https://wiki.example/tls.expired/"),
        ("tls.expired", "https://wiki.example/stuck", "https://wiki.example/stuck"),
        ("tls.expired", "", None),
        ("custom.lock", DEFAULT_RUNBOOK, None),
        ("custom.lock", "https://wiki.example/{class}", "https://wiki.example/custom.lock"),
    ],
)
def test_runbook(failure_class: str, template: str, url: str | None) -> None:
    """A user's class has no page of ours."""
    assert url == runbook_of(failure_class, template)
