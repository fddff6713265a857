"""Controller logs from Kafka: a `LiveSource`. What the client library does of its own accord is told in docs/kafka.md.

`source` holds the loop, and knows the library only through the protocols in `clients`. The library itself is
imported by `library`, what stands behind it, `login` and `probe` alone, and these when a source is started.
"""
