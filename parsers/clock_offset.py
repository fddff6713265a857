"""How far the clock of who verified a certificate is from the time at which the record of it was written."""

from __future__ import annotations

import msgspec

from parsers.events import Failure
from parsers.records import LogRecord, TimeBasis
from parsers.timestamps import parse_rfc3339

_OWN = (TimeBasis.RECORD, TimeBasis.ENVELOPE)


def with_clock_offset(failure: Failure, record: LogRecord) -> Failure:
    """The failure with the offset of the clock in its text, where the record has a time and zone of its own.

    Only for records that are written when the failure happens; one that repeats an older text compares nothing.
    """
    certificate = failure.certificate
    if certificate is None or certificate.clock is None or record.at is None:
        return failure
    if record.is_zone_assumed or record.time_basis not in _OWN:
        return failure
    clock = parse_rfc3339(certificate.clock)
    if clock is None:
        return failure
    ahead = round((clock - record.at).total_seconds())
    return msgspec.structs.replace(failure, certificate=msgspec.structs.replace(certificate, clock_ahead_seconds=ahead))
