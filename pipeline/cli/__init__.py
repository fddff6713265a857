"""The command: one file a verb, arguments only."""
