"""What is asked of the API, checked: parameters of the address, and bodies."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request

from pipeline.delivery.matching import MAX_CHARS as MAX_MATCHER_CHARS
from pipeline.engine.incidents import Severity
from pipeline.store.acknowledging import MAX_AUTHOR_CHARS, MAX_COMMENT_CHARS
from pipeline.store.delivery_queries import DeliveryFilter
from pipeline.store.queries import MAX_ROWS, IncidentFilter

MAX_REQUEST_BYTES = 65_536
MAX_MATCHERS = 30
"""Of one silence; more than anybody writes by hand."""

_Text = Annotated[str, msgspec.Meta(max_length=253, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Time = Annotated[datetime, msgspec.Meta(tz=True)]
_Author = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_AUTHOR_CHARS)]
_Comment = Annotated[str, msgspec.Meta(max_length=MAX_COMMENT_CHARS)]
_Matcher = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_MATCHER_CHARS)]
_Asked = TypeVar("_Asked", bound=msgspec.Struct)


class ListQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Parameters of the list of incidents. Those that are lists may be repeated."""

    status: tuple[Literal["open", "resolved", "merged"], ...] = ()
    severity: tuple[Severity, ...] = ()
    kind: tuple[_Text, ...] = ()
    failure_class: tuple[_Text, ...] = msgspec.field(name="class", default=())
    cluster: tuple[_Text, ...] = ()
    since: _Time | None = None  # changed then or later
    until: _Time | None = None  # opened before
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_ROWS)] = 50
    after: _Text | None = None  # `next` of the page before

    def chosen(self) -> IncidentFilter:
        """The same, as the store knows it."""
        return IncidentFilter(
            statuses=self.status,
            severities=self.severity,
            kinds=self.kind,
            classes=self.failure_class,
            clusters=self.cluster,
            since=self.since,
            until=self.until,
        )


class DeliveriesQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Parameters of the list of notifications. Those that are lists may be repeated."""

    receiver: tuple[_Text, ...] = ()
    state: tuple[Literal["pending", "sent", "dead", "superseded"], ...] = ()
    incident: _Text | None = None  # the id of one that they tell of
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_ROWS)] = 50
    after: _Text | None = None  # `next` of the page before

    def chosen(self) -> DeliveryFilter:
        """The same, as the store knows it."""
        return DeliveryFilter(receivers=self.receiver, states=self.state, incident=self.incident)


class SilencesQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Parameters of the list of silences."""

    ended: bool = False  # also those that are over


class SilenceQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is not to be told, and for how long."""

    matchers: Annotated[tuple[_Matcher, ...], msgspec.Meta(min_length=1, max_length=MAX_MATCHERS)]
    starts_at: _Time | None = None  # null: now
    ends_at: _Time
    author: _Author
    comment: _Comment = ""


class AcknowledgeQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who has seen an incident."""

    author: _Author
    comment: _Comment = ""


def read_query(request: Request, kind: type[_Asked]) -> _Asked:
    """The parameters of an address.

    Raises:
        HTTPException: 400: one of them is unknown, comes twice, or has no value that it can have.
    """
    lists = {field.encode_name for field in msgspec.structs.fields(kind) if field.default == ()}
    values: dict[str, Any] = {}
    for name in request.query_params:
        given = request.query_params.getlist(name)
        if name not in lists and len(given) > 1:
            raise HTTPException(400, f"{name}: given more than once")
        values[name] = given if name in lists else given[0]
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise HTTPException(400, str(error)) from error


async def read_body(request: Request, kind: type[_Asked]) -> _Asked:
    """The JSON that was sent.

    Raises:
        HTTPException: 413, 415 or 422: it is too large, no JSON, or of another form.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "the body has to be application/json")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_REQUEST_BYTES:
            raise HTTPException(413, f"larger than {MAX_REQUEST_BYTES} bytes")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HTTPException(422, str(error)) from error
