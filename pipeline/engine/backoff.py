"""The arithmetic of the controller's work queue: what a printed count says about time.

Source: k8s.io/client-go util/workqueue, ItemExponentialFailureRateLimiter, with base 1 ms and cap 10 s as argo-rollouts
sets it since v1.0.2 (utils/queue). N is the number of rate-limited adds since the last success in this process and is
printed after the add, so without other events N is reached after the waits of the N - 1 adds before it.
Informer events raise N faster and slow attempts slower: everything here is an estimate and must be called one.
"""

from __future__ import annotations

import enum

BASE_SECONDS = 0.001
CAP_SECONDS = 10.0
_DOUBLINGS = 14  # 2^13 ms is the last wait below the cap

FOUGHT_OVER_PER_SECOND = 0.3
SLOW_PER_SECOND = 0.06


def seconds_until(count: int) -> float:
    """Estimated seconds from the first failure until `count` is printed."""
    waits = max(0, count - 1)
    doubling = min(waits, _DOUBLINGS)
    return BASE_SECONDS * float(2**doubling - 1) + CAP_SECONDS * (waits - doubling)


def wait_after(count: int) -> float:
    """Seconds that the queue waits after it printed `count`."""
    return CAP_SECONDS if count > _DOUBLINGS else min(CAP_SECONDS, BASE_SECONDS * 2 ** max(0, count - 1))


class Pace(enum.Enum):
    """What the slope of the count tells."""

    FAILING = "failing"  # about one in ten seconds: nothing but the back-off
    FOUGHT_OVER = "fought_over"  # well above: events keep adding the key
    SLOW = "slow"  # well below: each attempt takes long, as behind a hanging webhook
    UNKNOWN = "unknown"


def pace_of(retries_per_second: float | None, last_count: int) -> Pace:
    """The pace of a key; unknown while the waits still double."""
    if retries_per_second is None or last_count <= _DOUBLINGS:
        return Pace.UNKNOWN
    if retries_per_second >= FOUGHT_OVER_PER_SECOND:
        return Pace.FOUGHT_OVER
    return Pace.SLOW if retries_per_second <= SLOW_PER_SECOND else Pace.FAILING


CREATION_CAP_SECONDS = 1000.0
LEAST_CREATION_WAIT_SECONDS = 60.0
"""Times of Events have no fractions of a second, and their ages in tables are minutes."""


def creation_wait_after(seconds: float) -> float:
    """Seconds until a ReplicaSet's next attempt to create pods at most, when the attempts have failed for so long.

    Source: kube-controller-manager, workqueue.DefaultControllerRateLimiter: 5 ms, doubled each time up to 1000 s, so
    that the next wait is about as long as everything before it.
    """
    return min(CREATION_CAP_SECONDS, max(LEAST_CREATION_WAIT_SECONDS, seconds))
