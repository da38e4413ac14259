"""One person in a style."""

from __future__ import annotations

import pytest
from likeness.tests.tools.workflows.graphs import built, node_of, nodes_of, source
from likeness.tools.weights.known_files import OPENAI_VIT_L, PRIOR_BIGG, RECOGNISER
from likeness.tools.workflows.facestudio.portraits import WORKFLOWS

TEXT, VIEWS, TRAINED = (
    f"FaceStudio - {rest}" for rest in ("style and text with SDXL", "one face in two views", "with a trained file")
)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_the_one_person_is_in_every_picture(name):
    graph = built(name)
    person = node_of(graph, "LikenessAddPerson")
    for applied in nodes_of(graph, "LikenessApplyFaceStudio"):
        assert source(applied, "people") is person
        assert "placement" not in applied.sources


def test_a_text_is_read_by_the_checkpoint_s_clip_and_mixed_in_by_halves():
    graph = built(TEXT)
    applied, predicted = node_of(graph, "LikenessApplyFaceStudio"), node_of(graph, "LikenessPredictImageEmbedding")
    assert source(applied, "text") is predicted
    assert (applied.values["alpha"], predicted.files) == (0.5, (PRIOR_BIGG,))
    clip = predicted.sources["clip"]
    assert clip.node is node_of(graph, "CheckpointLoaderSimple")
    assert clip.node.outputs[clip.slot][1] == "CLIP"
    assert len(predicted.values["text"]) > 20


def test_two_views_differ_in_nothing_but_the_picture_of_the_view():
    first, second = nodes_of(built(VIEWS), "KSampler")
    applied = [source(sampler, "model") for sampler in (first, second)]
    assert first.values == second.values
    assert [first.sources[name].node for name in ("seed", "latent_image")] == [
        second.sources[name].node for name in ("seed", "latent_image")
    ]
    assert applied[0].values == applied[1].values
    pictures = [source(source(each, "style"), "picture").values["image"] for each in applied]
    assert pictures == ["view-1.png", "view-2.png"]


def test_a_trained_file_gets_no_prompts_and_brings_its_encoders_names():
    graph = built(TRAINED)
    applied, loader = node_of(graph, "LikenessApplyFaceStudio"), node_of(graph, "LikenessLoadFaceStudio")
    assert not {"positive", "negative", "text"} & applied.sources.keys()
    assert nodes_of(graph, "CLIPTextEncode") == []
    assert set(loader.files) == {OPENAI_VIT_L, RECOGNISER}
    assert node_of(graph, "KSampler").values["cfg"] == 5.0  # our choice, as in sample sheets; the paper names none
