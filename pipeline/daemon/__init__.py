"""The daemon: sources that never end, one engine, one commit for each batch.

pump          a source's thread, which fills a bounded queue
readers       blocks of a stream -> events, and from which line the stream has to be read again
ingestion     events -> engine -> one commit: state, incidents, positions
caution       a batch that fails twice is halved until the record is found
claiming      the right to write, kept by a thread of its own
daemon        the loop that ties them together, and what happens when something of it is away
"""
