"""Metrics of the daemon, in the format of Prometheus. docs/metrics.md names them all."""
