"""What to do about a cause: the steps that remedies.toml names for it, filled with the names of the incident.

The table and the steps (steps/*.toml) are data and part of the program; they are read once. How the table is laid out
stands at its head.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from fnmatch import fnmatchcase
from importlib import resources

import msgspec

from parsers.failure_classes import CUSTOM_PREFIX
from parsers.rules.model import Rule, RuleSet
from pipeline.engine.causes import Cause
from pipeline.engine.commands import fill_command, fill_words, names_for_commands
from pipeline.engine.incidents import Step, Victim
from pipeline.engine.products import product_of_service
from pipeline.engine.settings import DEFAULT_RUNBOOK

PHASES = ("look", "fix", "relief", "check")

_ANY = ("*",)
_FALLBACKS = {
    "service": "the service",
    "service_host": "the service",
    "host": "the server",
    "field": "the field that the message names",
    "webhook": "the webhook",
    "plugin": "the plugin",
    "function": "the place where it happens",
    "wanted_name": "as in the message",
    "clock": "where it has one",
    "not_before": "not-before",
}
"""Words for names that are not known."""


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step before its names are filled in; of the commands the first counts whose names are all known."""

    step: str
    commands: tuple[str, ...] = ()


class Remedy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"failure_class": "class"}):
    """One entry of the table: what it is for, and the steps of one or more phases."""

    failure_class: tuple[str, ...] = _ANY
    rule: tuple[str, ...] = _ANY
    culprit: tuple[str, ...] = _ANY
    carrier: tuple[str, ...] = _ANY
    product: tuple[str, ...] = _ANY
    victim: tuple[str, ...] = _ANY
    finding: tuple[str, ...] = _ANY
    look: tuple[str, ...] | None = None
    fix: tuple[str, ...] | None = None
    relief: tuple[str, ...] | None = None
    check: tuple[str, ...] | None = None


class Situation(msgspec.Struct, frozen=True):
    """What decides which remedy is taken."""

    failure_class: str
    rule: str = ""
    culprit: str = ""
    carrier: str = "none"
    product: str = ""
    victim: str = "rollout"
    finding: str = ""


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The contents of remedies.toml and of the files below steps."""

    remedy: tuple[Remedy, ...] = ()
    step: dict[str, Template] = {}


@functools.cache
def table() -> Table:
    """The table, read once."""
    here = resources.files("pipeline.engine")
    remedies = msgspec.toml.decode(here.joinpath("remedies.toml").read_bytes(), type=Table).remedy
    steps: dict[str, Template] = {}
    for file in here.joinpath("steps").iterdir():
        if not file.name.endswith(".toml"):
            continue
        steps |= msgspec.toml.decode(file.read_bytes(), type=Table).step
    return Table(remedies, steps)


def remediation_of(
    cause: Cause, victims: Sequence[Victim], rules: RuleSet, controller_namespace: str | None, finding: str = ""
) -> tuple[Step, ...]:
    """What to do, in order; commands only where every name in them is a valid one.

    `finding` is the decisive one about the certificate, or nothing.
    """
    names = names_for_commands(cause, victims[0], controller_namespace)
    situation = situation_of(cause, victims[0], finding)
    own = _users_rule(cause, rules)
    if own is None:
        return tuple(_filled(template, names) for _, template in templates_for(situation))
    own_steps = [Template(step.step, (step.command,) if step.command else ()) for step in own.remediation]
    return (
        *(_filled(template, _names_of_user(names, template)) for template in own_steps),
        *(_filled(template, names) for _, template in templates_for(situation, ("check",))),
    )


def templates_for(situation: Situation, phases: Sequence[str] = PHASES) -> tuple[tuple[str, Template], ...]:
    """Ids and templates of the steps of a situation, phase after phase, each once."""
    ids: dict[str, None] = {}
    for phase in phases:
        ids |= dict.fromkeys(_ids_of(phase, situation))
    return tuple((each, table().step[each]) for each in ids)


def remedy_of_rule(rule: Rule) -> tuple[Step, ...]:
    """What to do about failures that a rule finds, before it is known whom they are about: no names, no commands."""
    if rule.remediation:
        return tuple(Step(step.step, step.command) for step in rule.remediation)
    if rule.failure_class is None:
        return ()
    templates = templates_for(Situation(rule.failure_class, rule.id), ("fix",))
    return tuple(Step(fill_words(template.step, {}, _FALLBACKS)) for _, template in templates)


def _ids_of(phase: str, situation: Situation) -> tuple[str, ...]:
    for remedy in table().remedy:
        ids: tuple[str, ...] | None = getattr(remedy, phase)
        if ids is not None and _fits(remedy, situation):
            return ids
    return ()


def _fits(remedy: Remedy, situation: Situation) -> bool:
    for field in situation.__struct_fields__:
        patterns: tuple[str, ...] = getattr(remedy, field)
        value: str = getattr(situation, field)
        if patterns != _ANY and not any(fnmatchcase(value, pattern) for pattern in patterns):
            return False
    return True


def situation_of(cause: Cause, victim: Victim, finding: str = "") -> Situation:
    """What the table asks of a cause."""
    culprit = cause.culprit
    is_service = culprit is not None and culprit.kind == "Service"
    return Situation(
        failure_class=cause.failure_class,
        rule=cause.failure.rule if cause.failure is not None else "",
        culprit=culprit.kind if culprit is not None else "",
        carrier=_carrier_of(cause),
        product=product_of_service(culprit.name) if culprit is not None and is_service else "",
        victim=victim.kind,
        finding=finding,
    )


def _carrier_of(cause: Cause) -> str:
    failure = cause.failure
    if failure is None or not cause.is_established:
        return "none"
    if failure.is_conversion:
        return "conversion"
    if failure.webhook is not None or failure.failure_class.startswith("webhook.admission"):
        return "admission"
    return "aggregated" if cause.culprit is not None and cause.culprit.kind == "APIService" else "none"


def _users_rule(cause: Cause, rules: RuleSet) -> Rule | None:
    """The user's own rule that found the cause, if it says what to do: its author knows best."""
    if cause.failure is None or not cause.is_established:
        return None
    try:
        rule = rules.get(cause.failure.rule)
    except KeyError:
        return None
    return rule if rules.is_user_rule(rule) and rule.remediation else None


def _names_of_user(names: dict[str, str], template: Template) -> dict[str, str]:
    """In users' rules, `name` and `namespace` are those of the object of the message where its resource stands, too."""
    if not any("{resource}" in command for command in template.commands) or "object_name" not in names:
        return names
    return names | {"name": names["object_name"], "namespace": names.get("object_namespace", "")}


def _filled(template: Template, names: dict[str, str]) -> Step:
    filled = (fill_command(command, names) for command in template.commands)
    command = next((one for one in filled if one is not None), None)
    return Step(
        step=fill_words(template.step, names, _FALLBACKS), command=command.strip() if command is not None else None
    )


def runbook_of(failure_class: str, template: str) -> str | None:
    """Where to read more: the template with the class in it. The project's own pages know no class of a user's rule."""
    if not template or (template == DEFAULT_RUNBOOK and failure_class.startswith(CUSTOM_PREFIX)):
        return None
    return template.replace("{class}", failure_class)
