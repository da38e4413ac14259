"""Which workflows run with full-size random weights, in `make test-long`: for each method those least like each other.

`make test` checks the graphs of all of them and runs the miniature's; what these find beyond is how the pack and real
networks of full size go together: keys, sizes, dtypes, memory, the number of layers reached.
"""

from __future__ import annotations

MOST_A_METHOD = 3
# In this order: all workflows of one checkpoint stand together, so that ComfyUI loads each once.
RUN: dict[str, tuple[str, ...]] = {
    "consistentid": (
        "ConsistentID - one person with SDXL",
        "ConsistentID - one person",
        "ConsistentID - eyes and mouth of another person",
    ),
    "uniportrait": (
        "UniPortrait - two people",
        "UniPortrait - two people in a given pose",
        "UniPortrait - group with sharp faces",
    ),
    "omniportrait": (
        "OmniPortrait - two people",
        "Guidance - one person with any checkpoint",
        "UniPortrait - one person guided",
    ),
}
FULL_SIZE_RUNS = tuple(name for names in RUN.values() for name in names)
