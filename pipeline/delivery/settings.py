"""Who is told what, when. Durations are seconds on the clock, with the reason of every default."""

from __future__ import annotations

import msgspec

from pipeline.delivery.matching import parse_matchers
from pipeline.delivery.receiver_settings import ReceiverSettings
from pipeline.errors import ConfigurationError
from pipeline.quantities import quote


class RouteSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which incidents go to which receivers. Routes are tried in their order."""

    matchers: tuple[str, ...] = ()
    """As `severity="critical"`; all have to match, each for at least one value. None: everything."""
    receivers: tuple[str, ...]
    """Names of receivers; none: what matches is told to nobody."""
    group_by: tuple[str, ...] = ()
    """Labels; incidents with the same values are told together. None: each by itself."""
    goes_on: bool = False
    """Whether later routes are tried, too."""


class InhibitionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is not told while something else is open that explains it."""

    sources: tuple[str, ...]
    """Matchers of the incident that explains."""
    targets: tuple[str, ...]
    """Matchers of those that are not told. What both match inhibits nothing."""
    equal: tuple[str, ...] = ("cluster",)
    """Labels that have to be the same in both."""
    same_victims: bool = False
    """Whether all victims of the target have to be victims of the source."""


DEFAULT_INHIBITIONS = (
    InhibitionSettings(sources=('established="true"', 'kind!="drift"'), targets=('kind="drift"',), same_victims=True),
    InhibitionSettings(
        sources=('kind="controller"', 'established="true"'), targets=('kind="stuck"', 'established="false"')
    ),
)


class DeliverySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Receivers, and what they are told."""

    receivers: tuple[ReceiverSettings, ...] = ()
    """Whom incidents can be sent to."""
    routes: tuple[RouteSettings, ...] = ()
    """None: every receiver is told everything."""
    inhibitions: tuple[InhibitionSettings, ...] = DEFAULT_INHIBITIONS
    """What is not told beside its cause."""
    group_wait_seconds: float = 10.0
    """A group waits so long for its first incidents. An incident that is told by itself does not wait: the engine has
    waited for its victims."""
    group_interval_seconds: float = 300.0
    """Between two messages about a group, or about updates of one incident. What opened, ended or got worse is told
    at once where it is told by itself."""
    storm_incidents: int = 20
    """When a receiver was told so many new incidents …"""
    storm_seconds: float = 300.0
    """… within this time, further ones come as one digest."""

    def __post_init__(self) -> None:
        """Check what belongs together.

        Raises:
            ValueError: Two receivers have one name, a route names none of them, or a matcher is none.
        """
        names = [receiver.name for receiver in self.receivers]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"receivers: two have the name {quote(twice[0])}")
        for index, route in enumerate(self.routes):
            if unknown := [name for name in route.receivers if name not in names]:
                raise ValueError(f"routes[{index}].receivers: there is no receiver {quote(unknown[0])}")
            _check_matchers(f"routes[{index}].matchers", route.matchers)
        for index, rule in enumerate(self.inhibitions):
            _check_matchers(f"inhibitions[{index}]", (*rule.sources, *rule.targets))


def _check_matchers(setting: str, texts: tuple[str, ...]) -> None:
    try:
        parse_matchers(texts)
    except ConfigurationError as error:
        raise ValueError(f"{setting}: {error}") from error
