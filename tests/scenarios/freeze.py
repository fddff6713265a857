"""Writes `expected.json` of scenarios anew, shows what is different: `python -m tests.scenarios.freeze NAME… | --all`.

Read the difference as if you were on call. A wrong expectation is worse than none.
"""

from __future__ import annotations

import difflib
import sys

from tests.scenarios.scenarios import SCENARIOS, canonical, golden_text, load, names, replayed


def freeze(name: str) -> str:
    """Freeze one scenario; returns the difference."""
    path = SCENARIOS / name / "expected.json"
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    after = golden_text(canonical(replayed(name)))
    path.write_text(after, encoding="utf-8")
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"{name} before", f"{name} now", lineterm="", n=1
    )
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Freeze the scenarios named; those with `not_yet` are written by hand."""
    chosen = [name for name in names() if load(name).not_yet is None] if arguments == ["--all"] else arguments
    unknown = sorted(set(chosen) - set(names()))
    if unknown or not chosen:
        print(f"not a scenario: {', '.join(unknown)}" if unknown else __doc__, file=sys.stderr)
        return 2
    for name in chosen:
        if load(name).not_yet is not None:
            print(
                f"{name}: written by hand, because the answer is not right yet: {load(name).not_yet}", file=sys.stderr
            )
            return 2
        print(freeze(name) or f"{name}: unchanged")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
