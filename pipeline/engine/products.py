"""Products whose webhooks stand between Argo Rollouts and the API server, by the names that their own manifests give.

Only what is fixed by the product is here: the API groups it converts, its Services, how its webhooks are called. It is
used to know whose log a log is, what to look at and how to repair it, never to blame without evidence.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

import msgspec

from parsers.facts.references import ServiceRef
from parsers.records import Origin


class Product(msgspec.Struct, frozen=True):
    """One product."""

    name: str
    services: tuple[str, ...]  # names of the Services of its webhooks
    groups: tuple[str, ...] = ()  # API groups whose CRDs it converts
    source: str = ""
    secrets: tuple[str, ...] = ()  # Secrets beside the Service that hold its certificate or authority


PRODUCTS: tuple[Product, ...] = (
    Product(
        "Emissary-ingress",
        ("emissary-apiext",),
        ("getambassador.io",),
        "emissary-ingress charts, cmd/apiext, 3.0 to 3.12",
        ("emissary-ingress-webhook-ca",),
    ),
    Product("Edge Stack", ("edge-stack-apiext",), ("getambassador.io",), "edge-stack charts"),
    Product(
        "cert-manager",
        ("cert-manager-webhook",),
        ("cert-manager.io", "acme.cert-manager.io"),
        "deploy/charts, to 1.6",
        ("cert-manager-webhook-ca",),
    ),
    Product("Istio", ("istiod", "istio-galley", "istio-sidecar-injector"), (), "manifests/charts, 1.1 to 1.24"),
    Product(
        "Linkerd",
        ("linkerd-proxy-injector", "linkerd-sp-validator", "linkerd-policy-validator"),
        (),
        "charts/linkerd2",
        ("{service}-k8s-tls",),
    ),
    Product(
        "Kyverno",
        ("kyverno-svc",),
        (),
        "charts/kyverno",
        ("{service}.{namespace}.svc.kyverno-tls-pair", "{service}.{namespace}.svc.kyverno-tls-ca"),
    ),
    Product(
        "Gatekeeper", ("gatekeeper-webhook-service",), (), "charts/gatekeeper", ("gatekeeper-webhook-server-cert",)
    ),
    Product(
        "AWS Load Balancer Controller",
        ("aws-load-balancer-webhook-service",),
        (),
        "helm/aws-load-balancer-controller",
        ("aws-load-balancer-tls",),
    ),
)


def services_converting(resource: str) -> frozenset[str]:
    """Names of Services that convert a resource (`plural.group`) in products that are known."""
    group = resource.partition(".")[2]
    return frozenset(service for product in PRODUCTS if group in product.groups for service in product.services)


def secrets_of_service(service: ServiceRef) -> frozenset[str]:
    """Names of Secrets beside a Service that hold its certificate or authority, in products that are known."""
    return frozenset(
        secret.format(service=service.name, namespace=service.namespace)
        for product in PRODUCTS
        if service.name in product.services
        for secret in product.secrets
    )


def product_of_service(name: str) -> str:
    """The product whose Service has this name, or nothing."""
    return next((product.name for product in PRODUCTS if name in product.services), "")


def is_log_of(origin: Origin, service_names: Iterable[str]) -> bool:
    """Whether an origin is the log of a pod behind one of the Services: by container, pod or the log's file name."""
    stem = origin.source.replace("\\", "/").rpartition("/")[2].partition(".")[0]
    for name in service_names:
        if name in (origin.container, stem):
            return True
        if origin.pod == name or fnmatchcase(origin.pod, f"{name}-*"):
            return True
    return False
