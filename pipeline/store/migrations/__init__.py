"""Changes of the tables, one file each. A released one is never edited: a database may stand at it."""
