"""What whystuck says of itself: one event a line on standard error, with fields, without secrets."""
