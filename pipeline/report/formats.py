"""The formats of results. Apart from `serialise`, so that `--help` needs no more than their names."""

from __future__ import annotations

import enum


class OutputFormat(enum.Enum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    YAML = "yaml"
