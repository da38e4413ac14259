"""What FaceStudio's workflows have in common."""

from __future__ import annotations

import pytest
from likeness.tests.tools.workflows.definitions import definitions
from likeness.tests.tools.workflows.graphs import built, node_of, nodes_of, source
from likeness.tools.weights.known_files import FACEID_PLUS_SD15, FACEID_PLUS_SDXL, IMAGE_PROMPT, IP_ADAPTER_SDXL
from likeness.tools.workflows.facestudio import WORKFLOWS
from likeness.tools.workflows.facestudio.parts import save_row
from likeness.tools.workflows.graph import Graph

TRAINED = "FaceStudio - with a trained file"
ZERO_SHOT = [name for name in WORKFLOWS if name != TRAINED]


@pytest.mark.parametrize("name", ZERO_SHOT)
def test_style_and_faces_come_from_two_files_of_the_checkpoint_s_kind(name):
    method = node_of(built(name), "LikenessFaceStudioFromIPAdapters")
    files = (IP_ADAPTER_SDXL, FACEID_PLUS_SDXL) if "SDXL" in name else (IMAGE_PROMPT, FACEID_PLUS_SD15)
    loaders = [source(method, "style_adapter"), source(method, "face_adapter")]
    assert [loader.values["ip_adapter"] for loader in loaders] == [file.name for file in files]
    checkpoint = node_of(built(name), "CheckpointLoaderSimple").values["ckpt_name"]
    assert ("xl" in checkpoint) == ("SDXL" in name)


@pytest.mark.parametrize("name", ZERO_SHOT)
def test_prompts_go_through_apply_facestudio(name):
    graph = built(name)
    texts = nodes_of(graph, "CLIPTextEncode")
    for applied in nodes_of(graph, "LikenessApplyFaceStudio"):
        assert [source(applied, side) for side in ("positive", "negative")] == texts
    for sampler in nodes_of(graph, "KSampler"):
        given = [sampler.sources[name] for name in ("model", "positive", "negative")]
        assert len({socket.node for socket in given}) == 1
        assert [socket.node.outputs[socket.slot][0] for socket in given] == ["model", "positive", "negative"]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_style_is_read_by_the_method_that_follows_it(name):
    for applied in nodes_of(built(name), "LikenessApplyFaceStudio"):
        style = source(applied, "style")
        assert style.kind == "LikenessEncodeStyle"
        assert style.values["mask_face"] is True
        assert source(style, "facestudio") is source(applied, "facestudio")


@pytest.mark.parametrize("name", WORKFLOWS)
def test_alpha_is_that_of_the_picture_alone_where_there_is_no_text(name):
    for applied in nodes_of(built(name), "LikenessApplyFaceStudio"):
        assert "text" in applied.sources or applied.values["alpha"] == 1.0


@pytest.mark.parametrize(("count", "columns"), [(2, 1), (3, 2)])
def test_pictures_are_saved_beside_each_other_in_their_order(count, columns):
    graph = Graph("row", definitions())
    checkpoint = graph.add("CheckpointLoaderSimple", ckpt_name="any.safetensors")
    sampled = [graph.add("EmptyLatentImage", width=8, height=8) for _ in range(count)]
    row = save_row(graph, checkpoint["VAE"], sampled)
    assert len(row) == columns
    seen, picture = [], source(row[-1][-1], "images")
    while picture.kind == "ImageStitch":
        seen.append(source(picture, "image2"))
        picture = source(picture, "image1")
    assert [source(each, "samples") for each in (picture, *reversed(seen))] == sampled
