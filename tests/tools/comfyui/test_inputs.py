"""The inputs of a node, from definitions as both styles of node give them to `/object_info`."""

import pytest
from likeness.tools.comfyui.inputs import Input, read_inputs

OLD_STYLE = {
    "input": {
        "required": {
            "model": ["MODEL"],
            "ckpt_name": [["a.safetensors", "b.safetensors"]],
            "seed": ["INT", {"default": 3, "control_after_generate": True}],
            "text": ["STRING", {"multiline": True}],
        },
        "optional": {
            "image": ["COMBO", {"options": ["x.png"], "image_upload": True}],
            "scale": ["FLOAT", {"forceInput": True}],
        },
    },
    "input_order": {"required": ["seed", "model", "ckpt_name", "text"], "optional": ["image", "scale"]},
}


@pytest.fixture
def inputs() -> dict[str, Input]:
    return {entry.name: entry for entry in read_inputs(OLD_STYLE)}


def test_inputs_come_in_the_order_of_their_definition_required_ones_first(inputs):
    assert list(inputs) == ["seed", "model", "ckpt_name", "text", "image", "scale"]
    assert [name for name, entry in inputs.items() if not entry.required] == ["image", "scale"]


def test_choices_of_both_styles_are_one_kind(inputs):
    assert (inputs["ckpt_name"].kind, inputs["ckpt_name"].choices) == ("COMBO", ("a.safetensors", "b.safetensors"))
    assert (inputs["image"].kind, inputs["image"].choices) == ("COMBO", ("x.png",))


def test_what_is_linked_is_no_widget(inputs):
    assert [name for name, entry in inputs.items() if not entry.is_widget] == ["model", "scale"]


def test_the_page_adds_rows_below_seeds_and_pictures(inputs):
    assert {name: entry.rows for name, entry in inputs.items() if entry.is_widget} == {
        "seed": 2,
        "ckpt_name": 1,
        "text": 1,
        "image": 2,
    }
    assert inputs["text"].is_text


def test_untouched_widgets_hold_the_default_of_their_kind(inputs):
    found = {name: entry.default for name, entry in inputs.items() if entry.is_widget}
    assert found == {"seed": 3, "ckpt_name": "a.safetensors", "text": "", "image": "x.png"}


@pytest.mark.parametrize(("kind", "default"), [("INT", 0), ("FLOAT", 0), ("BOOLEAN", False), ("STRING", "")])
def test_a_widget_without_a_default(kind, default):
    assert Input("x", kind, True, {}, ()).default == default


def test_a_choice_without_files_has_no_default():
    assert Input("x", "COMBO", True, {}, ()).default is None


def test_a_section_that_is_missing_gives_nothing():
    assert list(read_inputs({"input": {}, "input_order": {}})) == []
