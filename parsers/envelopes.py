"""Wrappers that are text: what kubectl, runtimes, tailing tools and terminals put around a record's line.

Sources: kubectl logs --timestamps and --prefix (staging/src/k8s.io/kubectl/pkg/cmd/logs); CRI
(kubernetes/cri-api log format: `TIME stdout|stderr P|F text`); stern's, kail's, kubetail's and logcli's default output;
journald's short, short-iso and short-precise output; RFC 5424; exports `TIME | text`; k9s' box drawing.
JSON wrappers are in `envelope_json`, parts of long lines in `partial_lines`.
A text that no wrapper is known for is returned as None: it is the record itself.
"""

from __future__ import annotations

import re
from typing import Final

from parsers.recognise import looks_like_record
from parsers.wrapper import Wrapper

_RFC3339: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)"
_NAME: Final = r"[a-z0-9](?:[a-z0-9.\-]{0,251}[a-z0-9])?"
_TIMED: Final = re.compile(
    rf"(?P<time>{_RFC3339})(?:[ ](?P<stream>stdout|stderr)[ ](?P<tag>[FP])(?::\w+)?(?:[ ]|$)|[ ]?\|[ ]|[ \t]+|$)"
)
_LEVEL_FOLLOWS: Final = re.compile(
    r"[\t ]+(?:\[?(?:TRACE|DEBUG|INFO|WARN|WARNING|ERROR|DPANIC|PANIC|FATAL)\b[\]\t ]"
    r"|(?:trace|debug|info|warn|warning|error|fatal)(?:\t|[ ]{2}))"
)
_KUBECTL_PREFIX: Final = re.compile(rf"\[pod/(?P<pod>{_NAME})/(?P<container>[^\]\s]{{1,100}})\][ ]?")
_KUBETAIL_PREFIX: Final = re.compile(rf"\[(?P<pod>{_NAME})(?:[ /](?P<container>{_NAME}))?\][ \t]+")
_LABELS: Final = re.compile(r'\{(?P<labels>[A-Za-z_]\w*="[^"]*+"(?:,\s*[A-Za-z_]\w*="[^"]*+")*+,?)\}[ \t]+')
_LABEL: Final = re.compile(r'(?P<name>[A-Za-z_]\w*)="(?P<value>[^"]*+)"')
_STERN_NAME: Final = re.compile(_NAME)
_KAIL: Final = re.compile(rf"(?P<namespace>{_NAME})/(?P<pod>{_NAME})\[(?P<container>{_NAME})\]:[ ]")
_JOURNAL: Final = re.compile(
    r"(?:<\d{1,3}>)?(?P<time>(?:[A-Z][a-z]{2}|1?\d月)[ ]{1,2}\d{1,2}[ ]\d\d:\d\d:\d\d(?:\.\d{1,9})?"
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d))[ ]"
    r"[\w.\-]{1,255}[ ][\w.\-@:/]{1,255}(?:\[\d{1,10}\])?:(?:[ ]|$)"
)
_JOURNAL_HEADLESS: Final = re.compile(r"[\w.\-]{1,255}[ ][\w.\-@]{1,255}\[\d{1,10}\]:[ ]")
_SYSLOG_5424: Final = re.compile(
    rf"<\d{{1,3}}>1[ ](?P<time>{_RFC3339}|-)(?:[ ]\S{{1,255}}){{4}}[ ](?:-|\[[^\]]{{0,4000}}\])[ ]"
)
_LOKI_PAIR: Final = re.compile(r'\[\s*"(?P<time>\d{16,19})"\s*,\s*(?P<inner>".*")\s*\],?', re.DOTALL)
_BOX_EDGES: Final = "│┃║|▏▕"
_HEAD_REACH: Final = 600  # no head of a line is longer


def peel(text: str) -> Wrapper | None:
    """Take one layer off a text that does not begin with `{"`; None where there is none."""
    first = text[:1]
    if first.isdecimal():
        return _peel_time(text) or (_peel_journal(text) if "月" in text[:4] else None)
    if first in _BOX_EDGES:
        return _peel_box(text)
    if first == "[":
        return _peel_bracket(text)
    if first == "{":
        return _peel_labels(text)
    if first == "<":
        return _peel_syslog(text)
    if text.startswith(("time=", "level=", "ts=")) or not first.isalpha():
        return None
    return _peel_names(text)


def _peel_time(text: str) -> Wrapper | None:
    match = _TIMED.match(text)
    if match is None:
        return None
    inner = text[match.end() :]
    if match["stream"]:
        return Wrapper(_same_of_all_lines(inner, _TIMED), match["time"], is_cut=match["tag"] == "P")
    if _LEVEL_FOLLOWS.match(text, match.end("time")):
        return None  # the time is the record's own: zap or hclog
    if (journal := _JOURNAL.match(text)) and looks_like_record(text[journal.end() :]):
        return Wrapper(text[journal.end() :], journal["time"])
    return Wrapper(_same_of_all_lines(inner, _TIMED), match["time"])


def _peel_bracket(text: str) -> Wrapper | None:
    match = _KUBECTL_PREFIX.match(text)
    if match is not None:
        inner = _same_of_all_lines(text[match.end() :], _KUBECTL_PREFIX)
        return Wrapper(inner, pod=match["pod"], container=match["container"])
    match = _KUBETAIL_PREFIX.match(text)
    if match is not None and looks_like_record(text[match.end() :]):
        inner = _same_of_all_lines(text[match.end() :], _KUBETAIL_PREFIX)
        return Wrapper(inner, pod=match["pod"], container=match["container"] or "")
    match = _LOKI_PAIR.fullmatch(text)
    return Wrapper(match["inner"], match["time"]) if match else None


def _peel_labels(text: str) -> Wrapper | None:
    match = _LABELS.match(text)
    if match is None:
        return None
    labels = {label["name"]: label["value"] for label in _LABEL.finditer(match["labels"])}
    return Wrapper(
        text[match.end() :],
        cluster=labels.get("cluster", ""),
        namespace=labels.get("namespace", ""),
        pod=labels.get("pod", "") or labels.get("pod_name", ""),
        container=labels.get("container", "") or labels.get("container_name", ""),
    )


def _peel_names(text: str) -> Wrapper | None:
    match = _KAIL.match(text) if "]: " in text[:_HEAD_REACH] else None
    if match is not None and looks_like_record(text[match.end() :]):
        inner = _same_of_all_lines(text[match.end() :], _KAIL)
        return Wrapper(inner, namespace=match["namespace"], pod=match["pod"], container=match["container"])
    return _peel_stern(text) or _peel_journal(text)


def _peel_stern(text: str) -> Wrapper | None:
    """Take `pod container ` or `namespace pod container ` off; prose may begin with such words too.

    So a pod's name must hold a hyphen, and a record or a time must follow.
    """
    words = text[:_HEAD_REACH].replace(" › ", " ", 1).split(" ", 3)
    for count in (2, 3):
        names = words[:count]
        if len(words) <= count or not all(_STERN_NAME.fullmatch(name) for name in names):
            return None
        if "-" not in names[-2]:
            continue
        start = text.index(names[-1], text.index(names[-2]) + len(names[-2])) + len(names[-1]) + 1
        if looks_like_record(text[start:]):
            inner = text[start:].replace("\n" + text[:start], "\n")
            return Wrapper(inner, namespace=names[-3] if count > 2 else "", pod=names[-2], container=names[-1])
    return None


def _peel_journal(text: str) -> Wrapper | None:
    match = _JOURNAL.match(text)
    if match is not None:
        return Wrapper(_same_of_all_lines(text[match.end() :], _JOURNAL), match["time"])
    match = _JOURNAL_HEADLESS.match(text) if "]: " in text[:_HEAD_REACH] else None
    return Wrapper(text[match.end() :]) if match and looks_like_record(text[match.end() :]) else None


def _peel_syslog(text: str) -> Wrapper | None:
    match = _SYSLOG_5424.match(text)
    if match is not None:
        return Wrapper(text[match.end() :].lstrip("\ufeff"), None if match["time"] == "-" else match["time"])
    return _peel_journal(text)


def _peel_box(text: str) -> Wrapper | None:
    inner = "\n".join(line.strip().strip(_BOX_EDGES).strip() for line in text.split("\n"))
    if text[0] == "|" and not looks_like_record(inner):
        return None  # a table, or a quotation
    return Wrapper(inner)


def _same_of_all_lines(text: str, pattern: re.Pattern[str]) -> str:
    """Take the same wrapper off the following lines of a record that was put together from several."""
    if "\n" not in text:
        return text
    first, *following = text.split("\n")
    lines = [line[match.end() :] if (match := pattern.match(line)) else line for line in following]
    return "\n".join((first, *lines))
