"""Cases that once failed, by kind and seed; they run every time.

A change to how a kind is damaged makes other cases of these seeds: look then for seeds that fail without the mending commit.
"""

from __future__ import annotations

REGRESSIONS: tuple[tuple[str, int], ...] = (
    ("face backbone", 0),  # NaN
    ("IP-Adapter", 0),  # NaN in a LoRA
    ("FaceStudio", 1),  # a blank block
    ("FaceNet", 2),  # an infinite variance
    ("ConsistentID", 3),  # a quantised tensor
    ("face parser", 3),  # whole numbers for fractions
    ("IP-Adapter", 29),  # a LoRA in double precision whose numbers are beyond single precision
    ("ConsistentID", 12),
    ("UniPortrait router", 17),
    ("UniPortrait router", 44),
    ("miniature UniPortrait", 61),
    ("ONNX detector (YuNet)", 2),  # a crash of OpenCV
    ("calibration", 1),  # a pipe
    ("feature cache", 7),  # a pipe
    ("feature cache", 19),
    ("feature cache", 36),
    ("checkpoint of a run", 1),  # progress that is no text
    ("checkpoint of a run", 5),  # a pickle that runs code
    ("checkpoint of a run", 7),
    ("checkpoint of a run", 9),
    ("checkpoint of a run", 10),  # a pipe
    ("shards (tar)", 1),  # a home that nobody has
    ("shards (tar)", 14),  # a device
    ("shards (tar)", 15),
    ("shards (tar)", 30),
    ("protocol of an evaluation (TOML)", 31),  # a file of 8 GiB
)
