"""Programs that measure speed, memory and parity; each prints a table and is started with `python -m`."""
