"""All mutations by name: what is done to the files of a case, and what its verdicts have to be compared with."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import msgspec

from tests.mutations import envelopes, errors, herrings, lines, names
from tests.mutations.cases import Case, Files, map_logs
from tests.mutations.verdicts import Verdict

Change = Callable[[list[str], random.Random], Sequence[str]]


class Mutated(msgspec.Struct, frozen=True):
    """A case that was changed, and the new names in it (new name -> old name)."""

    files: Files
    renamed: Mapping[str, str] = {}
    is_addition: bool = False  # files were added: what they show for themselves is no part of the verdict


class Mutation(msgspec.Struct, frozen=True):
    """One way to change a case."""

    family: str
    name: str
    apply: Callable[[Case, Sequence[Verdict], random.Random], Mutated]


def _of_lines(family: str, name: str, change: Change) -> Mutation:
    def apply(case: Case, _verdicts: Sequence[Verdict], chance: random.Random) -> Mutated:
        return Mutated(map_logs(case.files, lambda text: change(text, chance)))

    return Mutation(family, name, apply)


def _rename_victims(case: Case, verdicts: Sequence[Verdict], _chance: random.Random) -> Mutated:
    table = names.victims_renamed(verdicts)
    return Mutated(names.renamed(case.files, table), {new: old for old, new in table.items()})


def _rename_culprits(case: Case, verdicts: Sequence[Verdict], _chance: random.Random) -> Mutated:
    table = names.culprits_renamed(case.files, verdicts)
    return Mutated(names.renamed(case.files, table), {new: old for old, new in table.items()})


def _add_herrings(case: Case, _verdicts: Sequence[Verdict], chance: random.Random, *, as_one_file: bool) -> Mutated:
    added = herrings.files_beside(case.files, chance)
    if as_one_file:
        return Mutated(herrings.mixed_into_one(case.files, added, chance), is_addition=True)
    return Mutated({**case.files, **added}, is_addition=True)


def _wraps() -> Iterator[Mutation]:
    for name, envelope in envelopes.ENVELOPES.items():
        yield _of_lines("envelope", name, lambda text, _, envelope=envelope: envelopes.wrap(text, envelope))
    yield _of_lines("envelope", "cri in parts", lambda text, _: envelopes.in_parts(text))
    for name, (inner, outer) in envelopes.NESTED.items():
        first, second = envelopes.ENVELOPES[inner], envelopes.ENVELOPES[outer]
        yield _of_lines(
            "envelope twice",
            name,
            lambda text, _, first=first, second=second: envelopes.wrap(envelopes.wrap(text, first), second),
        )


def _rewords() -> Iterator[Mutation]:
    for name, rewording in errors.REWORDINGS.items():
        yield _of_lines("error", name, lambda text, _, rewording=rewording: errors.reworded(text, rewording))


def _damages() -> Iterator[Mutation]:
    for width in (80, 120, 200):
        yield _of_lines("fold", f"{width}, indented", lambda text, _, width=width: lines.folded(text, width, "    "))
        yield _of_lines("fold", f"{width}, not indented", lambda text, _, width=width: lines.folded(text, width, ""))
        yield _of_lines("fold", f"{width}, in mid-word", lambda text, _, width=width: lines.broken(text, width))
    for most in (256, 512, 1024, 16384):
        yield _of_lines("cut", f"after {most}", lambda text, _, most=most: lines.cut(text, most))
    for count in (10, 40, 100):
        yield _of_lines("cut", f"first {count}", lambda text, chance, count=count: lines.headless(text, count, chance))
    for share in (0.01, 0.05, 0.2):
        yield _of_lines("lost", f"{share:.0%}", lambda text, chance, share=share: lines.thinned(text, share, chance))
    yield _of_lines("twice", "20%", lambda text, chance: lines.repeated(text, 0.2, chance))
    yield _of_lines("twice", "all", lambda text, chance: lines.repeated(text, 1.1, chance))
    for window in (2, 5, 10):
        yield _of_lines(
            "order", f"{window}", lambda text, chance, window=window: lines.disordered(text, window, chance)
        )
    for hours in (-7, 5, 50):
        yield _of_lines("clock", f"{hours:+} h", lambda text, _, hours=hours: lines.shifted(text, hours))
    yield _of_lines("format", "JSON", lambda text, _: lines.in_json(text))
    yield _of_lines("format", "logfmt", lambda text, _: lines.in_logfmt(text))
    yield _of_lines("ends", "CRLF", lambda text, _: [line + "\r" for line in text])
    yield _of_lines("ends", "blank lines", lambda text, _: [one for line in text for one in (line, "")])
    yield _of_lines("ends", "indented", lambda text, _: ["  " + line for line in text])
    for name, pattern in (
        ("errors", "rror"),
        ("syncHandler", "syncHandler"),
        ("not info", r'level="?(?!info)|"level":"(?!info)'),
    ):
        yield _of_lines("grep", name, lambda text, _, pattern=pattern: lines.only(text, pattern))


MUTATIONS: tuple[Mutation, ...] = (
    Mutation("name", "victims", _rename_victims),
    Mutation("name", "culprits", _rename_culprits),
    *_rewords(),
    *_wraps(),
    *_damages(),
    Mutation("herring", "files beside", partial(_add_herrings, as_one_file=False)),
    Mutation("herring", "mixed into one file", partial(_add_herrings, as_one_file=True)),
)
