"""Incidents on their way to people and systems: who is told (routing), how (formats), and that it arrives (sending)."""
