"""Rules as data: one TOML file a topic, the model of a rule, and the loader."""
