"""The authorities that the callers of a webhook trust."""

from __future__ import annotations

from datetime import datetime

import msgspec

from parsers.facts.admission import CrdFacts, WebhookConfigurationFacts
from parsers.facts.certificates import CertificateInfo
from parsers.facts.references import ObjectRef
from parsers.facts.seen import AnyFacts


class CaBundle(msgspec.Struct, frozen=True):
    """The authorities that the callers of a webhook trust."""

    ref: ObjectRef  # where it is written
    certificates: tuple[CertificateInfo, ...]
    changed_at: datetime | None = None  # of that object, where it says so
    webhook: str = ""  # of an admission webhook, its name
    kind: str = ""  # of a conversion webhook, the kind that it converts, as Kind.group
    shown_since: datetime | None = None  # a watch has shown it like this since then; None: nobody saw it become so


def trusts(webhook: str, ca_bundle: tuple[CertificateInfo, ...], facts: AnyFacts) -> bool:
    """Whether an object has a caBundle, of an admission webhook or of its conversion."""
    match facts:
        case CrdFacts():
            return facts.ca_bundle == ca_bundle
        case WebhookConfigurationFacts():
            return any((one.name, one.ca_bundle) == (webhook, ca_bundle) for one in facts.webhooks)
    return False
