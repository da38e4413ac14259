"""The names under which things are kept: no two of ours alike, and ComfyUI's own as it spells them."""

from __future__ import annotations

import pytest
import torch

pytestmark = pytest.mark.comfy


def test_no_two_keys_are_alike_and_ours_cannot_be_taken_for_another_packs():
    from likeness.host.unet import keys

    values = {name: value for name, value in vars(keys).items() if name.isupper()}
    assert len(set(values.values())) == len(values)
    ours = {"RUNS", "RECORDS", "GUIDANCE", "RUN", "CONDS", "STEP", "GUIDED_STEP", "GUIDED_RUN"}
    ours |= {
        "OWNERS",
        "NAMED_ROWS",
        "NAMED_TEXT",
        "MERGE",
        "LOOKS",
        "CONTEXTS",
        "STRUCTURE",
        "INJECTION",
        "READING",
        "LIVE",
    }
    assert {name for name, value in values.items() if value.startswith(keys.OURS.rstrip("."))} == {*ours, "OURS"}


def test_comfyui_spells_what_it_gives_a_layer_and_a_run_as_we_do(tiny_model, sample):
    """Every key that is read of ComfyUI stands in the options that one of its layers gets."""
    from likeness.host.unet import keys

    seen = []

    def note(n, context, value, extra):
        seen.append(dict(extra))
        return n, context, value

    model = tiny_model().clone()
    model.set_model_attn2_patch(note)
    sample(model, steps=1)
    of_call = {keys.SIGMAS, keys.COND_OR_UNCOND, keys.UUIDS, keys.SAMPLE_SIGMAS}
    of_layer = {keys.BLOCK, keys.TRANSFORMER, keys.HEADS, keys.GRID}
    assert not (of_call | of_layer) - set(seen[0])
    assert torch.equal(seen[0][keys.SIGMAS][0], seen[0][keys.SAMPLE_SIGMAS][0])
    assert keys.PATCHES in model.model_options[keys.TRANSFORMER_OPTIONS]
