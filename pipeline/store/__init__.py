"""What survives: engine state, positions, incidents, their outbox and the quarantine, in one transaction per batch."""
