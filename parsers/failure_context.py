"""Fields of a failure from the matches of rules: who called whom, about what, with which certificate."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec

from parsers.events import CertificateFacts, NamedObject
from parsers.rules.model import Rule


class Match(msgspec.Struct, frozen=True):
    """Where a rule matched, and the groups that took part."""

    rule: Rule
    start: int
    end: int
    groups: Mapping[str, str]


_URL = re.compile(r"https?://([^\s\"'/?#\\<>]{1,300})([^\s\"'?#\\<>]{0,500})")
_DIAL = re.compile(r"\bdial (?:tcp|udp)[46]? (\[[0-9a-fA-F:]{2,45}\]:\d{1,5}|[\w.-]{1,253}:\d{1,5})(?=[\s:\"]|$)")
_MAX_VALID_NAMES = 100


def collect_groups(cause: Match, matches: Iterable[Match]) -> dict[str, str]:
    """Groups of the cause, then of the wrappers before it, the nearest first, then of what follows it."""
    before = [match for match in matches if match.start <= cause.start and match is not cause]
    after = [match for match in matches if match.start > cause.start]
    groups: dict[str, str] = {}
    for match in (cause, *reversed(before), *after):
        for name, value in match.groups.items():
            groups.setdefault(name, value)
    return groups


def service_of(groups: Mapping[str, str], text: str) -> tuple[str | None, str | None]:
    """Host and port of the call, as the URL has them, and the URL's path."""
    url = groups.get("url", "").replace("- ", "-")  # a host that was broken over lines
    if match := _URL.match(url):
        is_cut = not match[2] and text.endswith(url)  # the text ends within the host
        return (None, None) if is_cut else _split_url(match)
    if host := groups.get("host") or groups.get("address"):
        return host, None
    if match := _URL.search(text):
        return _split_url(match)
    if match := _DIAL.search(text):
        return match[1], None
    return groups.get("wanted_name"), None


def _split_url(match: re.Match[str]) -> tuple[str | None, str | None]:
    """Host and path. Before Go 1.14 the URL was not quoted: the colon behind it is none of its own."""
    host, path = match[1].rpartition("@")[2], match[2]
    return (host, path.rstrip(":")) if path else (host.rstrip(":"), None)


def kind_of(groups: Mapping[str, str]) -> str | None:
    """The kind in the form `group/version, Kind=Kind`."""
    if gvk := groups.get("gvk"):
        return gvk.replace(",Kind=", ", Kind=")
    if "mapping_kind" in groups and "api_group" in groups:
        return f"{groups['api_group']}, Kind={groups['mapping_kind']}"
    if go_type := groups.get("go_type"):
        version, _, kind = go_type.partition(".")
        return f"{version}, Kind={kind}"
    return None


def certificate_of(groups: Mapping[str, str]) -> CertificateFacts | None:
    """What the message says about the certificate."""
    names = tuple(name.strip() for name in groups.get("valid_names", "").split(",")[:_MAX_VALID_NAMES] if name.strip())
    facts = CertificateFacts(
        not_after=groups.get("not_after"),
        not_before=groups.get("not_before"),
        clock=groups.get("clock"),
        valid_names=names,
        wanted_name=groups.get("wanted_name"),
        candidate_authority=groups.get("candidate"),
        serial_number=groups.get("serial") or None,
        authority_key_id=groups.get("akid") or None,
    )
    return facts if facts != CertificateFacts() else None


def object_of(groups: Mapping[str, str]) -> NamedObject | None:
    """The object that the call was about."""
    resource = groups.get("resource", "")
    if not resource and "rbac_resource" in groups:
        resource = ".".join(filter(None, (groups["rbac_resource"], groups.get("rbac_group", ""))))
    elif resource and groups.get("rbac_group") and "." not in resource:
        resource = f"{resource}.{groups['rbac_group']}"
    if not resource and "gvr_resource" in groups:
        resource = f"{groups['gvr_resource']}.{groups['api_group'].partition('/')[0]}"
    name = groups.get("name", "")
    if not resource and (kind := groups.get("kind_name")):
        resource = _plural(kind)
    if not resource and (service := groups.get("service_named")):
        resource, name = "services", service
    if not resource and "invalid_kind" in groups:
        resource, name = _plural(groups["invalid_kind"]), groups["invalid_name"]
    namespace = groups.get("namespace", "")
    if not resource and (lease := groups.get("lease")):
        resource = "leases.coordination.k8s.io"
        namespace, _, name = lease.partition("/")
    return NamedObject(resource, name, namespace) if resource or name else None


def _plural(kind: str) -> str:
    """The resource of a kind, as ReplicaSet.apps: replicasets.apps. The API server forms nearly all of them so."""
    singular, dot, group = kind.lower().partition(".")
    if singular.endswith("y") and not singular.endswith("ay"):
        return f"{singular[:-1]}ies{dot}{group}"
    return f"{singular}{'es' if singular.endswith(('s', 'x', 'ch')) else 's'}{dot}{group}"


def api_group_of(groups: Mapping[str, str], *, is_of_api: bool) -> str | None:
    """The API that does not answer or does not exist; `is_of_api`: it is that of the resource that was asked for."""
    if api_group := groups.get("api_group"):
        return api_group
    if aggregated := groups.get("aggregated"):  # v1beta1.metrics.k8s.io is the APIService of metrics.k8s.io/v1beta1
        version, _, group = aggregated.partition(".")
        return f"{group}/{version}"
    if is_of_api and "." in (resource := groups.get("resource", "")):
        return resource.partition(".")[2]
    return None


def has_api_server_path(url: str) -> bool:
    """Whether a URL's path is one of an API server."""
    match = _URL.search(url)
    return bool(match and is_api_server_path(match[2].rstrip(":")))


def is_api_server_path(path: str) -> bool:
    """Whether a path is one of an API server, and not of a metric provider."""
    return _API_PATH.match(path) is not None


_API_PATH = re.compile(
    # Prometheus serves /api/v1/query, Datadog and Wavefront other paths below /api.
    r"/(?:apis(?:/|$)|api/?$|api/v1(?:/(?!query|series|label|targets|rules|alerts|metadata|status|write|read)|$)"
    r"|version/?$|openapi/|healthz|livez|readyz)"
)
