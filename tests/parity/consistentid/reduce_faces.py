"""Cut the stored ConsistentID cases of faces and regions down to what the repository carries.

Usage: python reduce_faces.py FOLDER_WITH_THE_FULL_CASES
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from likeness.tests.parity.consistentid.face_cases import (
    HEADS,
    HERE,
    PADDED,
    PARSER_CASE,
    PIXEL_STEP,
    PIXELS,
    REGION_CASES,
    FaceCase,
)
from likeness.tests.parity.folder import Folder


def reduce(folder: Folder, name: str) -> None:
    """Write one case beside this file, compressed."""
    case = FaceCase.read(folder, name)
    steps = {**HEADS, PIXELS: PIXEL_STEP}
    arrays = {key: tensor.numpy() for key, tensor in case.tensors.items() if key != PADDED}
    arrays = {key: array[..., :: steps.get(key, 1), :: steps.get(key, 1)] for key, array in arrays.items()}
    noted = {key: np.array(names) for key, names in case.orders.items()}
    np.savez_compressed(HERE / f"{name.replace('/', '_')}.npz", **arrays, **noted)


if __name__ == "__main__":
    for case_name in (PARSER_CASE, *REGION_CASES):
        reduce(Folder(Path(sys.argv[1])), case_name)
