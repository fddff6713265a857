"""Objects renamed everywhere: a verdict must not hang on what things are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from tests.mutations.cases import Files
from tests.mutations.verdicts import Verdict

_TOO_COMMON = frozenset(
    {"default", "rollout", "rollouts", "controller", "canary", "stable", "service", "system", "web"}
)
_WEBHOOK = re.compile(rb'webhook \\*"([\w.-]+)\\*"')
_HOST = re.compile(rb"https://([a-z0-9-]+)\.([a-z0-9-]+)\.svc")
_LEAST_CHARS = 4


def victims_renamed(verdicts: Sequence[Verdict]) -> dict[str, str]:
    """New names for what is stuck: old name -> new name."""
    victims = {victim.partition(" ")[2] for verdict in verdicts for victim in verdict.victims}
    names = {part for victim in victims for part in victim.split("/")}
    return _table(names, "zq")


def culprits_renamed(files: Files, verdicts: Sequence[Verdict]) -> dict[str, str]:
    """New names for what is to blame, and for every webhook and Service that a message names."""
    names = {part for verdict in verdicts for part in verdict.culprit[1:]}
    for data in files.values():
        names |= {found.decode() for found in _WEBHOOK.findall(data)}
        names |= {part.decode() for found in _HOST.findall(data) for part in found}
    victims = victims_renamed(verdicts)
    return _table(names - victims.keys(), "xw")


def _table(names: Iterable[str], mark: str) -> dict[str, str]:
    chosen = sorted(name for name in names if len(name) >= _LEAST_CHARS and name not in _TOO_COMMON)
    return {name: _new_name(name, mark) for name in chosen if re.fullmatch(r"[a-z0-9.-]+", name)}


def _new_name(name: str, mark: str) -> str:
    """A name of the same shape that holds no word of the old one."""
    first, dot, rest = name.partition(".")
    turned = first.translate(str.maketrans("abcdefghijklmnopqrstuvwxyz", "nopqrstuvwxyzabcdefghijklm"))
    return f"{mark}{turned}{dot}{rest}"


def renamed(files: Files, table: Mapping[str, str]) -> dict[str, bytes]:
    """All files with the new names, as whole words."""
    if not table:
        return dict(files)
    words = "|".join(re.escape(name) for name in sorted(table, key=len, reverse=True))
    pattern = re.compile(rf"(?<![\w-])(?:{words})(?![\w]|-(?![0-9a-f]{{6,10}}\b))".encode())
    return {name: pattern.sub(lambda match: table[match[0].decode()].encode(), data) for name, data in files.items()}
