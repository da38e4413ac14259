"""Predict Image Embedding: what reaches the prior, and what comes out."""

# pyright: reportUnusedImport=false

from __future__ import annotations

import pytest
import torch
from likeness.models.clip.prior_file import PriorDescription
from likeness.models.errors import IncompatibleBaseModelError, MissingModelFileError, UnknownCheckpointError
from likeness.models.facestudio.style import Space
from likeness.tests.host.clips import WIDE, tiny_clip
from likeness.tests.host.conftest import cross_sites, tiny_model  # noqa: F401
from likeness.tests.host.ip_adapter.conftest import SEEN, ip_adapter, ip_adapter_weights  # noqa: F401
from likeness.tests.host.model_folders import folders  # noqa: F401
from likeness.tests.models.clip.small_priors import HEAD, random_weights
from safetensors.torch import save_file

pytestmark = pytest.mark.comfy

EMBEDDING = 10


@pytest.fixture
def predict(execute, folders):  # noqa: F811
    """Runs the node on a CLIP with two readable towers and a prior in models/prior."""
    from likeness.nodes.prior import PredictImageEmbedding

    def run(*, embedding=EMBEDDING, space="drawn", **inputs):
        path = folders / "prior" / f"{embedding} {space}.safetensors"
        path.parent.mkdir(exist_ok=True)
        described = PriorDescription(clamp=3.0, dim_head=HEAD, space=space)
        save_file(random_weights(embedding=embedding, text=WIDE, tokens=77), path, described.metadata())
        defaults = {
            "clip": tiny_clip(), "prior": path.name, "text": "a man", "negative_text": "", "steps": 3, "guidance": 4.0, "seed": 1,
            "average": 1,
        }  # fmt: skip
        return execute(PredictImageEmbedding, **(defaults | inputs)).result

    return run


def test_a_style_and_the_same_embedding_for_core_s_nodes_come_out(predict):
    style, output = predict()
    assert (style.source, style.space, style.note, style.seen) == ("text", Space("drawn", EMBEDDING), "", None)
    assert torch.equal(output.image_embeds, style.embedding)
    assert output.penultimate_hidden_states is None


def test_a_space_without_a_name_is_told_by_its_width(predict):
    style, _ = predict(embedding=768, space="")
    assert style.space == Space("ViT-L/14", 768)


def test_every_widget_reaches_the_prior(predict):
    first = predict()[0].embedding
    for other in (
        {"text": "a cat"},
        {"negative_text": "a cat"},
        {"steps": 4},
        {"guidance": 2.0},
        {"seed": 2},
        {"average": 2},
    ):
        assert not torch.allclose(predict(**other)[0].embedding, first), other
    assert torch.equal(predict()[0].embedding, first)


def test_a_text_that_is_too_long_is_said_in_the_style(predict):
    style, _ = predict(text="word " * 80)
    assert style.note.endswith("the rest was left out: text by 5.")


def test_auto_finds_the_prior(predict):
    by_name, by_auto = predict()[0], predict(prior="auto")[0]
    assert torch.equal(by_name.embedding, by_auto.embedding)


def test_what_is_wrong_is_one_sentence(predict):
    with pytest.raises(MissingModelFileError, match=r'"gone\.safetensors" was not found'):
        predict(prior="gone.safetensors")
    with pytest.raises(IncompatibleBaseModelError, match="text tower 32 wide is needed"):
        predict(clip=tiny_clip("sd15"))


def test_a_file_of_another_kind_is_named(predict, folders):  # noqa: F811
    (folders / "prior").mkdir()
    save_file({"image_proj.latents": torch.zeros(2)}, folders / "prior" / "other.safetensors")
    with pytest.raises(UnknownCheckpointError, match="is not a prior from text to picture embeddings"):
        predict(prior="other.safetensors")


def test_the_defaults_are_those_of_the_published_pipelines():
    from likeness.nodes.prior import PredictImageEmbedding

    widgets = {entry.id: getattr(entry, "default", None) for entry in PredictImageEmbedding.define_schema().inputs}
    assert (widgets["steps"], widgets["guidance"], widgets["negative_text"], widgets["average"]) == (25, 4.0, "", 1)


def test_an_ip_adapter_of_that_width_takes_it(predict, execute, ip_adapter, tiny_model):  # noqa: F811
    from likeness.nodes.ip_adapter.apply import ApplyIPAdapter

    _, output = predict(embedding=SEEN)
    given = {"model": tiny_model(), "ip_adapter": ip_adapter("plain"), "picture_embedding": output}
    assert execute(ApplyIPAdapter, **given).result[1]
