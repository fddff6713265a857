"""What stands around the troubles of a cluster, worked out once an evaluation and only where somebody asks."""

from __future__ import annotations

from functools import cached_property

from pipeline.engine.clusters import ClusterState, failures_of
from pipeline.engine.culprits import Aliases
from pipeline.engine.episodes import Episode, find_episodes
from pipeline.engine.inventory import Inventory


class Surroundings:
    """Everything that was seen in a cluster, in the forms in which a trouble is looked at against it."""

    def __init__(self, state: ClusterState) -> None:
        self.state = state

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
