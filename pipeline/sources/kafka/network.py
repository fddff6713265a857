"""The network code within a client of kafka-python."""

from __future__ import annotations

from kafka.net.compat import KafkaNetClient
from kafka.net.selector import NetworkSelector

from pipeline.sources.kafka.client_log import ClientLog


class NetworkFactory:
    """Makes the network client inside of a consumer, and keeps hold of it.

    A consumer of kafka-python 3.0.12 does not hand `allow_auto_create_topics` on to the code that asks for metadata: a
    deleted topic would come back. And when its constructor fails, its thread goes on.
    """

    def __init__(self, client_id: str) -> None:
        self.log = ClientLog(client_id)
        self.client: KafkaNetClient = None
        self.network: NetworkSelector = None

    def __call__(self, **configs: object) -> KafkaNetClient:
        """What the library calls, with its configuration."""
        self.network = NetworkSelector(**configs)
        self.client = KafkaNetClient(self.network, **configs)
        self.client.cluster.config["allow_auto_create_topics"] = False
        return self.client

    def abandon(self) -> None:
        """Let go of what a failed constructor has left behind."""
        self.log.close()
        if self.client is not None:
            self.client.close()
