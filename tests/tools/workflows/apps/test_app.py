"""What a workflow shows as an app."""

from __future__ import annotations

from likeness.tools.workflows.apps.app import App, Field
from likeness.tools.workflows.node import Node

PHOTO, SAVED = Node(3, "LoadImage", "Photo"), Node(7, "SaveImage", "Save Image")
APP = App([Field(PHOTO, "image", "Photo of person 1")], [SAVED])


def test_the_page_is_told_which_widgets_and_nodes_are_shown():
    assert APP.extra() == {"linearMode": True, "linearData": {"inputs": [[3, "image"]], "outputs": [7]}}


def test_only_what_is_shown_has_a_label():
    assert APP.label(PHOTO, "image") == "Photo of person 1"
    assert APP.label(PHOTO, "upload") is None
    assert APP.label(Node(3, "LoadImage", "Photo"), "image") is None
