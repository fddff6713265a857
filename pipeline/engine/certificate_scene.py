"""What the judgement of a certificate is made from: the message, who was called, and when."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from parsers.events import CertificateFacts, Failure
from parsers.facts.references import ServiceRef
from parsers.timestamps import parse_rfc3339

ONSET_SLACK = timedelta(seconds=60)
"""A fault may look so much younger than the trouble that it caused: calls that hang are logged at their end."""


class CertificateScene(msgspec.Struct, frozen=True):
    """A failure that a certificate caused."""

    failure: Failure
    service: ServiceRef | None  # that serves the certificate; None: it is not known
    onset_at: datetime  # may be an estimate
    first_failed_at: datetime  # the first failure that was read: the trouble began no later
    last_failed_at: datetime
    leases_renewed_at: datetime | None = None  # the newest renewal in the snapshot of the objects

    @property
    def facts(self) -> CertificateFacts:
        """What the message says of the certificate."""
        return self.failure.certificate or CertificateFacts()

    @property
    def not_after(self) -> datetime | None:
        """The end that the message prints."""
        return parse_rfc3339(self.facts.not_after or "")

    @property
    def not_before(self) -> datetime | None:
        """The beginning that the message prints."""
        return parse_rfc3339(self.facts.not_before or "")

    @property
    def verified_at(self) -> datetime:
        """What the verifier took for the present; where it does not say so, when the trouble began."""
        return parse_rfc3339(self.facts.clock or "") or self.onset_at

    @property
    def is_snapshot_of_trouble(self) -> bool:
        """Whether the objects were read during the trouble: leases are renewed every ten seconds or more often."""
        renewed_at = self.leases_renewed_at
        return renewed_at is not None and self.onset_at - ONSET_SLACK <= renewed_at <= self.last_failed_at

    def was_shown(self, since: datetime | None) -> bool:
        """Whether a watch, which has shown something since then, showed it during the trouble."""
        return since is not None and since <= self.last_failed_at

    def is_younger(self, at: datetime) -> bool:
        """Whether something is too young to have caused the trouble."""
        return at > self.first_failed_at + ONSET_SLACK


def shown(at: datetime) -> str:
    """A time in a sentence."""
    return at.strftime("%Y-%m-%d %H:%M:%SZ")
