"""Texts that the notes of several workflows have in common."""

from __future__ import annotations

from collections.abc import Sequence

from ..weights.known_files import BUFFALO_DETECTOR, FACEID, YUNET, KnownFile

DETECTORS = (YUNET, BUFFALO_DETECTOR)
CONSENT = "Use photos of people who agree to it."
CHOOSE_PHOTOS = "1. Choose a photo for every person (*Photo of person …*). One sharp face from the front is best."
CHOOSE_PHOTO = "1. Choose a photo (*Photo of person 1*). One sharp face from the front is best."
RUN = "Run. *Add Person* shows the faces of the photo with their numbers; another one is taken by `face`."
PHOTOS, PHOTO = f"{CHOOSE_PHOTOS}\n2. {RUN}", f"{CHOOSE_PHOTO}\n2. {RUN}"

MINIATURE_FILES = """
Nothing: the models come with the pack, and so do the drawn pictures. Open it and run it.
"""
MINIATURE = """
The miniature is a tiny model of a drawn world, for pictures of 128 × 128. It knows the words of that world only, and real photos
mean nothing to it. It shows in seconds, on any computer, what the nodes do.
"""


def write_downloads(files: Sequence[KnownFile]) -> str:
    """Write which files a workflow needs; of the detectors among them one is enough."""
    lines = ["Folders are below `ComfyUI/models`. Names are free: loaders look at what is in a file.", ""]
    lines += [f"- {_link(file)}, {file.size}, in `{file.folder}`" for file in files if file not in DETECTORS]
    if any(file in DETECTORS for file in files):
        lines.append(
            f"- a face detector: {_link(YUNET)} in `{YUNET.folder}` (MIT), or insightface's "
            f"[buffalo_l]({BUFFALO_DETECTOR.page}) in `{BUFFALO_DETECTOR.folder}` (non-commercial research only)"
        )
    if FACEID in files:
        lines += ["", "The published UniPortrait works with **SD1.5 only**."]
    return "\n".join(lines)


def _link(file: KnownFile) -> str:
    return f"[{file.name}]({file.url or file.page})"
