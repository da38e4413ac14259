from dataclasses import asdict

from likeness.models.consistentid.pipelines import INPAINT, SD15, SDXL


def differing(one, other):
    return {name for name, value in asdict(one).items() if value != asdict(other)[name]}


def test_what_the_pipelines_do_differently():
    assert differing(SD15, INPAINT) == {"name", "sentence", "control_context"}
    assert differing(SD15, SDXL) == {
        "name", "sentence", "joiner", "parsing_size", "detection_size", "channel_order", "shortcut", "text_only", "width",
    }  # fmt: skip
