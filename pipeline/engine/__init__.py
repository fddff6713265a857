"""The engine: events in, incident changes out. Pure: no I/O, no clock."""
