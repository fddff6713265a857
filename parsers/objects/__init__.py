"""Kubernetes objects as text -> facts: one file for each family of kinds, `reading` chooses among them."""
