"""Which Secret holds the certificate of a Service."""

from __future__ import annotations

import pytest

from parsers.facts.certificates import SecretFacts
from parsers.facts.references import ObjectRef, ServiceRef
from pipeline.engine.inventory import Inventory
from tests.pipeline.engine.builders import at

API_EXT = ServiceRef("emissary-system", "emissary-apiext")
USUAL = ObjectRef("Secret", "emissary-system", "emissary-ingress-webhook-ca")


@pytest.mark.parametrize(
    ("ref", "service", "is_its"),
    [
        (USUAL, API_EXT, True),
        (ObjectRef("Secret", "emissary-system", "other"), API_EXT, False),
        (ObjectRef("Secret", "shop", USUAL.name), API_EXT, False),
        (USUAL, ServiceRef("emissary-system", "other"), False),
    ],
    ids=["where its product keeps it", "another name", "another namespace", "another service"],
)
def test_secret_that_nothing_in_its_certificate_names(ref: ObjectRef, service: ServiceRef, is_its: bool) -> None:
    """A new authority may have another name than the one that is trusted: then the product says where it is."""
    inventory = Inventory({ref: [(at(0), SecretFacts(ref=ref))]})
    assert ([ref] if is_its else []) == [one.ref for one in inventory.secrets_of(service)]
