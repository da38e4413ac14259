"""The prior against stored outputs of the published code, each case within its own tolerance."""

import pytest
import torch
from likeness.models.clip import prior
from likeness.models.clip.posterior import Posterior, posterior
from likeness.models.clip.prior import EmbeddingPrior
from likeness.tests.parity.folder import Folder, folder_of
from likeness.tests.parity.prior import cases
from likeness.tests.parity.recipe import report


@pytest.mark.parametrize("run", cases.CASES)
@torch.no_grad()
def test_case(run):
    comparisons = list(run(folder_of("prior", cases.HERE)))

    assert comparisons or run is cases.wide_networks
    assert report(comparisons) == []


@pytest.mark.parametrize("name", ["karlo_v1", "kandinsky_2_2"])
def test_published_files_are_read_to_the_last_key(name):
    weights, parameters = cases.layouts(folder_of("prior", cases.HERE))[name]

    module = EmbeddingPrior.from_state_dict(weights)

    shapes = {key: tensor.shape for key, tensor in weights.items()}
    assert {key: tensor.shape for key, tensor in module.state_dict().items()} == shapes
    assert sum(tensor.numel() for tensor in module.state_dict().values()) == parameters
    assert (module.sizes.depth, module.sizes.text_tokens, module.transformer_blocks[0].attn1.heads) == (20, 77, 32)
    space = {"karlo_v1": "ViT-L/14", "kandinsky_2_2": "ViT-bigG/14"}[name]
    assert module.layout is not None
    assert module.layout.space == space


def failed(run):
    return {line.split(":")[0] for line in report(run(Folder(cases.HERE)))}


@torch.no_grad()
def test_mistakes_in_masks_are_noticed(monkeypatch):
    """Padding that is read does not pass, nor a mask that forgets the order."""
    masked = {f"prior_small {variant}" for variant in ("t999", "t417", "t0")}
    right = prior._bias
    monkeypatch.setattr(prior, "_bias", lambda mask: right(torch.ones_like(mask)))
    assert failed(cases.networks) == masked
    monkeypatch.setattr(prior, "_bias", lambda mask: right(mask)[:, :, -1:])
    assert failed(cases.networks) == masked


@torch.no_grad()
def test_mistakes_in_a_step_are_noticed(monkeypatch):
    """Steps that add no noise do not pass; that the last one adds none does."""

    def quiet(timestep, following):
        return Posterior(posterior(timestep, following).clean, posterior(timestep, following).noisy, 0)

    monkeypatch.setattr(cases, "posterior", quiet)
    assert failed(cases.schedule) == {f"unclip_scheduler {what} {n}" for what in ("std", "steps") for n in (25, 10, 4)}
    monkeypatch.setattr(prior, "posterior", quiet)
    assert {"pipeline_small_cfg steps"} <= failed(cases.pipeline)
