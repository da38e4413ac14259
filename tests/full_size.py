"""Which workflows run with full-size random weights, in `make test-long`: for each method those least like each other.

`make test` checks the graphs of all of them and runs the miniature's; what these find beyond is how the pack and real
networks of full size go together: keys, sizes, dtypes, memory, the number of layers reached.
"""

from __future__ import annotations

MOST_A_METHOD = 3
RUN: dict[str, tuple[str, ...]] = {
    "consistentid": (
        "ConsistentID - two people with SDXL by faces",
        "ConsistentID - one person",
        "ConsistentID - eyes and mouth of another person",
    ),
    "ip_adapter": (
        "IP-Adapter - two people with SDXL by words",
        "IP-Adapter - two people by the router",
        "IP-Adapter - two people in a style",
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
    "facestudio": (
        "FaceStudio - style and text with SDXL",
        "FaceStudio - group photo in a style",
        "FaceStudio - with a trained file",
    ),
}
# All workflows of one checkpoint stand together, so that ComfyUI loads each once.
FULL_SIZE_RUNS = tuple(sorted((name for names in RUN.values() for name in names), key=lambda name: "SDXL" not in name))
