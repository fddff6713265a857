"""Under which names shippers put a line's text, time and origin: one table instead of a parser a vendor.

Names are compared without case, `_`, `-`, `.`, `@`, `/` and blanks, so that `PodName`, `pod_name` and
`kubernetes.pod.name` are one. Sources: Fluent Bit and Fluentd kubernetes filters, Vector kubernetes_logs, Filebeat and
ECS, Promtail and logcli, CloudWatch Logs and Insights, Google Cloud Logging's LogEntry, Splunk exports and HEC, Datadog
logs API, Azure ContainerLog and ContainerLogV2, OpenTelemetry's log data model, journald's export fields, Docker.
"""

from __future__ import annotations

import enum
import functools
from typing import Final

_LONGEST_NAME: Final = 100


class Role(enum.IntEnum):
    """What a member of an envelope is; integers, for these are looked up once for every member of every line."""

    OTHER = enum.auto()
    TIME = enum.auto()
    LATE_TIME = enum.auto()  # when the shipper or the store took it: used where there is no other
    LEVEL = enum.auto()
    NAMESPACE = enum.auto()
    POD = enum.auto()
    CONTAINER = enum.auto()
    CLUSTER = enum.auto()
    FILE = enum.auto()  # a path or a stream's name that holds pod, namespace and container
    GROUP = enum.auto()  # an object, or a list of pairs, that holds such members
    TAGS = enum.auto()  # a list of `name:value`


TEXT_NAMES: Final = (
    *("log", "line", "textpayload", "raw", "logentry", "logmessage", "rawlog", "rawmessage", "original"),
    *("message", "msg", "body", "content", "event", "text", "fullmessage", "jsonpayload", "source", "result", "json"),
    *("logprocessed", "structured", "data", "attributes", "stringvalue", "payload", "fields", "record"),
    *("resourcelogs", "scopelogs", "logrecords"),
)
"""Where the text of the line may be, or an object with the parsed line; the first that is there wins."""

OWN_TEXT_NAMES: Final = frozenset(("message", "msg", "event", "text"))
"""Names that log records themselves use: their text is the record's message unless it looks like a record."""

OBJECT_NAMES: Final = frozenset(
    ("jsonpayload", "source", "result", "json", "logprocessed", "structured", "data", "attributes", "fields", "record")
) | frozenset(("resourcelogs", "scopelogs", "logrecords"))
"""Names whose value counts only as an object: as text they mean something else."""

FIELD_GROUPS: Final = ("attributes", "fields", "extra")
"""Objects in which a shipper keeps the rest of a record whose message it took out."""

_ROLES: Final = {
    Role.TIME: (
        *("time", "timestamp", "date", "ts", "datetime", "timegenerated", "eventtime", "realtimetimestamp", "tsns"),
        *("timeunixnano", "sourcerealtimetimestamp", "timestampns", "logtimestamp", "t"),
    ),
    Role.LATE_TIME: ("ingestiontime", "receivetimestamp", "observedtimeunixnano", "observedtimestamp", "indextime"),
    Role.LEVEL: ("level", "severity", "severitytext", "loglevel", "lvl", "priority", "status", "detectedlevel"),
    Role.NAMESPACE: ("namespace", "namespacename", "podnamespace", "kubenamespace", "namespacelabel"),
    Role.POD: ("pod", "podname", "instancepod"),
    Role.CONTAINER: ("container", "containername", "kubecontainername"),
    Role.CLUSTER: ("cluster", "clustername", "kubecluster", "kubeclustername", "clusterid"),
    Role.FILE: ("tag", "filename", "file", "filepath", "path", "logstream", "logstreamname", "logfilepath", "logname"),
    Role.GROUP: (
        *("kubernetes", "k8s", "resource", "labels", "metadata", "orchestrator", "stream", "docker", "streamlabels"),
        *(
            "resourceattributes",
            "logattributes",
            "attributes",
            "fields",
            "pod",
            "namespace",
            "container",
            "cluster",
            "log",
        ),
    ),
    Role.TAGS: ("tags", "ddtags"),
}
_BY_NAME: Final = {name: role for role, names in reversed(_ROLES.items()) for name in names}
_PREFIXES: Final = ("kubernetes", "k8s", "resourcelabels", "resourceattributes", "attributes", "labels", "orchestrator")
_SIGNS: Final = str.maketrans("", "", "_-.@/ ")


@functools.lru_cache(maxsize=4096)
def plain_name(name: str) -> str:
    """Give a name as it is compared."""
    return name[:_LONGEST_NAME].translate(_SIGNS).lower()


@functools.lru_cache(maxsize=4096)
def role_of(name: str) -> Role:
    """Tell what a member of this name is, whatever object it stands in."""
    plain = plain_name(name)
    role = _BY_NAME.get(plain)
    while role is None:
        prefix = next((prefix for prefix in _PREFIXES if plain.startswith(prefix) and plain != prefix), None)
        if prefix is None:
            return Role.OTHER
        plain = plain.removeprefix(prefix)
        role = _BY_NAME.get(plain)
    return role
