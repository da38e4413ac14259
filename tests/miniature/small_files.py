"""The miniature's files with random networks of a few channels, for whatever reads them."""

from __future__ import annotations

import torch
from likeness.diffusers_host.face_encoder import FaceEncoder
from likeness.miniature.judge.file import write_judge
from likeness.miniature.judge.judge import Judge
from likeness.miniature.judge.readers import new_backdrop_reader, new_person_reader
from likeness.miniature.networks.checkpoint import read_base, write_base
from likeness.miniature.networks.untrained import new_base
from likeness.miniature.networks.weights_file import write_weights
from likeness.miniature.recipe.faces_file import write_face_networks
from likeness.miniature.recipe.steps.omniportrait import CONFIG, new_pivot
from likeness.models.clip.prior import PriorSizes
from likeness.models.clip.prior_file import PriorDescription
from likeness.models.consistentid.checkpoint import TRAINED_AS
from likeness.models.face.iresnet import IResNet
from likeness.models.facestudio.description import Description
from likeness.models.ip_adapter.projection import ImagePromptProjection
from likeness.models.miniature.files import STAGE_ONE, STAGE_TWO
from likeness.models.miniature.finder import FaceFinder
from likeness.models.miniature.parser import MiniatureParser
from likeness.models.omniportrait.checkpoint import adapter_metadata, adapter_weights
from likeness.models.omniportrait.image_encoder import PivotImageEncoder
from likeness.models.weights.state_dict import flatten
from likeness.tests.miniature.small_base import SIZES
from likeness.training.adapter_networks import LoRALayers, new_attention
from likeness.training.consistentid.networks import consistentid_weights
from likeness.training.consistentid.networks import new_networks as new_consistentid
from likeness.training.facestudio.networks import facestudio_weights
from likeness.training.facestudio.networks import new_networks as new_facestudio
from likeness.training.facestudio.prior.networks import new_prior
from likeness.training.facestudio.start import Start
from likeness.training.ip_adapter.networks import FaceIDNetworks
from likeness.training.ip_adapter.networks import faceid_weights as ip_adapter_weights
from likeness.training.ip_adapter.networks import new_networks as new_faceid
from likeness.training.uniportrait.networks import faceid_weights, new_networks, new_routers, router_weights
from torch import nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

IMAGE_TOKENS, IMAGE_WIDTH = 16, 8
EMBEDDING, SPACE = 8, "small"  # of pictures
FACE_WIDTH = 10  # of the backbone's deepest map
# A box in cells from the cell that sees it, then five points: so wide that all the picture is one face.
FACE = (-30, -30, 30, 30, -2, -2, 2, -2, 0, 0, -1.5, 2, 1.5, 2)


def finder_that_sees(score):
    """A network that sees one face in every picture, with this logit."""
    finder = FaceFinder()
    last = finder.head[-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.tensor((score, *FACE)))
    return finder


def write_files(folder, sizes=SIZES):
    """Write base, faces, uniportrait, ip_adapter and judge into a folder; gives their paths by these names."""
    names = ("base", "faces", "uniportrait", "ip_adapter", "judge")
    paths = {name: folder / f"{name}.safetensors" for name in names}
    torch.manual_seed(0)
    base = new_base(sizes, seed=1)
    config = CLIPVisionConfig(
        hidden_size=IMAGE_WIDTH, intermediate_size=16, num_hidden_layers=2, num_attention_heads=1, image_size=224,
        patch_size=56, projection_dim=EMBEDDING, hidden_act="gelu",
    )  # fmt: skip
    backbone = IResNet(4, [(4, 1), (6, 1), (8, 1), (FACE_WIDTH, 1)]).eval()
    image_encoder = CLIPVisionModelWithProjection(config).eval()
    for parameter in image_encoder.parameters():
        nn.init.normal_(parameter, std=0.3)
    like = FaceEncoder(backbone=backbone, image_encoder=image_encoder).nobody()
    networks = new_networks(base.unet, like, rank=2, seed=0)
    networks.routers = new_routers(networks, seed=1)
    stages = []
    for weights_of in (faceid_weights, router_weights):
        for parameter in networks.lora.parameters():
            nn.init.normal_(parameter, std=0.2)
        stages.append({key: tensor.clone() for key, tensor in flatten(weights_of(networks)).items()})
    adapter = {
        prefix + key: tensor
        for prefix, stage in zip((STAGE_ONE, STAGE_TWO), stages, strict=True)
        for key, tensor in stage.items()
    }
    judge = Judge(finder=finder_that_sees(9.0), persons=new_person_reader(), backdrops=new_backdrop_reader())
    write_base(paths["base"], base, sizes, metadata={})
    write_face_networks(
        paths["faces"],
        finder=finder_that_sees(9.0),
        parser=MiniatureParser(),
        backbone=backbone,
        image_encoder=image_encoder,
        metadata={},
    )
    write_weights(paths["uniportrait"], adapter, {})
    write_ip_adapter(paths["ip_adapter"], base)
    write_judge(paths["judge"], judge, {})
    return paths


def write_consistentid(path, base):
    """Write a ConsistentID for a base, with a LoRA that does something."""
    networks = new_consistentid(base.unet, vector=FACE_WIDTH, image=IMAGE_WIDTH, rank=2, depth=1, seed=3)
    generator = torch.Generator().manual_seed(4)
    for parameter in networks.lora.parameters():
        nn.init.normal_(parameter, std=0.2, generator=generator)
    write_weights(path, flatten(consistentid_weights(networks)), {TRAINED_AS: "corrected"})


def write_ip_adapter(path, base):
    """Write an IP-Adapter FaceID for a base, with a LoRA that does something."""
    networks = new_faceid(base.unet, vector=FACE_WIDTH, rank=2, seed=7)
    generator = torch.Generator().manual_seed(8)
    for parameter in networks.lora.parameters():
        nn.init.normal_(parameter, std=0.2, generator=generator)
    write_weights(path, flatten(ip_adapter_weights(networks)), {})


def write_pivot(path, base):
    """Write OmniPortrait's pivot for a base, with a fusion that does something."""
    fusion, encoder = new_pivot(base, seed=5), PivotImageEncoder(CONFIG)
    nn.init.normal_(fusion.fusion.weight, generator=torch.Generator().manual_seed(6))
    write_weights(path, flatten(adapter_weights(fusion, encoder)), adapter_metadata(CONFIG))


def write_files_with_adapters(folder, sizes=SIZES):
    """`write_files`, and everything else that Load Miniature reads."""
    paths = write_files(folder, sizes) | {
        name: folder / f"{name}.safetensors"
        for name in ("consistentid", "omniportrait", "facestudio", "style_adapter", "prior")
    }
    base = read_base(paths["base"])
    write_consistentid(paths["consistentid"], base)
    write_pivot(paths["omniportrait"], base)
    write_facestudio(paths["facestudio"], base)
    write_style_adapter(paths["style_adapter"], base)
    write_prior(paths["prior"], sizes)
    return paths


def write_facestudio(path, base):
    """Write a FaceStudio for a base, with a LoRA and keys and values that do something."""
    start = Start(style=EMBEDDING, length=3.0, spread=1.0)
    networks = new_facestudio(base.unet, start, seed=9, rank=2, face=FACE_WIDTH)
    generator = torch.Generator().manual_seed(10)
    for parameter in (*networks.lora.parameters(), *networks.attention.parameters()):
        nn.init.normal_(parameter, std=0.2, generator=generator)
    description = Description(encoder="other", space=SPACE, activation="gelu", face_width=FACE_WIDTH)
    write_weights(path, flatten(facestudio_weights(networks, base.unet)), description.metadata())


def write_style_adapter(path, base):
    """Write a plain IP-Adapter for a base."""
    torch.manual_seed(11)
    width = base.unet.config["cross_attention_dim"]
    networks = FaceIDNetworks(ImagePromptProjection(EMBEDDING, 4, width), new_attention(base.unet), LoRALayers({}, 1))
    write_weights(path, flatten(ip_adapter_weights(networks)), {})


def write_prior(path, sizes):
    """Write a prior of one block."""
    numbers = PriorSizes(width=16, dim_head=8, depth=1, embedding=EMBEDDING, text=sizes.text, text_tokens=77)
    prior = new_prior(numbers, torch.zeros(EMBEDDING), torch.ones(EMBEDDING), seed=12)
    description = PriorDescription(clamp=5.0, dim_head=8, space=SPACE, projected=False)
    write_weights(path, prior.state_dict(), description.metadata())
