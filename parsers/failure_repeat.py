"""What differs between two attempts that fail in the same way: the verifier's clock, the caller's own port.

A stuck key repeats its message for hours, and only this part of it changes. It is exchanged in the failure that
was found the first time, instead of searching the text again.
"""

from __future__ import annotations

import re

import msgspec

from parsers.events import Failure

_VOLATILE = re.compile(
    r"current time (\d[\dTtZz:.+-]{8,40}) is |(?:read|write) (?:tcp|udp)[46]? ([\w.:\[\]]{7,60}:\d{1,5})-(?:>|\\u003e)"
)


def volatile_of(text: str) -> str:
    """The part of the text that changes at every attempt; empty if there is none."""
    if "current time " not in text and "read " not in text and "write " not in text:
        return ""
    match = _VOLATILE.search(text)
    return (match[1] or match[2]) if match else ""


def with_volatile(failure: Failure, old: str, new: str) -> Failure:
    """The failure of the same message at another attempt."""
    certificate = failure.certificate
    if certificate is not None and certificate.clock == old:
        certificate = msgspec.structs.replace(certificate, clock=new)
    return msgspec.structs.replace(
        failure,
        text=failure.text.replace(old, new),
        chain=tuple(link.replace(old, new) for link in failure.chain),
        certificate=certificate,
    )
