"""Logs of controllers by the pod-log API of their clusters.

A connection that breaks between API server and kubelet ends like one that is complete, in the middle of a line
perhaps. So an end proves nothing: what was read is found again in the next answer, by times and digests of the last
lines, and only the log's newest line, asked for before, shows that everything was read. `sinceTime` is not used: it
goes by the time of each line, and leaves out what a clock that was set back has written.
"""
