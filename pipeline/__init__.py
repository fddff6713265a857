"""What is done with the facts: the engine and everything around it."""
