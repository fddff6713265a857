"""Which objects of traffic routers a Rollout's canary strategy names.

Source: argo-rollouts v1.7.1, pkg/apis/rollouts/v1alpha1/types.go (RolloutTrafficRouting); the fields of plugins from
their own READMEs (argoproj-labs/gatewayAPI, contour, openshift).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from parsers.facts.rollouts import TrafficReference
from parsers.objects.members import Object, as_text, object_at, objects_at, text_at, texts_at

_Names = Callable[[Object], Iterator[tuple[str, str, str]]]
"""From a provider's settings to (group, kind, name)."""

_ISTIO: Final = "networking.istio.io"
_INGRESS: Final = "networking.k8s.io"
_APP_MESH: Final = "appmesh.k8s.aws"
_GATEWAY: Final = "gateway.networking.k8s.io"
# Argo Rollouts takes traefik.containo.us unless --traefik-api-group says otherwise: either may be the one in use.
_TRAEFIK_GROUPS: Final = ("traefik.containo.us", "traefik.io")
_GATEWAY_ROUTES: Final = (
    ("HTTPRoute", "httpRoute", "httpRoutes"),
    ("GRPCRoute", "grpcRoute", "grpcRoutes"),
    ("TCPRoute", "tcpRoute", "tcpRoutes"),
    ("TLSRoute", "tlsRoute", "tlsRoutes"),
)


def read_traffic(routing: Object, rollout: str) -> tuple[TrafficReference, ...]:
    """Read `trafficRouting` of the Rollout of that name; in the order of the providers, without repetition."""
    found: dict[TrafficReference, None] = {}
    for provider, names in _PROVIDERS:
        settings = routing.get(provider)
        if isinstance(settings, dict):
            for group, kind, name in names(settings):
                if name:
                    found[TrafficReference(provider, group, kind, name)] = None
    if isinstance(routing.get("smi"), dict):
        name = text_at(routing, "smi", "trafficSplitName") or rollout
        found[TrafficReference("smi", "split.smi-spec.io", "TrafficSplit", name)] = None
    for plugin, settings in object_at(routing, "plugins").items():
        found |= dict.fromkeys(_read_plugin(as_text(plugin), settings))
    return tuple(found)


def _read_plugin(plugin: str, settings: object) -> Iterator[TrafficReference]:
    names = _PLUGINS.get(plugin)
    references: list[TrafficReference] = []
    if names is not None and isinstance(settings, dict):
        references = [TrafficReference(plugin, *found) for found in names(settings) if found[-1]]
    yield from references or [TrafficReference(plugin, "", "", "")]


def _istio(settings: Object) -> Iterator[tuple[str, str, str]]:
    yield _ISTIO, "VirtualService", text_at(settings, "virtualService", "name")
    for service in objects_at(settings, "virtualServices"):
        yield _ISTIO, "VirtualService", text_at(service, "name")
    yield _ISTIO, "DestinationRule", text_at(settings, "destinationRule", "name")


def _ambassador(settings: Object) -> Iterator[tuple[str, str, str]]:
    for name in texts_at(settings, "mappings"):
        yield "getambassador.io", "Mapping", name


def _ingresses(settings: Object) -> Iterator[tuple[str, str, str]]:
    for name in (text_at(settings, "ingress"), text_at(settings, "stableIngress")):
        yield _INGRESS, "Ingress", name
    for member in ("ingresses", "stableIngresses", "additionalStableIngresses"):
        for name in texts_at(settings, member):
            yield _INGRESS, "Ingress", name


def _traefik(settings: Object) -> Iterator[tuple[str, str, str]]:
    for group in _TRAEFIK_GROUPS:
        yield group, "TraefikService", text_at(settings, "weightedTraefikServiceName")


def _apisix(settings: Object) -> Iterator[tuple[str, str, str]]:
    yield "apisix.apache.org", "ApisixRoute", text_at(settings, "route", "name")


def _app_mesh(settings: Object) -> Iterator[tuple[str, str, str]]:
    yield _APP_MESH, "VirtualService", text_at(settings, "virtualService", "name")
    for node in ("canaryVirtualNodeRef", "stableVirtualNodeRef"):
        yield _APP_MESH, "VirtualNode", text_at(settings, "virtualNodeGroup", node, "name")


def _gateway(settings: Object) -> Iterator[tuple[str, str, str]]:
    for kind, one, many in _GATEWAY_ROUTES:
        yield _GATEWAY, kind, text_at(settings, one)
        for route in objects_at(settings, many):
            yield _GATEWAY, kind, text_at(route, "name")


def _contour(settings: Object) -> Iterator[tuple[str, str, str]]:
    for name in texts_at(settings, "httpProxies"):
        yield "projectcontour.io", "HTTPProxy", name


def _openshift(settings: Object) -> Iterator[tuple[str, str, str]]:
    for name in texts_at(settings, "routes"):
        yield "route.openshift.io", "Route", name


_PROVIDERS: Final[tuple[tuple[str, _Names], ...]] = (
    ("istio", _istio),
    ("ambassador", _ambassador),
    ("alb", _ingresses),
    ("nginx", _ingresses),
    ("traefik", _traefik),
    ("apisix", _apisix),
    ("appMesh", _app_mesh),
)
_PLUGINS: Final[dict[str, _Names]] = {
    "argoproj-labs/gatewayAPI": _gateway,
    "argoproj-labs/contour": _contour,
    "argoproj-labs/openshift": _openshift,
}
