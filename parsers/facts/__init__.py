"""What is kept of Kubernetes objects: the fields that explain why a rollout is stuck, and nothing else.

Objects come from `kubectl get … -o json|yaml`, `kubectl get events` tables, event exporters, and later from watches.
Secrets leave their public certificates only. Every record says which object it is of (`ref`); what the source does not
say is None or empty, never invented.
"""
