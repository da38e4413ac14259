"""Untrained small networks for FaceStudio's experiments in files by the names of the real ones, and a few questions."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from likeness.miniature.ablations.facestudio.arms import StyledRenderer
from likeness.miniature.ablations.facestudio.questions import style_questions
from likeness.miniature.ablations.questions import new_questions
from likeness.miniature.judge.file import write_styled_readers
from likeness.miniature.judge.judge import Judge
from likeness.miniature.judge.readers import new_person_reader, new_styled_backdrop_reader
from likeness.miniature.networks.checkpoint import read_base
from likeness.miniature.networks.faces import read_faces
from likeness.miniature.networks.weights_file import write_weights
from likeness.miniature.studio.drawing import Settings
from likeness.miniature.studio.facestudio import Adapters
from likeness.models.clip.prior import PriorSizes
from likeness.models.clip.prior_file import PriorDescription
from likeness.models.clip.prior_file import load as load_prior
from likeness.models.facestudio.checkpoint import load as load_facestudio
from likeness.models.facestudio.description import Description
from likeness.models.ip_adapter.checkpoint import load as load_ip_adapter
from likeness.models.ip_adapter.projection import ImagePromptProjection
from likeness.models.weights.state_dict import flatten
from likeness.tests.miniature.small_files import FACE_WIDTH, finder_that_sees, write_files
from likeness.training.adapter_networks import LoRALayers, new_attention
from likeness.training.batches.feature_store import FeatureStore
from likeness.training.facestudio.networks import facestudio_weights, new_networks
from likeness.training.facestudio.prior.networks import new_prior
from likeness.training.facestudio.start import Start
from likeness.training.ip_adapter.networks import FaceIDNetworks, faceid_weights

COUNT = 4
STYLE_WIDTH, TEXT_WIDTH = 8, 16
DESCRIPTION = Description(encoder="other", space="small", activation="gelu", face_width=FACE_WIDTH)
FEW = Settings(steps=2)


def facestudio_file(base, seed):
    """Flat weights of a FaceStudio whose LoRA does something."""
    networks = new_networks(
        base.unet, Start(style=STYLE_WIDTH, length=3.0, spread=1.0), seed=seed, rank=2, face=FACE_WIDTH
    )
    for parameter in networks.lora.parameters():
        torch.nn.init.normal_(parameter, std=0.2, generator=torch.Generator().manual_seed(seed))
    return {key: tensor.detach().clone() for key, tensor in flatten(facestudio_weights(networks, base.unet)).items()}


def write_styled_files(folder):
    """`write_files`, and FaceStudio, its prior, a plain IP-Adapter and the judge's other readers."""
    paths = write_files(folder)
    base = read_base(paths["base"])
    width = base.unet.config["cross_attention_dim"]
    write_weights(folder / "facestudio.safetensors", facestudio_file(base, 3), DESCRIPTION.metadata())
    sizes = PriorSizes(width=8, dim_head=4, depth=1, embedding=STYLE_WIDTH, text=TEXT_WIDTH, text_tokens=77)
    prior = new_prior(sizes, torch.zeros(STYLE_WIDTH), torch.ones(STYLE_WIDTH), seed=5)
    said = PriorDescription(clamp=5.0, dim_head=4, space="small")
    write_weights(folder / "prior.safetensors", dict(prior.state_dict()), said.metadata())
    torch.manual_seed(6)
    plain = FaceIDNetworks(ImagePromptProjection(STYLE_WIDTH, 4, width), new_attention(base.unet), LoRALayers({}, 1))
    write_weights(folder / "style_adapter.safetensors", flatten(faceid_weights(plain)), {})
    readers = Judge(finder=finder_that_sees(9.0), persons=new_person_reader(), backdrops=new_styled_backdrop_reader())
    write_styled_readers(folder / "styled_readers.safetensors", readers, {})
    return paths


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder with small files by the names of the real ones."""
    folder = tmp_path_factory.mktemp("styled")
    write_styled_files(folder)
    return folder


@pytest.fixture(scope="module")
def networks(weights):
    """What they hold."""
    return SimpleNamespace(
        base=read_base(weights / "base.safetensors"),
        faces=read_faces(weights / "faces.safetensors")[1],
        prior=load_prior(weights / "prior.safetensors"),
        facestudio=load_facestudio(weights / "facestudio.safetensors", dtype=torch.float32),
        adapters=Adapters(
            *(
                load_ip_adapter(weights / f"{name}.safetensors", dtype=torch.float32)
                for name in ("style_adapter", "ip_adapter")
            )
        ),
    )


@pytest.fixture(scope="module")
def questions(networks):
    """`COUNT` questions with a style picture and one person, and as many with two."""
    return {
        people: style_questions(
            networks.base,
            networks.faces,
            networks.prior,
            new_questions(networks.faces, count=COUNT, people=people, channels=4),
        )
        for people in (1, 2)
    }


@pytest.fixture
def renderer(networks, tmp_path):
    """Draws in two steps, and keeps what it drew."""
    return StyledRenderer(
        base=networks.base, settings=FEW, adapted=FEW, store=FeatureStore(tmp_path / "drawn", holds_nan=True), rows=3
    )
