"""Statistics over keys, failures and incidents: sums, made while the events pass. The events are not kept."""
