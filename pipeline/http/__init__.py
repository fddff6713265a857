"""What the daemon answers: is it alive, can it work, how is it doing."""
