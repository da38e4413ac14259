"""IP-Adapter on the host is IP-Adapter in the miniature's studio; an encoder that its file needs is missed with a sentence."""

from __future__ import annotations

import pytest
import torch
from likeness.diffusers_host.encoders import PlainBackbone
from likeness.evaluation.hosts.diffusers.ip_adapter.method import IPAdapterMethod
from likeness.models.errors import MissingModelFileError
from likeness.models.ip_adapter.encode import Looking
from likeness.models.ip_adapter.encoders import IPAdapterEncoders
from likeness.models.ip_adapter.projection import ImagePromptProjection
from likeness.tests.evaluation.hosts.diffusers.miniature import (
    ROUNDING,
    furthest,
    in_the_studio,
    on_the_host,
    people,
    studio,
)
from likeness.tests.evaluation.hosts.diffusers.small_models import Drawn, write_protocol
from likeness.tests.training.small_files import small_clip_vision
from safetensors.torch import save_file

EMBEDDING, WIDTH = 6, 64  # widths of an embedding and of the small base's context


def test_it_draws_what_the_studio_draws(tmp_path):
    [ada, _] = people(tmp_path)
    encoders = IPAdapterEncoders(recogniser=PlainBackbone(studio().faces.backbone))
    method = IPAdapterMethod(adapter=studio().ip_adapter, encoders=encoders, looking=Looking(), strength=1.0)
    mine = on_the_host(method, ada)
    assert furthest(mine, in_the_studio(ada, method="IP-Adapter")) <= ROUNDING
    assert furthest(mine, in_the_studio()) > 10 * ROUNDING


def test_faceid_without_a_recogniser_says_so(tmp_path, models):
    drawn = Drawn(write_protocol(tmp_path, models, "ip_adapter", recogniser=None))
    with pytest.raises(MissingModelFileError, match=r"\[drawing\] recogniser is missing; faceid\.bin reads faces"):
        drawn()


def test_an_adapter_of_pictures_reads_the_embedding_of_its_encoder(tmp_path, models):
    """Plain files read ViT-H's projected embedding, and no recogniser."""
    torch.manual_seed(0)
    weights = torch.load(models / "faceid.bin")
    layers = {key: tensor for key, tensor in weights["ip_adapter"].items() if "lora" not in key}
    projection = ImagePromptProjection(EMBEDDING, 4, WIDTH).state_dict()
    torch.save({"image_proj": projection, "ip_adapter": layers}, tmp_path / "plain.bin")
    save_file(
        {**small_clip_vision(), "visual_projection.weight": torch.randn(EMBEDDING, 32)}, tmp_path / "vit.safetensors"
    )
    keys = {"adapter": str(tmp_path / "plain.bin"), "recogniser": None}
    with pytest.raises(MissingModelFileError, match=r"\[drawing\] image_encoder is missing; plain\.bin reads the CLIP"):
        Drawn(write_protocol(tmp_path, models, "ip_adapter", **keys))()
    drawn = Drawn(
        write_protocol(tmp_path, models, "ip_adapter", image_encoder=str(tmp_path / "vit.safetensors"), **keys)
    )
    assert furthest(drawn(0), drawn(2)) > 2
