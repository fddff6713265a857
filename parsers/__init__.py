"""Bytes in, typed facts out: no I/O, no clock, never imports ``pipeline``."""
