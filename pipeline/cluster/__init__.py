"""Everything that talks to a Kubernetes API server; the only place that imports its client."""
