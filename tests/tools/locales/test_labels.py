"""Tables of words, and what becomes of them."""

from __future__ import annotations

from likeness.tools.locales.labels import PATTERN_LETTERS, Words, translate

NODE = {
    "display_name": "Add Person",
    "description": "Adds one person.",
    "input": {
        "required": {"face": ("INT", {"tooltip": "Which face."})},
        "optional": {"on_no_face": (["error"], {"tooltip": "Write @id1."})},
    },
    "input_order": {"required": ["face"], "optional": ["on_no_face"]},
    "output": ["INT"],
    "output_name": ["face"],
    "output_tooltips": ["Which face."],
}
LABELS = {"face": ["face", "人脸"], "on_no_face": ["if no face is found", "未找到人脸时"]}
SENTENCES = {
    "Add Person": "添加人物",
    "Adds one person.": "添加一个人物。",
    "Which face.": "哪张脸。",
    "Write @id1.": "写标记。",
}


def test_a_node_is_translated_with_all_that_it_has():
    words = Words(LABELS, SENTENCES)
    assert translate({"LikenessAddPerson": NODE}, "zh", words) == {
        "LikenessAddPerson": {
            "display_name": "添加人物",
            "description": "添加一个人物。",
            "inputs": {
                "face": {"name": "人脸", "tooltip": "哪张脸。"},
                "on_no_face": {"name": "未找到人脸时", "tooltip": "写标记。"},
            },
            "outputs": {"0": {"name": "人脸", "tooltip": "哪张脸。"}},
        }
    }
    assert words.missing == words.unused() == set()


def test_english_that_the_page_would_read_as_a_pattern_is_left_to_the_schema():
    shown = translate({"LikenessAddPerson": NODE}, "en", Words(LABELS, {}))["LikenessAddPerson"]
    assert shown["inputs"]["on_no_face"] == {"name": "if no face is found"}
    assert shown["inputs"]["face"] == {"name": "face", "tooltip": "Which face."}
    assert "@" in PATTERN_LETTERS


def test_an_input_and_an_output_of_one_name_may_be_called_otherwise():
    own = {"LikenessAddPerson < face": ["number", "编号"], "LikenessAddPerson > face": ["it", "它"]}
    words = Words({**LABELS, **own}, SENTENCES)
    shown = translate({"LikenessAddPerson": NODE}, "en", words)["LikenessAddPerson"]
    assert shown["inputs"]["face"]["name"] == "number"
    assert shown["outputs"]["0"]["name"] == "it"


def test_what_is_missing_and_what_nobody_asks_for_is_noted():
    words = Words({"face": LABELS["face"], "old": ["old", "旧"]}, {"Which face.": "哪张脸。", "Old.": "旧。"})
    translate({"LikenessAddPerson": NODE}, "zh", words)
    assert words.missing == {"LikenessAddPerson < on_no_face", "Add Person", "Adds one person.", "Write @id1."}
    assert words.unused() == {"old", "Old."}
