"""The daemon: sources that never end, one engine, one commit for each batch.

pump          a source's thread, which fills a bounded queue
ingestion     events -> engine -> one commit: state, incidents, positions
recording     what is written of that, so that a replay tells the same
caution       a batch that fails twice is halved until the record is found
claiming      the right to write, kept by a thread of its own
daemon        the loop that ties them together, and what happens when something of it is away
"""
