"""The example payloads under docs/receivers: `python -m tests.pipeline.delivery.examples` writes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from pipeline.delivery.formats.rendering import render
from pipeline.delivery.formats.settings import FormatName, FormatSettings
from pipeline.delivery.notification import Notification, Occasion
from tests.pipeline.delivery.told import resolved_incident, told, told_incident

FOLDER = Path(__file__).parents[3] / "docs" / "receivers"


def examples() -> Iterator[tuple[str, bytes]]:
    """File names and contents."""
    for form in FormatName:
        for state, notification in _notifications():
            body = render(notification, FormatSettings(format=form, mail_to=("oncall@example.com",))).body
            if form is FormatName.EMAIL:
                yield f"{form.value}-{state}.eml", body.replace(b"\r\n", b"\n")
            else:
                yield f"{form.value}-{state}.json", msgspec.json.format(body, indent=2) + b"\n"


def _notifications() -> Iterator[tuple[str, Notification]]:
    yield "opened", told()
    yield "resolved", told(resolved_incident(), occasion=Occasion.RESOLVED)
    yield "group", told(told_incident(), told_incident("0c5e"), group="group-1")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, content in examples():
        (FOLDER / name).write_bytes(content)
