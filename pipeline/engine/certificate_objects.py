"""The certificate of a message held against the Secret it should come from and the caBundle that should trust it.

A snapshot shows the objects at its own time. It is believed where it shows that they were so during the trouble; where
they may have been repaired since, that is said and nothing concluded. A watch shows since when they have been so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

import msgspec

from parsers.certificate_names import matches_host
from parsers.facts.certificates import CertificateInfo, SecretFacts
from parsers.facts.references import ServiceRef
from parsers.facts.seen import AnyFacts
from pipeline.engine.api_names import group_kind_of
from pipeline.engine.ca_bundles import CaBundle
from pipeline.engine.certificate_scene import CertificateScene, shown
from pipeline.engine.incidents import CertificateFinding
from pipeline.engine.inventory import Inventory

if TYPE_CHECKING:
    from parsers.chains import ChainVerdict

BACKDATING: Final = timedelta(hours=2)
"""Issuers let certificates begin up to an hour in the past; one that began earlier was there already."""


class Kept(msgspec.Struct, frozen=True):
    """What a Secret keeps for a service."""

    secret: SecretFacts
    leaf: CertificateInfo | None  # None: the Secret keeps an authority only
    intermediates: tuple[CertificateInfo, ...]
    authorities: tuple[CertificateInfo, ...]
    shown_since: datetime | None = None  # a watch has shown these since then; None: nobody saw the Secret change

    def was_there(self, scene: CertificateScene) -> bool:
        """Whether the Secret certainly held its certificate during the trouble."""
        at = scene.last_failed_at
        if scene.is_snapshot_of_trouble or (self.secret.changed_at is not None and self.secret.changed_at <= at):
            return True
        if scene.was_shown(self.shown_since):
            return True
        return self.leaf is not None and self.leaf.not_before + BACKDATING <= at


class Comparison(msgspec.Struct, frozen=True):
    """What the objects tell about the certificate of a message."""

    certificate: CertificateInfo | None = None  # the one that the message is about
    finding: CertificateFinding | None = None
    at_fault_since: datetime | None = None
    objects: tuple[str, ...] = ()  # that hold the certificate


def compare(scene: CertificateScene, inventory: Inventory) -> Comparison:
    """Hold the message against the objects; an empty answer where they say nothing about it."""
    if scene.service is None:
        return Comparison()
    kept = _kept_for(scene.service, inventory)
    bundles = _bundles_for(scene, inventory)
    match scene.failure.failure_class:
        case "tls.expired":
            return _compare_expired(scene, kept, bundles)
        case "tls.unknown_authority":
            return _compare_untrusted(scene, kept, bundles)
        case "tls.not_yet_valid" | "tls.name_mismatch" | "tls.no_san" if kept is not None and kept.leaf is not None:
            return _same_as_kept(kept, kept.leaf) if _is_of_message(kept.leaf, scene) else Comparison()
    return Comparison()


def _kept_for(service: ServiceRef, inventory: Inventory) -> Kept | None:
    """The one Secret of the service; None where there are several and nothing tells which one is used."""
    kept = [
        msgspec.structs.replace(
            _kept(secret, service), shown_since=inventory.shown_since(secret.ref, partial(_holds_same, secret))
        )
        for secret in inventory.secrets_of(service)
    ]
    leaves = [one for one in kept if one.leaf is not None and matches_host(one.leaf, service.host)]
    chosen = leaves or kept
    return chosen[0] if len(chosen) == 1 else None


def _kept(secret: SecretFacts, service: ServiceRef) -> Kept:
    """A server's Secret holds its certificate first; that of a server which makes its own, only an authority."""
    first, *rest = secret.certificates or (None,)
    if first is not None and first.is_ca and not matches_host(first, service.host):
        return Kept(secret, None, (), (*secret.authorities, *secret.certificates))
    return Kept(secret, first, tuple(one for one in rest if one is not None), secret.authorities)


def _holds_same(secret: SecretFacts, facts: AnyFacts) -> bool:
    """Whether a version of the Secret held the same certificates."""
    if not isinstance(facts, SecretFacts):
        return False
    return (facts.certificates, facts.authorities) == (secret.certificates, secret.authorities)


def _bundles_for(scene: CertificateScene, inventory: Inventory) -> list[CaBundle]:
    """The caBundle of the webhook that the message names; of all that call the service where it names none of them."""
    if scene.service is None:
        return []
    failure = scene.failure
    bundles = inventory.ca_bundles_of(scene.service)
    if failure.webhook is not None:
        return [one for one in bundles if one.webhook == failure.webhook] or bundles
    if failure.is_conversion and failure.kind is not None:
        return [one for one in bundles if one.kind == group_kind_of(failure.kind)] or bundles
    return bundles


def _same_as_kept(kept: Kept, certificate: CertificateInfo, at_fault_since: datetime | None = None) -> Comparison:
    return Comparison(certificate, None, at_fault_since, (str(kept.secret.ref),))


def _is_of_message(leaf: CertificateInfo, scene: CertificateScene) -> bool:
    """Whether a message is about this certificate, by what of it the message prints."""
    facts = scene.facts
    if facts.serial_number is not None:
        return facts.serial_number == leaf.serial_number
    match scene.failure.failure_class:
        case "tls.not_yet_valid":
            return scene.not_before == leaf.not_before
        case "tls.name_mismatch":
            return bool(facts.valid_names) and set(facts.valid_names) == {*leaf.dns_names, *leaf.ip_addresses}
        case _:
            return not leaf.dns_names and not leaf.ip_addresses


def _compare_expired(scene: CertificateScene, kept: Kept | None, bundles: Sequence[CaBundle]) -> Comparison:
    """The refused one is known by its end: the Secret's own, an authority, or one that the Secret has no more."""
    end = scene.not_after
    leaf = kept.leaf if kept is not None else None
    if end is None:
        return Comparison()
    if kept is not None and leaf is not None and leaf.not_after == end:
        return _same_as_kept(kept, leaf, end)
    authority = _authority_ending(end, kept, bundles)
    if authority is not None:
        return authority
    if kept is None or leaf is None or leaf.not_after <= end:
        return Comparison()
    refused = f"the refused one ended at {shown(end)}"
    return _not_as_kept(kept, leaf, scene, f"{refused}{_distrusted(scene, kept, bundles)}", end, ())


def _distrusted(scene: CertificateScene, kept: Kept, bundles: Sequence[CaBundle]) -> str:
    """What would come next where the caller does not trust what the Secret holds either."""
    if scene.service is None:
        return ""
    for bundle in bundles:
        outcome = _verdict(kept, bundle, scene.service.host, scene.verified_at).outcome
        if outcome.value != "ok":
            return f", and with the caBundle of {bundle.ref} the new one is refused, too ({outcome.value})"
    return ""


def _authority_ending(end: datetime, kept: Kept | None, bundles: Sequence[CaBundle]) -> Comparison | None:
    held = [(one, bundle.ref) for bundle in bundles for one in bundle.certificates]
    if kept is not None:
        held += [(one, kept.secret.ref) for one in (*kept.intermediates, *kept.authorities)]
    found = [(one, ref) for one, ref in held if one.not_after == end]
    if not found:
        return None
    authority = found[0][0]
    objects = tuple(dict.fromkeys(str(ref) for one, ref in found if one == authority))
    what = f"the authority {authority.subject} ended at {shown(end)}: a new certificate from it is refused, too"
    return Comparison(authority, CertificateFinding("authority_expired", what, objects), end, objects)


def _not_as_kept(
    kept: Kept,
    leaf: CertificateInfo,
    scene: CertificateScene,
    refused: str,
    since: datetime | None,
    others: tuple[str, ...],
) -> Comparison:
    """The Secret holds a good certificate and another one was refused: the old one is served, or all is repaired."""
    secret = str(kept.secret.ref)
    holds = f"{secret} holds a certificate valid from {shown(leaf.not_before)} to {shown(leaf.not_after)}; {refused}"
    if kept.was_there(scene):
        what = f"{holds}. The server still serves the old one"
        return Comparison(None, CertificateFinding("stale_served_certificate", what, (secret, *others)), since)
    return Comparison(None, _later(f"{holds}", (secret, *others), scene), since)


def _later(holds: str, objects: tuple[str, ...], scene: CertificateScene) -> CertificateFinding:
    what = (
        f"{holds}. The objects may be younger than the failures, the last of which was at "
        f"{shown(scene.last_failed_at)}: either the old state is still in use, or it was repaired since"
    )
    return CertificateFinding("snapshot_is_later", what, objects)


def _compare_untrusted(scene: CertificateScene, kept: Kept | None, bundles: Sequence[CaBundle]) -> Comparison:
    if kept is None or scene.service is None or not bundles:
        return Comparison()
    if kept.leaf is None:
        bundle = next((one for one in bundles if not _holds_any(one, kept.authorities)), None)
        return _compare_ages(scene, kept, bundle, kept.authorities) if bundle is not None else Comparison()
    if scene.is_younger(kept.leaf.not_before):
        holds = (
            f"{kept.secret.ref} holds a certificate valid from {shown(kept.leaf.not_before)}, after the trouble began"
        )
        return Comparison(None, _later(holds, (str(kept.secret.ref),), scene))
    verdicts = [(bundle, _verdict(kept, bundle, scene.service.host, scene.verified_at)) for bundle in bundles]
    refusing = [bundle for bundle, verdict in verdicts if verdict.outcome.value == "unknown_authority"]
    if refusing:
        issuers = [one for one in (*kept.intermediates, *kept.authorities) if one.subject == kept.leaf.issuer]
        return _compare_ages(scene, kept, refusing[0], issuers or [kept.leaf])
    if all(verdict.outcome.value == "ok" for _, verdict in verdicts):
        return _fitting(scene, kept, kept.leaf, bundles)
    return Comparison()


def _holds_any(bundle: CaBundle, certificates: Sequence[CertificateInfo]) -> bool:
    return not {one.sha256 for one in bundle.certificates}.isdisjoint(one.sha256 for one in certificates)


def _verdict(kept: Kept, bundle: CaBundle, host: str, at: datetime) -> ChainVerdict:
    assert kept.leaf is not None
    return _verify(kept.leaf, kept.intermediates, bundle.certificates, host, at)


@lru_cache(maxsize=256)
def _verify(
    leaf: CertificateInfo,
    intermediates: tuple[CertificateInfo, ...],
    roots: tuple[CertificateInfo, ...],
    host: str,
    at: datetime,
) -> ChainVerdict:
    from parsers.chains import verify_chain

    return verify_chain(leaf, intermediates, roots, host, at)


def _fitting(scene: CertificateScene, kept: Kept, leaf: CertificateInfo, bundles: Sequence[CaBundle]) -> Comparison:
    """Secret and caBundle belong together, and yet the served certificate was refused."""
    refs = tuple(str(bundle.ref) for bundle in bundles)
    fits = f"the caBundle of {refs[0]} trusts it, and another one was refused"
    known = [bundle.changed_at for bundle in bundles if bundle.changed_at is not None]
    is_unchanged = len(known) == len(bundles) and max(known) <= scene.last_failed_at
    if is_unchanged or scene.is_snapshot_of_trouble or all(scene.was_shown(one.shown_since) for one in bundles):
        return _not_as_kept(kept, leaf, scene, fits, None, refs)
    holds = f"{kept.secret.ref} holds a certificate valid from {shown(leaf.not_before)}; {fits}"
    return Comparison(None, _later(holds, (str(kept.secret.ref), *refs), scene))


def _compare_ages(
    scene: CertificateScene, kept: Kept, bundle: CaBundle, signers: Sequence[CertificateInfo]
) -> Comparison:
    """The caBundle does not trust what the Secret holds: which of the two is the older one is stale."""
    objects = (str(kept.secret.ref), str(bundle.ref))
    signed_at = max((one.not_before for one in signers), default=None)
    if signed_at is None:
        return Comparison()
    trusted_at = max(one.not_before for one in bundle.certificates)
    trusted = f"the caBundle of {bundle.ref} trusts {bundle.certificates[0].subject}, valid from {shown(trusted_at)}"
    differs = f"{trusted}; what {kept.secret.ref} holds was signed by another key"
    if scene.is_younger(max(signed_at, trusted_at)):
        return Comparison(None, _later(differs, objects, scene))
    if trusted_at < signed_at:
        what = f"{differs}, valid from {shown(signed_at)}. The authority was renewed, and the caBundle did not follow"
        return Comparison(kept.leaf, CertificateFinding("stale_ca_bundle", what, objects), signed_at, objects[:1])
    what = f"{differs}, valid from {shown(signed_at)}"
    return Comparison(kept.leaf, CertificateFinding("unknown_authority", what, objects), trusted_at, objects[:1])
