"""Fixtures of the real servers, one module each."""

from tests.servers.postgresql import own_postgresql, postgresql

__all__ = ["own_postgresql", "postgresql"]
