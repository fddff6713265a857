"""Which errors of what is stuck are symptoms of its cause, and why they are no cause of their own."""

from __future__ import annotations

from pipeline.engine.grouping import Trouble
from pipeline.engine.incidents import Symptom
from pipeline.engine.own_errors import OwnError, Relation, Relations, own_errors
from pipeline.engine.surroundings import Surroundings

MAX_SYMPTOMS = 8

_WHY = {
    Relation.EXPLAINED: "another log says why",
    Relation.SAME_CULPRIT: "the same culprit in other words",
    Relation.NAMES_NOBODY: "it names nobody else",
}
_WHY_IT_FOLLOWS = {
    "conflict": "another writer came first: attempts that fail half-way leave old copies behind",
    "unknown": "no rule knows it, and it accuses nobody else",
    "leader_election": "the lease was lost because the calls failed",
}


def symptoms_of(trouble: Trouble, around: Surroundings) -> tuple[Symptom, ...]:
    """The symptoms beside an established cause, the most frequent first; none where nothing is established."""
    errors = own_errors(trouble)
    if not trouble.cause.is_established or len(errors) + (trouble.cause.basis.value == "named_object") < 2:
        return ()
    relations = Relations(trouble, around.aliases)
    found = [(error, relations.of(error)) for error in errors]
    symptoms = [_symptom(*one) for one in found if one[1] not in (Relation.CAUSE, Relation.OTHER_CULPRIT)]
    return tuple(sorted(symptoms, key=lambda one: (-one.count, one.first_seen_at, one.text))[:MAX_SYMPTOMS])


def _symptom(error: OwnError, relation: Relation) -> Symptom:
    failure_class = error.failure.failure_class
    return Symptom(
        failure_class=failure_class,
        text=error.failure.text,
        first_seen_at=error.first.at,
        last_seen_at=error.last.at,
        count=error.count,
        relation=relation.value,  # type: ignore[arg-type]  # those of a cause and of another culprit are left out
        why=_WHY.get(relation) or _WHY_IT_FOLLOWS[failure_class],
    )
