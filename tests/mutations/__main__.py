"""How stable verdicts are: `python -m tests.mutations [FOLDER…] [--only GLOB] [--cases GLOB] [--seeds N] [--show N]`.

Without a folder the sample scenarios are mutated; a folder holds cases, each with a `case.json` that lists its `files`.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from fnmatch import fnmatch
from pathlib import Path

from tests.mutations.cases import Case, labelled_cases, scenario_cases
from tests.mutations.catalogue import MUTATIONS, Mutation
from tests.mutations.verdicts import Outcome, Verdict, of_case, outcome, verdicts_of

Found = tuple[str, str, str, Outcome, str]  # case, family, mutation, outcome, what differs


def examine(case: Case, mutations: Sequence[Mutation], seeds: int) -> list[Found]:
    """Every mutation of one case, each with some seeds."""
    before = verdicts_of(case.files)
    found = []
    for mutation in mutations:
        for seed in range(seeds):
            mutated = mutation.apply(case, before, random.Random(f"{case.id} {mutation.name} {seed}"))
            try:
                after = verdicts_of(mutated.files, mutated.renamed)
            except Exception as error:  # noqa: BLE001
                found.append((case.id, mutation.family, mutation.name, Outcome.CRASHED, repr(error)))
                continue
            if mutated.is_addition:
                after = of_case(after, before)
            result = outcome(before, after)
            found.append((case.id, mutation.family, mutation.name, result, _told(before, after)))
    return found


def _told(before: Sequence[Verdict], after: Sequence[Verdict]) -> str:
    gone = [f"- {_short(one)}" for one in before if one not in after]
    new = [f"+ {_short(one)}" for one in after if one not in before]
    return "\n    ".join([*gone, *new])


def _short(one: Verdict) -> str:
    certainty = "established" if one.is_established else "not established"
    culprit = " ".join(one.culprit).strip()
    return f"{', '.join(one.victims)[:120]}: {one.failure_class}, {culprit!r}, {certainty}, {one.status}, {one.count}"


def report(found: Sequence[Found], show: int) -> None:
    """A table of families, and the worst cases."""
    names = list(dict.fromkeys((family, name) for _, family, name, _, _ in found))
    print("family: mutation".ljust(44), *(one.name.lower().rjust(9) for one in Outcome))
    for family, name in names:
        counts = Counter(result for _, *key, result, _ in found if key == [family, name])
        print(f"{family}: {name}".ljust(44), *(str(counts[one] or "").rjust(9) for one in Outcome))
    total = Counter(result for *_, result, _ in found)
    print("all".ljust(44), *(str(total[one]).rjust(9) for one in Outcome))
    for case, family, name, result, told in sorted(found, key=lambda one: -one[3])[:show]:
        if result > Outcome.DETAIL:
            print(f"\n{result.name} {case} [{family}: {name}]\n    {told}")


def main(arguments: Sequence[str]) -> int:
    """Run all, print the report; 1 where a verdict went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--only", default="*", help="mutations, as `family: name`")
    parser.add_argument("--cases", default="*")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--show", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args(arguments)
    found_cases = [case for folder in options.folders for case in labelled_cases(folder)]
    cases = [case for case in found_cases or scenario_cases() if fnmatch(case.id, options.cases)]
    with ProcessPoolExecutor(options.jobs) as pool:
        jobs = [pool.submit(examine_named, case, options.only, options.seeds) for case in cases]
        found = [one for job in jobs for one in job.result()]
    report(found, options.show)
    return int(any(result >= Outcome.WRONG for *_, result, _ in found))


def examine_named(case: Case, only: str, seeds: int) -> list[Found]:
    """As `examine`, the mutations by name: functions do not travel between processes."""
    chosen = [one for one in MUTATIONS if fnmatch(f"{one.family}: {one.name}", only)]
    return examine(case, chosen, seeds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
