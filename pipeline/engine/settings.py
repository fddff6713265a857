"""What can be set of the engine, with the reason of every default. Durations are seconds of event time."""

from __future__ import annotations

import enum
from fnmatch import fnmatchcase

import msgspec

from parsers.events import ObjectKey

DEFAULT_RUNBOOK = "docs/causes/{class}.md"
"""The pages of this project, relative to its root; there is one for every built-in class."""


class AnalysisSeverity(enum.Enum):
    """Of an incident about a Rollout that an AnalysisRun has ended or holds."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"
    OFF = "off"  # there are none


class RunawayRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When a key counts as running away: either its failures last, or its printed count is high and lasts.

    The defaults were measured: an outage of eight seconds that heals by itself reaches N = 22 in a busy
    rollout, and a back-off without other events reaches N = 20 after 66 s.
    """

    failing_seconds: float = 60.0
    """No pass has succeeded for this long …"""
    min_failures: int = 3
    """… and at least so many attempts failed."""
    retries: int = 20
    """Or the printed count reaches this …"""
    retries_seconds: float = 30.0
    """… and the trouble has lasted this long."""


class RuleOverride(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Another rule for some keys. Patterns are shell patterns; the first override that matches a key wins."""

    rule: RunawayRule
    namespace: str = "*"
    name: str = "*"
    kind: str = "*"
    drift_seconds: float | None = None
    """As `engine.drift_seconds`, for Rollouts; None: as there."""

    def is_for(self, key: ObjectKey) -> bool:
        """Whether the key falls under this override."""
        return (
            fnmatchcase(key.namespace, self.namespace)
            and fnmatchcase(key.name, self.name)
            and fnmatchcase(key.kind, self.kind)
        )


class SeverityRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From how many victims, namespaces or how long on an incident is critical; below, it is a warning."""

    critical_victims: int = 5
    critical_namespaces: int = 3
    critical_seconds: float = 1800.0


class EngineSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of one engine."""

    runaway: RunawayRule = RunawayRule()
    overrides: tuple[RuleOverride, ...] = ()
    severity: SeverityRule = SeverityRule()
    controller_seconds: float = 60.0
    """A failure of the controller itself (reflector, lease, start) that repeats for this long is an incident."""
    group_wait_seconds: float = 10.0
    """What opens within this time is sent together."""
    reopen_seconds: float = 600.0
    """A key that fails again within this time after its recovery belongs to the same incident."""
    stale_seconds: float = 120.0
    """A failing key without any line for longer than this and three expected retries is called stale."""
    drift_seconds: float = 300.0
    """Numbers of a Rollout that do not fit for this long, with no failure known, are an incident; 0: never.

    Pods need a minute or two to start, and an HPA changes its mind every 15 s: what lasts for five minutes is neither.
    """
    analysis_severity: AnalysisSeverity = AnalysisSeverity.WARNING
    """The severity of an incident about a Rollout that an AnalysisRun has ended or holds.

    The analysis does its work, but somebody has to decide: until then the update stands still.
    """
    lease_silent_seconds: float = 150.0
    """A controller whose Lease is watched and not renewed for so long does not work.

    A Lease is renewed every few seconds and lost after 15; a change of the leader takes less than a minute.
    """
    clock_skew_seconds: float = 120.0
    """A verifier's clock that is further from the record's time is wrong; less is a pass that prints its error late."""
    max_keys: int = 50_000
    """Keys kept per cluster; healthy ones are forgotten first, keys of open incidents never."""
    max_evidence: int = 40
    """Evidence lines kept per incident: the first and the last ones, the middle is counted."""
    max_history: int = 16
    """Streaks kept per key and origin."""
    runbook_url: str = DEFAULT_RUNBOOK
    """Where an incident points to for more; `{class}` stands for its failure class."""

    def rule_for(self, key: ObjectKey) -> RunawayRule:
        """The runaway rule of a key."""
        return next((override.rule for override in self.overrides if override.is_for(key)), self.runaway)

    def drift_seconds_for(self, key: ObjectKey) -> float:
        """For how long the numbers of a Rollout may not fit."""
        own = next((override.drift_seconds for override in self.overrides if override.is_for(key)), None)
        return self.drift_seconds if own is None else own
