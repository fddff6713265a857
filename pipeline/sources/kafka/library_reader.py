"""kafka-python's consumer as a `Reader`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka import errors as kafka_errors

from pipeline.sources.kafka.client_log import ClientLog
from pipeline.sources.kafka.clients import ClientTrouble, OutOfRangeError, Partition, Record, UndecodableError

CLOSE_SECONDS = 1.0


class LibraryReader:
    """A consumer that is told what to read."""

    def __init__(self, consumer: KafkaConsumer, log: ClientLog) -> None:
        self._consumer = consumer
        self._log = log
        self._assigned: dict[Partition, TopicPartition] = {}

    def assign(self, positions: Mapping[Partition, int]) -> None:
        """Read these partitions and no others, from these offsets on.

        This takes the place of `pause` and `resume` as well: in kafka-python 3.0.12 records that were fetched when
        their partition was paused do not always come back when it is resumed.
        """
        self._assigned = {partition: TopicPartition(*partition) for partition in positions}
        with self._using():
            self._consumer.assign(list(self._assigned.values()))
            for partition, offset in positions.items():
                self._consumer.seek(self._assigned[partition], offset)

    def poll(self, timeout_seconds: float) -> Mapping[Partition, Sequence[Record]]:
        """The next records. Raises as `Reader` says."""
        with self._using():
            polled = self._consumer.poll(timeout_ms=timeout_seconds * 1000)
        return {Partition(*each): records for each, records in polled.items()}

    def position(self, partition: Partition) -> int:
        """Where reading a partition goes on."""
        with self._using():
            return int(self._consumer.position(self._assigned[partition], timeout_ms=0))

    def end(self, partition: Partition) -> int | None:
        """The end of a partition as the last fetch showed it."""
        with self._using():
            end = self._consumer.highwater(self._assigned[partition])
        return None if end is None else int(end)

    @contextlib.contextmanager
    def _using(self) -> Iterator[None]:
        """Name the library's errors as `Reader` does."""
        try:
            yield
        except kafka_errors.OffsetOutOfRangeError as error:
            raise OutOfRangeError({Partition(*each): offset for each, offset in error.args[0].items()}) from error
        except kafka_errors.LogTruncationError as error:
            raise self._diverged(error.divergent_offsets) from error
        except (kafka_errors.CorruptRecordError, kafka_errors.UnsupportedCodecError) as error:
            raise UndecodableError(str(error)) from error
        except kafka_errors.KafkaError as error:
            raise ClientTrouble(describe(error)) from error
        except Exception as error:  # decompressors raise whatever they like, OSError among them
            raise UndecodableError(f"{type(error).__name__}: {error}") from error

    def _diverged(self, divergent: Mapping[Any, Any]) -> OutOfRangeError:
        positions = {Partition(*each): self.position(Partition(*each)) for each in divergent}
        known = {Partition(*each): to.offset for each, to in divergent.items() if to is not None}
        return OutOfRangeError(positions, known)

    def close(self) -> None:
        """Let go of it."""
        with contextlib.suppress(kafka_errors.KafkaError, RuntimeError):
            self._consumer.close(autocommit=False, timeout_ms=CLOSE_SECONDS * 1000)
        self._log.close()


def describe(error: Exception) -> str:
    """An error of the library as a text: many have none but their name."""
    text = " ".join(str(error).split())
    name = type(error).__name__
    return text if text.startswith(name) else f"{name}: {text}" if text else name
