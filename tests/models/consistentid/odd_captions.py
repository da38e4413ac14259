"""Regions that a face may have, and captions of one that are out of the ordinary."""

from __future__ import annotations

ALL = ("Face", "Left_Eye", "Left_Ear", "Nose", "Upper_Lip")
ODD = {
    "brackets": "A (pretty:1.3) [face], {with} two <eyes>.",
    "quotes": "His \"face\" isn't 'wide'; her eyes’ colour is `blue`.",
    "newlines": "A face\nwith\r\nblue eyes,\n\n\ta nose\n",
    "emoji": "😀 face 👃 nose, 👀 eyes 👄.",
    "500 words": "a long face and " * 125,
    "no feature": "A portrait.",
    "empty": "",
}
