"""What a daemon has taken in, in the order in which it did, as a file of JSON lines: written by it, read by a replay.

records   what stands in it
lines     log lines as text without secrets
file      a file that is only added to, compressed or not
rotating  files of a recording that goes on in a new one
reading   the records of a file that were committed
"""
