"""CLIP_VISION_OUTPUT with a pooled embedding alone, as core nodes read it."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import InvalidSettingError

pytestmark = pytest.mark.comfy


def test_what_is_made_is_read_again_and_holds_nothing_else():
    from likeness.host.picture_embeddings import as_clip_vision_output, embeddings_in

    output = as_clip_vision_output(torch.ones(2, 6))
    assert torch.equal(embeddings_in(output), torch.ones(2, 6))
    assert output.last_hidden_state is output["penultimate_hidden_states"] is output.mm_projected is None


def test_half_precision_is_read_as_float32():
    from likeness.host.picture_embeddings import as_clip_vision_output, embeddings_in

    assert embeddings_in(as_clip_vision_output(torch.ones(1, 6, dtype=torch.float16))).dtype == torch.float32


def test_core_s_unclip_conditioning_takes_it():
    from comfy.ldm.modules.encoders.noise_aug_modules import CLIPEmbeddingNoiseAugmentation
    from comfy.model_base import unclip_adm
    from likeness.host.picture_embeddings import as_clip_vision_output

    from nodes import unCLIPConditioning

    schedule = {"timesteps": 10, "beta_schedule": "squaredcos_cap_v2"}
    augmentor = CLIPEmbeddingNoiseAugmentation(timestep_dim=6, noise_schedule_config=schedule)
    found = []
    for embedding in (torch.ones(1, 6), 2 * torch.ones(1, 6)):
        given = as_clip_vision_output(embedding)
        [conditioning] = unCLIPConditioning().apply_adm([[torch.zeros(1, 77, 4), {}]], given, 1.0, 0.0)
        found.append(unclip_adm(conditioning[0][1]["unclip_conditioning"], "cpu", augmentor, seed=0))
    assert found[0].shape == (1, 12)
    assert not torch.equal(found[0][:, :6], found[1][:, :6])


def test_an_output_without_an_embedding_is_said():
    from likeness.host.picture_embeddings import as_clip_vision_output, embeddings_in

    for output in (as_clip_vision_output(None), object()):
        with pytest.raises(InvalidSettingError, match="holds no pooled embedding"):
            embeddings_in(output)
