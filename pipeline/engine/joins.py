"""Joins a key's own error with what other logs and objects say about the same thing.

A join needs a name that both sides have, or a relation that the objects show. Being near in time is never enough, and
what began after the key was stuck, in a log that was watched before, explains nothing. A component's note that its
certificate has ended explains only what nothing else does: who is refused for a certificate mostly says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from parsers.events import Failure, ObjectKey
from parsers.records import Origin
from parsers.timestamps import parse_time
from pipeline.engine.api_names import plural_of
from pipeline.engine.causes import Basis, Cause, depth_of
from pipeline.engine.culprits import Aliases, Culprit, culprit_of, may_be_converted, service_culprit
from pipeline.engine.inventory import Inventory, service_ref_of
from pipeline.engine.products import is_log_of, services_converting
from pipeline.engine.tallies import Tally

SHALLOW_CLASSES = (
    "apiserver.unreachable",
    "apiserver.overloaded",
    "webhook.conversion_unreachable",
    "webhook.conversion_failed",
    "webhook.admission_unreachable",
    "webhook.timeout",
    "tls.handshake_eof",
    "network.timeout",
)
"""Classes that may have a deeper reason which only another log tells."""

SLACK = timedelta(seconds=60)
"""A call that hangs is logged at its end: evidence may be printed this long after the trouble it explains began."""


class Witness(msgspec.Struct, frozen=True):
    """A failure that another origin told of, and since when that origin was watched."""

    tally: Tally
    watched_since: datetime
    is_notice: bool = False  # a component's note of a certificate's end: nobody was seen to be refused

    def is_too_late(self, spot: Spot) -> bool:
        """Whether it began when the key was stuck already, though it would have been seen before; or after the end."""
        began_at = self.tally.first.at
        if spot.ended_at is not None and began_at > spot.ended_at:
            return True
        if self.is_notice and self._ended_after(spot.first_failed_at + SLACK):
            return True
        return began_at > spot.onset_at + SLACK and self.watched_since < spot.onset_at

    def _ended_after(self, at: datetime) -> bool:
        """Whether the certificate was still good then."""
        certificate = self.tally.failure.certificate
        not_after = parse_time(certificate.not_after) if certificate is not None else None
        return not_after is not None and not_after.at > at


class Spot(msgspec.Struct, frozen=True):
    """Whose trouble a join is about, and when it was."""

    key: ObjectKey
    onset_at: datetime  # as far as it is known: may be an estimate
    first_failed_at: datetime  # the first failure that was read
    ended_at: datetime | None


def deepen(cause: Cause, witnesses: Sequence[Witness], spot: Spot, aliases: Aliases, inventory: Inventory) -> Cause:
    """The cause with the deeper reason that another log gives, where one does; the same cause otherwise."""
    cause = _by_relation(cause, aliases)
    failure = cause.failure
    if failure is None or (cause.is_established and failure.failure_class not in SHALLOW_CLASSES):
        return cause
    names = names_of(failure, aliases)
    services = services_behind(failure, aliases, inventory)
    least = min(depth_of(failure.failure_class), 2)
    matching = [
        witness.tally
        for witness in witnesses
        if depth_of(witness.tally.failure.failure_class) < least
        and not (witness.is_notice and cause.is_established)
        and not witness.is_too_late(spot)
        and (
            _names_the_same(failure, witness.tally.failure, names, aliases)
            or _is_own_trouble(witness.tally, services, aliases)
        )
    ]
    if not matching:
        return cause
    best = min(matching, key=lambda tally: (depth_of(tally.failure.failure_class), -tally.count, tally.first))
    culprit = _accused(failure, best, spot.key, aliases, services)
    return Cause(
        failure=best.failure,
        culprit=culprit,
        identity=culprit.identity,
        basis=Basis.NAMED_OBJECT,
        first=cause.first,
        explained_count=cause.explained_count,
        evidence=tuple(matching),
    )


def _by_relation(cause: Cause, aliases: Aliases) -> Cause:
    """A cause whose culprit only the objects name is known by relation."""
    failure = cause.failure
    if failure is None or not cause.is_established or failure.service is not None:
        return cause
    is_related = cause.culprit is not None and cause.culprit.kind == "Service" and aliases.is_of_objects(failure)
    return msgspec.structs.replace(cause, basis=Basis.RELATION) if is_related else cause


def _accused(failure: Failure, witness: Tally, key: ObjectKey, aliases: Aliases, services: frozenset[str]) -> Culprit:
    """Who is to blame: the one that the key's own error names; else whose log the evidence stands in."""
    if failure.api_group or failure.service or witness.failure.service:
        return culprit_of(failure if failure.api_group or failure.service else witness.failure, key, aliases)
    origin = witness.last.origin
    name = next((name for name in sorted(services) if is_log_of(origin, (name.partition(".")[0],))), "")
    if "." in name:
        return service_culprit(f"{name}.svc")
    return Culprit("Service", name, origin.namespace) if name else culprit_of(witness.failure, key, aliases)


def _names_the_same(failure: Failure, other: Failure, names: frozenset[str], aliases: Aliases) -> bool:
    """Whether two failures name something in common, and not two Services: both may have a webhook of one name."""
    if failure.service is not None and other.service is not None:
        ours, theirs = service_ref_of(failure.service), service_ref_of(other.service)
        if ours is not None and theirs is not None and ours.host != theirs.host:
            return False
    return bool(names & names_of(other, aliases))


def _is_own_trouble(tally: Tally, services: frozenset[str], aliases: Aliases) -> bool:
    """Whether a certificate failure is one of the services' own pods, and not that of somebody whom they call."""
    return tally.failure.failure_class.startswith("tls.") and is_of_services(
        tally.failure, tally.last.origin, services, aliases
    )


def is_of_services(failure: Failure, origin: Origin, services: frozenset[str], aliases: Aliases) -> bool:
    """Whether a failure is one of some services (as `services_behind` gives them): named, or told by their own log.

    What their log says of another address is of whom they call.
    """
    service = aliases.service_of(failure)
    if service is not None:
        reference = service_ref_of(service)
        return reference is not None and not services.isdisjoint(
            (reference.name, f"{reference.name}.{reference.namespace}")
        )
    return is_log_of(origin, [name.partition(".")[0] for name in services])


def services_behind(failure: Failure, aliases: Aliases, inventory: Inventory) -> frozenset[str]:
    """Services (`name.namespace`, or a product's `name`) that a call passes through, by objects and known products."""
    found: set[str] = set()
    service = aliases.service_of(failure)
    reference = service_ref_of(service) if service is not None else None
    if reference is not None:
        found.add(f"{reference.name}.{reference.namespace}")
    named = failure.named_object
    if named is not None and may_be_converted(named.resource):
        plural, _, group = named.resource.partition(".")
        crd = inventory.crd(group=group, plural=plural)
        if crd is not None and crd.conversion is not None:
            found.add(f"{crd.conversion.name}.{crd.conversion.namespace}")
        elif crd is None:
            found |= services_converting(named.resource)
    return frozenset(found)


def names_of(failure: Failure, aliases: Aliases) -> frozenset[str]:
    """What a failure names, in a form in which two failures can be compared."""
    names: set[str] = set()
    service = aliases.service_of(failure)
    reference = service_ref_of(service) if service is not None else None
    if reference is not None:
        names.add(f"service {reference.host}")
    if failure.webhook is not None:
        names.add(f"webhook {failure.webhook}")
    if failure.is_conversion and failure.kind is not None:
        group_version, _, kind = failure.kind.partition(", Kind=")
        names.add(f"resource {plural_of(kind)}.{group_version.rpartition('/')[0]}")
    if failure.api_group is not None:
        names.add(f"api {failure.api_group.partition('/')[0]}")
    if failure.named_object is not None and may_be_converted(failure.named_object.resource):
        names.add(f"resource {failure.named_object.resource}")
    return frozenset(names)
