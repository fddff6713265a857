"""How results are shown: tables for people, JSON, JSON lines and YAML for programs."""
