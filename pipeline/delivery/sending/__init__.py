"""Notifications on their way: one thread a receiver, one attempt at a time, its outcome recorded."""
