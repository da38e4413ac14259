"""Our code on the stored UniPortrait case of a whole context: from face crops to the tokens that the UNet gets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from likeness.diffusers_host.encoders import PlainBackbone
from likeness.models.ip_adapter.projection import ImagePromptProjection
from likeness.models.people.person import People, Person
from likeness.models.uniportrait.encode import UniPortraitEncoders, encode_people, preprocess
from likeness.models.uniportrait.id_embedding import IDEmbedding
from likeness.tests.parity.folder import Folder
from likeness.tests.parity.recipe import Case, Comparison
from likeness.tests.parity.uniportrait.cases import IMAGE_TOKENS, SMALL_HEAD, attend, published_backbone
from likeness.tests.people import crop_photo
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, linear


def context(folder: Folder) -> Iterator[Comparison]:
    """From face crops to the tokens that the UNet gets, positive and negative side."""
    case = Case.read(folder, "generate_context")
    clip = SmallCLIP(case)
    encoders = UniPortraitEncoders(clip=clip, backbone=PlainBackbone(published_backbone()))
    module = IDEmbedding.from_state_dict(case.weights("faceid_proj"), dim_head=SMALL_HEAD)
    image_projection = ImagePromptProjection.from_state_dict(case.weights("image_proj"))
    faces = [case.tensors[f"in.face{place}_uint8_rgb"].numpy() for place in range(4)]

    def person(*places: int) -> Person:
        return Person(name=str(places), photos=tuple(crop_photo(faces[place]) for place in places))

    for name, variant in case.about["variants"].items():
        scale = variant["face_structure_scale"]
        people = People()
        for described in variant["ids"]:
            people = people.add(person(*described["refs"]))
            for ref, weight in zip(described.get("mix_refs", ()), described.get("mix_scales", ()), strict=True):
                people = people.mix_into_last(person(ref), weight)
        positive, negative = [torch.zeros(1, IMAGE_TOKENS, 96)], [torch.zeros(1, IMAGE_TOKENS, 96)]
        if variant.get("ip_image"):
            pooled = clip.pooled(_clip_picture(case.tensors["in.ip_image_uint8_rgb"]))
            positive, negative = [image_projection(pooled)], [image_projection.null()]
        if len(people):
            encoded = encode_people(people.people, encoders, module, scale)
            positive += encoded.tokens.split(1)
            negative += [encoded.null_tokens] * len(people)
        for side, parts in (("prompt_embeds", positive), ("negative_prompt_embeds", negative)):
            expected = case.tensors[f"{name}.out.{side}"]
            text = case.tensors["in.text_cond" if parts is positive else "in.text_uncond"]
            got = torch.cat([text, torch.cat(parts, dim=1).expand(len(text), -1, -1)], dim=1)
            yield Comparison(f"generate_context {name} {side}", got, expected, **case.tolerance)


class SmallCLIP:
    """The case's CLIP vision tower, three layers 64 wide, in the layout of published CLIP files."""

    def __init__(self, case: Case):
        self.weights = {key.removeprefix("vision_model."): w for key, w in case.weights("clip").items()}
        self.heads = case.about["clip_config"]["num_attention_heads"]
        self.depth = case.about["clip_config"]["num_hidden_layers"]

    key, width = "small clip", 64

    def tokens(self, pixels: Tensor) -> Tensor:
        """Output of the last layer but one, (R, 257, 64)."""
        return self._layers(pixels, self.depth - 1)

    def pooled(self, pixels: Tensor) -> Tensor:
        """Projected class token, (R, 32)."""
        token = self._norm(self._layers(pixels, self.depth)[:, 0], "post_layernorm")
        return token @ self.weights["visual_projection.weight"].T

    def _layers(self, pixels: Tensor, count: int) -> Tensor:
        patches = self.weights["embeddings.patch_embedding.weight"]
        x = torch.nn.functional.conv2d(pixels, patches, stride=patches.shape[-1]).flatten(2).transpose(1, 2)
        token = self.weights["embeddings.class_embedding"].expand(len(x), 1, -1)
        x = torch.cat([token, x], dim=1) + self.weights["embeddings.position_embedding.weight"]
        x = self._norm(x, "pre_layrnorm")
        for place in range(count):
            layer = f"encoder.layers.{place}"
            y = self._norm(x, f"{layer}.layer_norm1")
            q, k, v = (self._linear(y, f"{layer}.self_attn.{part}_proj") for part in "qkv")
            x = x + self._linear(attend(q, k, v, self.heads), f"{layer}.self_attn.out_proj")
            y = gelu(self._linear(self._norm(x, f"{layer}.layer_norm2"), f"{layer}.mlp.fc1"))
            x = x + self._linear(y, f"{layer}.mlp.fc2")
        return x

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def _norm(self, x: Tensor, name: str) -> Tensor:
        return layer_norm(x, x.shape[-1:], self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])


def _clip_picture(picture: Tensor) -> Tensor:
    """A picture of any size squashed to CLIP's square by Pillow's bicubic filter, as the reference does."""
    from PIL import Image

    resized = Image.fromarray(picture.numpy()).resize((224, 224), Image.Resampling.BICUBIC)
    return preprocess(np.array(resized)[None])


CASES = (context,)
