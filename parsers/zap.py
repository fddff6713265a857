r"""zap's console form, and hclog: a time, a level word, perhaps a logger and a caller, then the message.

Source: go.uber.org/zap v1.27 zapcore/console_encoder.go (time, level, logger, caller, message, JSON of the fields,
parted by tabs), as controller-runtime and Emissary's api-ext print it; hashicorp/go-hclog v1.6 intlogger.go
(`2006-01-02T15:04:05.000Z [INFO]  name: message: key=value`), as plugin processes print it.
Tabs may have become blanks on the way: then logger and caller are known by their shape (`controller-runtime.webhook`,
`healthz/healthz.go:60`). The time may be RFC 3339, zap's ISO 8601 or epoch seconds, the level may carry colours.
A text without a time and a level word in front is neither: None.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from parsers.json_lines import decode_object, fields_of
from parsers.logfmt import read_fields
from parsers.reading import Reading, level_of
from parsers.records import Format, Level
from parsers.timestamps import parse_time

_HEAD: Final = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
    r"|\d{9,10}(?:\.\d{1,9})?|\d(?:\.\d{1,17})?e\+?\d\d)"
    r"(?:[\t ]+(?P<level>TRACE|DEBUG|INFO|WARN|WARNING|ERROR|DPANIC|PANIC|FATAL)"
    # In small letters a word of prose may follow a time: zap's has a tab, or what became of one, on both sides.
    r"|(?:\t|[ ]{2,})(?P<small>trace|debug|info|warn|warning|error|dpanic|panic|fatal)(?=\t|[ ]{2}))"
    r"(?P<parting>[\t ]+|$)"
)
_HCLOG: Final = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)"
    r" \[(?P<level>TRACE|DEBUG|INFO|WARN|ERROR)\] +(?:(?P<logger>[\w.\-/@ ]{1,120}): ?)?"
)
_CALLER: Final = re.compile(r"[\w.\-/@]{1,200}\.go:\d{1,6}")
_LOGGER: Final = re.compile(r"(?:envoy )?[A-Za-z][\w\-/@]*(?:\.[\w\-/@]+)*")
_LOGGER_SHAPE: Final = re.compile(r"[a-z][a-z0-9]*(?:[.\-/][A-Za-z0-9]+)+")
_LAST_FIELDS: Final = re.compile(r"[\t ](?=\{\")")
_HCLOG_FIELDS: Final = re.compile(r": (?=[A-Za-z_]\w*=)")


def read_zap_console(text: str, hint: datetime | None = None) -> Reading | None:
    """Read one record of zap's console encoder; None where the text is none."""
    head = _HEAD.match(text)
    if head is None:
        return None
    rest = text[head.end() :]
    names: dict[str, str] = {}
    if "\t" in head["parting"] or "\t" in rest:
        message, fields = _split_tabs(rest, names)
    else:
        message, fields = _split_blanks(rest, names)
    level = level_of(head["level"] or head["small"])
    return _reading(head["time"], level, message, names | fields, hint)


def read_hclog(text: str, hint: datetime | None = None) -> Reading | None:
    """Read one line of go-hclog; None where the text is none."""
    head = _HCLOG.match(text)
    if head is None:
        return None
    message = text[head.end() :]
    fields: dict[str, str] = {"logger": head["logger"]} if head["logger"] else {}
    parting = _HCLOG_FIELDS.search(message)
    # A plugin's own record (`time="…" level=…`) comes as the whole message; its fields are not hclog's.
    if parting and not message.startswith(("time=", "level=", "{")):
        fields |= read_fields(message[parting.end() :])
        message = message[: parting.start()]
    return _reading(head["time"], level_of(head["level"]), message, fields, hint)


def _reading(time: str, level: Level, message: str, fields: dict[str, str], hint: datetime | None) -> Reading:
    moment = parse_time(time, hint)
    return Reading(
        message.strip(),
        Format.ZAP_CONSOLE,
        fields,
        level,
        moment.at if moment else None,
        is_zone_assumed=moment is not None and moment.is_zone_assumed,
    )


def _split_tabs(rest: str, names: dict[str, str]) -> tuple[str, dict[str, str]]:
    first, _, stack = rest.partition("\n")  # an error's stack follows on lines of its own
    parts = [part for part in first.split("\t") if part]
    fields: dict[str, str] = {}
    if parts and parts[-1].startswith("{"):
        fields = _json_fields(parts[-1])
        parts = parts[:-1] if fields or parts[-1] == "{}" else parts
    # Logger and caller are told by their shape; a message alone is never taken for a name.
    if len(parts) > 1 and _LOGGER.fullmatch(parts[0]) and not _CALLER.fullmatch(parts[0]):
        names["logger"] = parts.pop(0)
    if len(parts) > 1 and _CALLER.fullmatch(parts[0]):
        names["caller"] = parts.pop(0)
    if stack:
        fields.setdefault("stacktrace", stack)
    return "\t".join(parts), fields


def _split_blanks(rest: str, names: dict[str, str]) -> tuple[str, dict[str, str]]:
    word, _, after = rest.lstrip().partition(" ")
    if _LOGGER_SHAPE.fullmatch(word) and after and not _CALLER.fullmatch(word):
        names["logger"] = word
        rest = after
        word, _, after = rest.lstrip().partition(" ")
    if _CALLER.fullmatch(word) and after:
        names["caller"] = word
        rest = after
    for opening in _LAST_FIELDS.finditer(rest):
        fields = _json_fields(rest[opening.end() :])
        if fields:
            return rest[: opening.start()], fields
        break
    return rest, {}


def _json_fields(text: str) -> dict[str, str]:
    decoded = decode_object(text)
    return fields_of(decoded.members) if decoded else {}
