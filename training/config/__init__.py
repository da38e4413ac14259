"""The TOML file of a run: its keys, their types and rules."""
