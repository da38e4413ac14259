"""What is counted of a layout: its values, and a digest of its keys and shapes."""

from __future__ import annotations

import hashlib
import math

from likeness.tools.weights.layouts import Layout


def count(layout: Layout) -> int:
    return sum(math.prod(shape) for shape in layout.values())


def digest(layout: Layout) -> str:
    """Every key with its shape, one to a line: `key AxBxC`."""
    lines = (f"{key} {'x'.join(map(str, shape))}" for key, shape in sorted(layout.items()))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
