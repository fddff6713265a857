"""What can be set of the metrics."""

from __future__ import annotations

import msgspec


class MetricsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many series there are at most."""

    max_stuck_keys: int = 50
    """Stuck keys with a series of their own, those with most retries first: a storm must not flood the database."""
    max_label_values: int = 200
    """Values of a label that comes from outside (cluster, stream, class of a user's rule); others count as `other`."""
