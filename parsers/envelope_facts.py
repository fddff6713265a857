"""What the members of a JSON envelope tell about a line: its time, level, namespace, pod, container and cluster."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from parsers.envelope_names import Role, plain_name, role_of
from parsers.text import scrub
from parsers.wrapper import Wrapper

_DEEPEST: Final = 5
_MOST_MEMBERS: Final = 256
_LONGEST_VALUE: Final = 512
# Names whose object holds its own `name`: {"pod": {"name": "…"}}.
_NAMED: Final = frozenset(("pod", "namespace", "container", "cluster"))
# /var/log/containers/POD_NAMESPACE_CONTAINER-ID.log, also with dots for slashes in a tag or a stream's name.
_CONTAINER_FILE: Final = re.compile(
    r"(?:^|containers[./]|/)(?P<pod>[a-z0-9][a-z0-9.\-]{0,252})_(?P<namespace>[a-z0-9][a-z0-9\-]{0,62})"
    r"_(?P<container>[a-z0-9][a-z0-9\-]{0,62})-[0-9a-f]{64}"
)
_POD_DIRECTORY: Final = re.compile(
    r"/pods/(?P<namespace>[a-z0-9\-]{1,63})_(?P<pod>[a-z0-9.\-]{1,253})_[0-9a-f\-]{32,36}/(?P<container>[a-z0-9\-]{1,63})/"
)
_DOCKER_NAME: Final = re.compile(r"/?k8s_(?P<container>[^_]{1,63})_(?P<pod>[^_]{1,253})_(?P<namespace>[^_]{1,63})_")

Found = dict[Role, str | int | float]


def facts_of(members: Mapping[str, Any], inner: str = "") -> Wrapper:
    """Collect what an envelope tells; what stands higher up wins over what stands in its groups."""
    found: Found = {}
    _collect(members.items(), found, "", 0)
    time = found.get(Role.TIME, found.get(Role.LATE_TIME))
    return Wrapper(
        inner,
        time,
        str(found.get(Role.LEVEL, "")),
        str(found.get(Role.CLUSTER, "")),
        str(found.get(Role.NAMESPACE, "")),
        str(found.get(Role.POD, "")),
        str(found.get(Role.CONTAINER, "")),
    )


def _collect(members: Iterable[tuple[str, Any]], found: Found, parent: str, depth: int) -> None:
    groups: list[tuple[str, Any]] = []
    for count, (name, value) in enumerate(members):
        if count >= _MOST_MEMBERS:
            break
        role = role_of(parent + name if parent in _NAMED else name)
        if role is Role.OTHER or (name == "namespace" and parent == "attributes"):
            continue  # the second is Datadog's: a field of the record itself
        item = value[0] if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str) else value
        if isinstance(item, str | int | float):
            _take(role, item, found)  # Elasticsearch puts single values into lists
        elif isinstance(item, dict | list):
            groups.append((name, item))
    if depth < _DEEPEST:
        for name, value in groups:
            _collect(_pairs_of(value), found, plain_name(name), depth + 1)


def _take(role: Role, value: str | float, found: Found) -> None:
    if isinstance(value, bool) or role in (Role.GROUP, Role.TAGS):
        if role is Role.TAGS and isinstance(value, str):
            _collect(_pairs_of(value.split(",")), found, "", _DEEPEST)
        return
    if isinstance(value, str):
        value = scrub(value[:_LONGEST_VALUE])
        if role is Role.FILE:
            _take_names_of_file(value, found)
            return
        if role in (Role.POD, Role.CONTAINER) and (match := _DOCKER_NAME.match(value)):
            _take_groups(match, found)
            return
        if not value:
            return
    elif role not in (Role.TIME, Role.LATE_TIME, Role.LEVEL):
        return
    found.setdefault(role, value)


def _take_names_of_file(path: str, found: Found) -> None:
    start = path.rfind("containers")
    match = _CONTAINER_FILE.search(path, max(start, 0)) or _POD_DIRECTORY.search(path)
    if match is not None:
        _take_groups(match, found)


def _take_groups(match: re.Match[str], found: Found) -> None:
    for role, name in ((Role.POD, "pod"), (Role.NAMESPACE, "namespace"), (Role.CONTAINER, "container")):
        found.setdefault(role, match[name])


def _pairs_of(value: object) -> Iterable[tuple[str, Any]]:
    """Give the members of an object, of OpenTelemetry's list of attributes, or of a list of `name:value`."""
    if isinstance(value, dict):
        return value.items()
    if not isinstance(value, list):
        return ()
    pairs: list[tuple[str, Any]] = []
    for item in value[:_MOST_MEMBERS]:
        if isinstance(item, str):
            name, _, text = item.partition(":")
            pairs.append((name.strip(), text.strip()))
        elif isinstance(item, dict) and isinstance(item.get("key"), str):
            inner = item.get("value")
            pairs.append((item["key"], inner.get("stringValue") if isinstance(inner, dict) else inner))
    return pairs
