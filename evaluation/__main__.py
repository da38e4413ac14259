"""Command: measure a method. `python -m likeness.evaluation PROTOCOL.toml`."""

from __future__ import annotations

import sys

from .command import main

if __name__ == "__main__":
    sys.exit(main(home=f"{__package__}.built_in", program="python -m likeness.evaluation"))
