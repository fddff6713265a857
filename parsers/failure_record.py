"""The text of a log record that a failure is looked for in, and the fields that name whom it concerns."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from parsers.events import Failure
from parsers.records import LogRecord

ERROR_FIELDS = ("error", "err", "Error", "reason")
"""Where writers put the cause: logrus and zap `error`, klog `err`; cert-manager's conditions `reason`."""

_NO_ERROR = frozenset({"", "<nil>", "null", "nil", "None"})
_PEER_FIELDS = ("remote-addr", "remote-peer-id", "remote")
_TARGET_FIELDS = ("target", "endpoint", "address")


def text_of_record(record: LogRecord) -> str:
    """The message, with the cause that stands in a field of its own behind it."""
    message = record.message
    for name in ERROR_FIELDS:
        error = record.fields.get(name)
        if error is not None and error not in _NO_ERROR and error not in message:
            return f"{message}: {error}"
    return message


def with_record_fields(failure: Failure, record: LogRecord) -> Failure:
    """The failure with peer and service from fields, where its text names none."""
    peer = failure.peer or _first(record.fields, _PEER_FIELDS)
    service = failure.service
    wanted = failure.certificate.wanted_name if failure.certificate else None
    if service in {None, wanted} and (target := _first(record.fields, _TARGET_FIELDS)):
        service = target.rpartition("/")[2] or None  # etcd-endpoints://0xc000123400/10.2.3.4:2379
    if peer == failure.peer and service == failure.service:
        return failure
    return msgspec.structs.replace(failure, peer=peer, service=service)


def _first(fields: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    """The value of the first of these fields that has one."""
    return next((fields[name] for name in names if fields.get(name)), None)
