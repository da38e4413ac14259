"""How large nodes are on the page, with room for what they show after a run."""

from __future__ import annotations

import re

from .node import NOTE, Node

TITLE_HEIGHT = 30  # above a node's position
SLOT_HEIGHT = 22
WIDGET_HEIGHT = 30  # the classic canvas takes 24, Nodes 2.0 some more
TEXT_HEIGHT = 110  # a text box of several lines
PADDING = 10
NOTE_LINE = 20
NOTE_LETTERS = 62  # of a line at the width of a note
WIDTH = 300
WIDTHS = {
    NOTE: 460,
    "CLIPTextEncode": 380,
    "SaveImage": 460,
    "LoadImage": 300,
    "LikenessEncodeConsistentIDPrompt": 420,
    "LikenessEncodeOmniPortraitPrompt": 380,
    "LikenessShowRoutingMap": 460,
    "LikenessShowGuidance": 460,
}
# Pictures appear below the widgets. Both renderers take at least 220 for them, and more for a line below and the gaps.
PICTURE_HEIGHT = 300
PLOT_HEIGHT = 330
SHOWN_HEIGHTS = {
    "LoadImage": PICTURE_HEIGHT,
    "SaveImage": PICTURE_HEIGHT,
    "PreviewAny": TEXT_HEIGHT,
    "LikenessAddPerson": PICTURE_HEIGHT,
    "LikenessApplyConsistentID": PICTURE_HEIGHT,
    "LikenessApplyFaceStudio": PICTURE_HEIGHT,
    "LikenessApplyIPAdapter": PICTURE_HEIGHT,
    "LikenessApplyReferenceGuidance": PICTURE_HEIGHT,
    "LikenessApplyUniPortrait": PICTURE_HEIGHT,
    "LikenessDetectFaces": PICTURE_HEIGHT,
    "LikenessEncodeConsistentIDPrompt": PICTURE_HEIGHT,
    "LikenessEncodeStyle": PICTURE_HEIGHT,
    "LikenessLoadIdentityCard": PICTURE_HEIGHT,
    "LikenessMatchPeople": PICTURE_HEIGHT,
    "LikenessMergePeople": PICTURE_HEIGHT,
    "LikenessMixPeople": PICTURE_HEIGHT,
    "LikenessParseFace": PICTURE_HEIGHT,
    "LikenessPickFaces": PICTURE_HEIGHT,
    "LikenessSaveIdentityCard": PICTURE_HEIGHT,
    "LikenessScoreLikeness": PICTURE_HEIGHT,
    "LikenessShowGuidance": PLOT_HEIGHT,
    "LikenessShowRoutingMap": PICTURE_HEIGHT,
}


def size_of(node: Node) -> tuple[int, int]:
    """Return width and height of a node without its title, what it shows after a run included."""
    if node.kind == NOTE:
        lines = re.sub(r"\]\([^)]*\)", "]", node.values["text"]).splitlines()  # addresses of links are not shown
        rows = sum(1 + len(line) // NOTE_LETTERS for line in lines)
        return WIDTHS[NOTE], 3 * PADDING + NOTE_LINE * rows
    height = SLOT_HEIGHT * max(len(node.sockets), len(node.outputs)) + PADDING
    height += sum(TEXT_HEIGHT if entry.is_text else WIDGET_HEIGHT * entry.rows for entry in node.widgets)
    return WIDTHS.get(node.kind, WIDTH), height + SHOWN_HEIGHTS.get(node.kind, 0)
