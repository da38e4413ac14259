"""What the nodes that take faces share."""

from __future__ import annotations

import inspect

import pytest

pytestmark = pytest.mark.comfy


def test_what_is_shared_is_what_the_nodes_take_and_give():
    from likeness.nodes.faces.detect import DetectFaces, PickFaces
    from likeness.nodes.faces.selection import face_outputs, on_no_face_input, selection_inputs

    shared = [each.id for each in (*selection_inputs(), on_no_face_input())]
    for node in (DetectFaces, PickFaces):
        assert set(shared) <= inspect.signature(node.execute).parameters.keys()
        assert [each.display_name for each in node.define_schema().outputs] == [
            each.display_name for each in face_outputs()
        ]


def test_every_choice_of_a_list_is_one_that_the_models_know():
    from typing import get_args

    from likeness.models.face.analysis import Order, Take
    from likeness.models.face.types import OnNoFace
    from likeness.nodes.faces.selection import on_no_face_input, selection_inputs

    lists = {
        each.id: tuple(each.options) for each in (*selection_inputs(), on_no_face_input()) if hasattr(each, "options")
    }
    assert lists == {"order": get_args(Order), "take": get_args(Take), "on_no_face": get_args(OnNoFace)}
