"""What stands around the troubles of a cluster, worked out once an evaluation and only where somebody asks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

from pipeline.engine.clusters import ClusterState, failures_of
from pipeline.engine.culprits import Aliases
from pipeline.engine.episodes import Episode, find_episodes
from pipeline.engine.incidents import Incident, Victim
from pipeline.engine.inventory import Inventory

_Place = tuple[str, str | None, str | None, datetime]


class Surroundings:
    """Everything that was seen in a cluster, in the forms in which a trouble is looked at against it."""

    def __init__(self, state: ClusterState, told: Sequence[Incident] = ()) -> None:
        """Prepare.

        Args:
            state: everything that was seen.
            told: the incidents as they were found the last time.
        """
        self.state = state
        self._told = {incident.id: incident for incident in told}

    def told_incident(self, incident_id: str) -> Incident | None:
        """The incident of an id as it was found the last time."""
        return self._told.get(incident_id)

    def told_victim(self, victim: Victim) -> Victim | None:
        """The same victim in the same trouble as it was found the last time."""
        return self._victims.get(_place(victim))

    @cached_property
    def _victims(self) -> dict[_Place, Victim]:
        return {_place(victim): victim for incident in self._told.values() for victim in incident.victims}

    @property
    def inventory(self) -> Inventory:
        """The objects."""
        return self.state.inventory()

    @cached_property
    def aliases(self) -> Aliases:
        """Which service stands behind a webhook or a kind."""
        return Aliases.of(failures_of(self.state), self.inventory.services_by_name())

    @cached_property
    def episodes(self) -> list[Episode]:
        """Failures that accuse somebody, by time."""
        return find_episodes(self.state, self.aliases)


def _place(victim: Victim) -> _Place:
    return victim.kind, victim.namespace, victim.name, victim.first_seen_at
