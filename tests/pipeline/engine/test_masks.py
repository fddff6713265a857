"""Texts that repeat one message are equal once their variable parts are masked; others stay apart."""

from __future__ import annotations

import pytest

from parsers.events import ObjectKey
from pipeline.engine.masks import MAX_CHARS, template_for, template_of

MASKED = {
    "time": ("seen at 2026-11-23T15:54:34Z again", "seen at # again"),
    "time with a fraction and a zone": ("at 2026-11-23T15:54:34.123456+02:00", "at #"),
    "UUID": ("uid 123e4567-e89b-12d3-a456-426614174000 changed", "uid # changed"),
    "UUID without digits in a part": ("uid abcdefab-cdef-abcd-abcd-426614174000", "uid #"),
    "address and port": ("dial 10.2.3.4:443 failed", "dial # failed"),
    "IPv6 address": ("dial [fd00::a1]:53 failed", "dial # failed"),
    "ReplicaSet": ("api-7d9f8c6b5 has no pods", "api-# has no pods"),
    "pod": ("api-7d9f8c6b5-x2b4z is gone", "api-# is gone"),
    "quantity": ("cpu=500m, memory=1.5Gi", "cpu=#, memory=#"),
    "duration": ("gave up after 1m30s", "gave up after #"),
    "hash": ("digest sha256:9b4c0f3a77aa", "digest sha#:#"),
    "count": ("3 of 12 replicas", "# of # replicas"),
    "name that only looks like a hash": ("the-deadline of bcdfg", "the-deadline of bcdfg"),
    "C++ name": ("error in a::b", "error in a::b"),
}


@pytest.mark.parametrize(("text", "template"), MASKED.values(), ids=MASKED)
def test_variable_parts_are_masked(text: str, template: str) -> None:
    """What differs between two repetitions is masked, and nothing else."""
    assert template == template_of(text)


SAME = {
    "own name": 'no upstream for "{name}"',
    "own canary": 'service "{name}-canary" has no port',
    "key": "cannot pause {namespace}/{name}",
    "namespace in quotes": 'no gate in namespace "{namespace}"',
    "host": "gate of {name}.{namespace}.svc is shut",
    "ReplicaSet": "{name}-7d9f8c6b5 is not ours",
}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_names_of_the_own_key_do_not_tell_texts_apart(text: str) -> None:
    """One trouble of two keys has one template."""
    keys = [ObjectKey("rollout", "shop", "api"), ObjectKey("rollout", "default", "checkout-v2")]
    assert 1 == len({template_for(text.format(name=key.name, namespace=key.namespace), key) for key in keys})


APART = {
    "names of other objects": ('plugin "blue" failed', 'plugin "green" failed'),
    "the end of a long text": ("x " * 250 + "because of rain", "x " * 250 + "because of snow"),
    "words that hold the name": ("apiserver is gone", "webserver is gone"),
}


@pytest.mark.parametrize(("one", "other"), APART.values(), ids=APART)
def test_other_differences_keep_texts_apart(one: str, other: str) -> None:
    """Two causes are never made one by the mask."""
    key = ObjectKey("rollout", "shop", "api")
    assert template_for(one, key) != template_for(other, key)


def test_namespace_that_is_a_word_stays() -> None:
    """`default` is masked where it is a namespace only."""
    assert "the default backend of #/#" == template_for(
        "the default backend of default/api", ObjectKey("rollout", "default", "api")
    )


def test_text_is_capped() -> None:
    """A template never depends on the size of the input."""
    assert MAX_CHARS == len(template_of("word " * 10_000))
