"""What is asked of the API, checked: parameters of the address, and bodies."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request

from pipeline.engine.incidents import Severity
from pipeline.store.acknowledging import MAX_AUTHOR_CHARS, MAX_COMMENT_CHARS
from pipeline.store.queries import MAX_ROWS, IncidentFilter

MAX_REQUEST_BYTES = 65_536

_Text = Annotated[str, msgspec.Meta(max_length=253, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Time = Annotated[datetime, msgspec.Meta(tz=True)]
_Asked = TypeVar("_Asked")


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


class AcknowledgeQuestion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who has seen an incident."""

    author: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_AUTHOR_CHARS)]
    comment: Annotated[str, msgspec.Meta(max_length=MAX_COMMENT_CHARS)] = ""


_LISTS = {field.encode_name for field in msgspec.structs.fields(ListQuestion) if field.default == ()}


def read_list_question(request: Request) -> ListQuestion:
    """The parameters of a list.

    Raises:
        HTTPException: 400: one of them is unknown, comes twice, or has no value that it can have.
    """
    values: dict[str, Any] = {}
    for name in request.query_params:
        given = request.query_params.getlist(name)
        if name not in _LISTS and len(given) > 1:
            raise HTTPException(400, f"{name}: given more than once")
        values[name] = given if name in _LISTS else given[0]
    try:
        return msgspec.convert(values, ListQuestion, strict=False)
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
