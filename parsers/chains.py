"""Verification of a certificate chain as the API server does it: the verdict that Go's crypto/x509 would give.

`cryptography` gives the pieces (parsing, signatures); its own verifier keeps to the Web's rules and refuses what
clusters live with: a self-signed leaf in its own caBundle, authorities without key identifiers or key usage, roots of
version 1. So the path is built here, step by step like Go 1.26 crypto/x509 verify.go (Verify, buildChains, isValid).
Not looked at: certificate policies. Importing this module imports `cryptography`, so import it where it is used.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec

from parsers.certificate_names import matches_host, needs_alternative_names
from parsers.chain_nodes import Node
from parsers.facts.certificates import CertificateInfo

MAX_SIGNATURE_CHECKS: Final = 100
"""As in Go: beyond this a path is given up."""


class ChainOutcome(enum.Enum):
    """What Go says about a chain; the names are those of the tls failure classes where there is one."""

    OK = "ok"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    UNKNOWN_AUTHORITY = "unknown_authority"
    NAME_MISMATCH = "name_mismatch"
    NO_SAN = "no_san"
    NOT_A_CA = "not_a_ca"
    INCOMPATIBLE_USAGE = "incompatible_usage"
    OTHER = "other"


class ChainVerdict(msgspec.Struct, frozen=True):
    """The outcome, and which authority was to blame for it, if one was."""

    outcome: ChainOutcome
    hint: ChainOutcome | None = None  # of an unknown authority: not_a_ca, or other: it has not signed this
    candidate: CertificateInfo | None = None  # the authority that was refused; None: there was none, or it is the leaf
    chain: tuple[CertificateInfo, ...] = ()  # leaf first, where the outcome is ok


def verify_chain(
    leaf: CertificateInfo,
    intermediates: Iterable[CertificateInfo],
    roots: Iterable[CertificateInfo],
    dns_name: str,
    at: datetime,
) -> ChainVerdict:
    """Say what a client in Go says about a server that shows `leaf` and `intermediates`.

    Args:
        leaf: the server's own certificate.
        intermediates: what it sends along.
        roots: what the client trusts: the caBundle.
        dns_name: the host that is called, name or address; empty: not checked.
        at: the client's clock.
    """
    server = Node(leaf)
    if not server.is_readable or server.has_unhandled_critical:
        return ChainVerdict(ChainOutcome.OTHER)
    refusal = _refusal_by_time(server, at)
    if refusal is None and dns_name and not matches_host(leaf, dns_name):
        is_legacy = needs_alternative_names(leaf, dns_name, has_alternative_names=server.has_alternative_names)
        refusal = ChainOutcome.NO_SAN if is_legacy else ChainOutcome.NAME_MISMATCH
    if refusal is not None:
        return ChainVerdict(refusal)
    trusted = _readable(roots)
    if any(root.facts.der == leaf.der for root in trusted):
        return _judge([(server,)])
    paths, refused = _PathBuilder(trusted, _readable(intermediates), at).build((server,))
    return _judge(paths) if paths else refused


class _PathBuilder:
    """All paths from a leaf to a root."""

    def __init__(self, roots: Sequence[Node], intermediates: Sequence[Node], at: datetime) -> None:
        self._pools = ((True, roots), (False, intermediates))
        self._at = at
        self._check_count = 0

    def build(self, path: tuple[Node, ...]) -> tuple[list[tuple[Node, ...]], ChainVerdict]:
        """The paths that go on from this one, and the verdict in case that there is none.

        As in Go: an authority that has signed but is not valid decides, the last one if there are several; else the
        authority is unknown, and the hint tells of the first candidate.
        """
        found: list[tuple[Node, ...]] = []
        hint: ChainVerdict | None = None
        refused: ChainVerdict | None = None
        for is_root, parent in self._candidates(path[-1]):
            self._check_count += 1
            if self._check_count > MAX_SIGNATURE_CHECKS:
                return found, ChainVerdict(ChainOutcome.OTHER)
            if any(parent.is_same_as(known) for known in path):
                continue
            if not parent.may_sign or not parent.has_signed(path[-1]):
                why = ChainOutcome.OTHER if parent.may_sign else ChainOutcome.NOT_A_CA
                hint = hint or ChainVerdict(ChainOutcome.UNKNOWN_AUTHORITY, why, parent.facts)
                continue
            refusal = _refuse_authority(parent, path, self._at, is_root=is_root)
            if refusal is not None:
                refused = ChainVerdict(refusal, candidate=parent.facts)
            elif is_root:
                found.append((*path, parent))
            else:
                below, refused = self.build((*path, parent))
                found += below
        return found, refused or hint or ChainVerdict(ChainOutcome.UNKNOWN_AUTHORITY)

    def _candidates(self, child: Node) -> Iterator[tuple[bool, Node]]:
        """Roots first, those with the key identifier that the child names before others."""
        for is_root, pool in self._pools:
            parents = [parent for parent in pool if parent.subject == child.issuer]
            yield from ((is_root, one) for one in sorted(parents, key=lambda one: one.key_id_distance(child)))


def _refuse_authority(authority: Node, path: tuple[Node, ...], at: datetime, *, is_root: bool) -> ChainOutcome | None:
    """Why one that has signed is not valid."""
    if authority.has_unhandled_critical:
        return ChainOutcome.OTHER
    refusal = _refusal_by_time(authority, at)
    if refusal is not None:
        return refusal
    if not is_root and not authority.is_authority:
        return ChainOutcome.NOT_A_CA
    limit = authority.max_path_length
    return ChainOutcome.OTHER if limit is not None and len(path) - 1 > limit else None


def _refusal_by_time(node: Node, at: datetime) -> ChainOutcome | None:
    """The last second itself is still valid, any part of it beyond is not."""
    if at < node.facts.not_before:
        return ChainOutcome.NOT_YET_VALID
    return ChainOutcome.EXPIRED if at > node.facts.not_after else None


def _judge(paths: Sequence[tuple[Node, ...]]) -> ChainVerdict:
    """What is left of the paths when usages and name constraints are looked at."""
    fit = [path for path in paths if all(node.allows_servers for node in path)]
    good = next((path for path in fit if _keeps_constraints(path)), None)
    if good is not None:
        return ChainVerdict(ChainOutcome.OK, chain=tuple(node.facts for node in good))
    return ChainVerdict(ChainOutcome.OTHER if fit else ChainOutcome.INCOMPATIBLE_USAGE)


def _keeps_constraints(path: tuple[Node, ...]) -> bool:
    return all(above.permits_names_of(node) for number, node in enumerate(path) for above in path[number + 1 :])


def _readable(certificates: Iterable[CertificateInfo]) -> list[Node]:
    nodes = (Node(one) for one in dict.fromkeys(certificates))
    return [node for node in nodes if node.is_readable]
