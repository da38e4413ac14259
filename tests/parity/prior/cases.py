"""The prior and its sampling, run on the stored cases.

The expected values are float32 outputs of diffusers' PriorTransformer, UnCLIPScheduler and KandinskyV22PriorPipeline on
random weights (see `recipe.py`); the files beside this one hold the small cases, made by `reduce.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from likeness.models.clip.posterior import alphas_cumprod, posterior, timesteps
from likeness.models.clip.prior import EmbeddingPrior
from likeness.tests.parity.folder import Folder
from likeness.tests.parity.recipe import Case, Comparison
from torch import Tensor

HERE = Path(__file__).parent
NETWORKS = ("prior_small",)
WIDE = ("prior_kandinsky22_wide",)  # its weights alone take seconds
SCHEDULE, PIPELINE, MANIFEST = "unclip_scheduler", "pipeline_small_cfg", "manifest_prior"
LAST_ROW = 1e-3  # rtol, where the published tables are off by their rounding


def read(folder: Folder, name: str) -> tuple[Case, EmbeddingPrior]:
    """A case, and the prior that it was made with."""
    case = Case.read(folder, name)
    stored = {key: case.tensors[where] for key, where in case.about["stored_weights"]["prior"].items()}
    return case, EmbeddingPrior.from_state_dict(
        {**case.weights("prior"), **stored}, dim_head=case.about["config"]["attention_head_dim"]
    )


def networks(folder: Folder, names: Iterable[str] = NETWORKS) -> Iterator[Comparison]:
    """One forward pass at each timestep, with masks and without, and one embedding de-normalised."""
    for name in names:
        case, prior = read(folder, name)
        given = [case.tensors[f"in.{part}"] for part in ("text_hidden", "text_pooled")]
        for variant, about in case.about["variants"].items():
            mask = None if variant == "no_mask" else case.tensors["in.text_mask"]
            got = prior(case.tensors["in.noisy"], about["timestep"], *given, mask)
            yield Comparison(f"{name} {variant}", got, case.tensors[f"{variant}.out"], **case.tolerance)
        clean = case.tensors[case.about["denormalised"].split()[0]]
        denormalised = prior.denormalise(clean)
        yield Comparison(f"{name} denormalised", denormalised, case.tensors["denormalised.out"], **case.tolerance)


def wide_networks(folder: Folder) -> Iterator[Comparison]:
    """Those of published widths, where the folder has them."""
    there = folder.names()
    yield from networks(folder, (name for name in WIDE if name in there))


def schedule(folder: Folder) -> Iterator[Comparison]:
    """Timesteps, ᾱ, and every step of runs of several lengths from one pair of tensors."""
    case = Case.read(folder, SCHEDULE)
    yield Comparison(f"{SCHEDULE} alphas", alphas_cumprod(), case.tensors["alphas_cumprod"], **case.tolerance)
    clamp = case.about["scheduler"]["clip_sample_range"]
    clean, sample = case.tensors["in.prediction"].clamp(-clamp, clamp), case.tensors["in.sample"]
    for count in (25, 10, 4):
        visited = timesteps(count)
        ways = [posterior(*pair) for pair in zip(visited, (*visited[1:], None), strict=True)]
        noise = case.tensors[f"in.noise_{count}"]
        got = torch.stack(
            [way.clean * clean + way.noisy * sample + way.deviation * noise[i] for i, way in enumerate(ways)]
        )
        deviations = torch.tensor([way.deviation for way in ways])
        yield _exactly(f"{SCHEDULE} timesteps {count}", torch.tensor(visited), case.tensors[f"timesteps_{count}"])
        yield Comparison(f"{SCHEDULE} std {count}", deviations, case.tensors[f"std_{count}"], **case.tolerance)
        yield Comparison(f"{SCHEDULE} steps {count}", got, case.tensors[f"prev_{count}"], **case.tolerance)


def _exactly(label: str, got: Tensor, expected: Tensor) -> Comparison:
    return Comparison(label, got, expected, atol=0, rtol=0)


def pipeline(folder: Folder) -> Iterator[Comparison]:
    """The whole loop: for both texts in one batch every step's embedding and the last, and for each text alone the last."""
    case, prior = read(folder, PIPELINE)
    about, tensors = case.about, case.tensors
    texts = [tensors[f"in.{part}"] for part in ("text_hidden", "text_pooled", "text_mask")]
    start, noise = tensors["in.latent"], tensors["in.noise"]
    settings = {
        "steps": about["steps"],
        "guidance": about["guidance_scale"],
        "clamp": about["scheduler"]["clip_sample_range"],
    }
    seen: list[Tensor] = []
    both = prior.sample(
        *texts, **settings, start=start, noise=noise, on_step=lambda done, embedding: seen.append(embedding)
    )
    yield Comparison(f"{PIPELINE} steps", torch.stack(seen), tensors["out.steps"], **case.tolerance)
    yield Comparison(f"{PIPELINE} embeddings", both, tensors["out.image_embeds"], **case.tolerance)
    for row, expected in enumerate(tensors["out.image_embeds"]):
        own = [part[[row, len(start) + row]] for part in texts]
        alone = prior.sample(*own, **settings, start=start[row : row + 1], noise=noise[:, row : row + 1])
        yield Comparison(f"{PIPELINE} text {row} alone", alone[0], expected, **case.tolerance)


def layouts(folder: Folder) -> dict[str, tuple[dict[str, Tensor], int]]:
    """The published files by the name of their layout: all tensors, on the meta device, and the number of parameters."""
    found = {}
    for name, layout in json.loads((folder.path / f"{MANIFEST}.json").read_text(encoding="utf-8"))["layouts"].items():
        shapes = dict(layout["keys"])
        for key in [key for key in shapes if key.startswith("transformer_blocks.0.")]:
            for number in range(1, layout["config"]["num_layers"]):
                shapes[key.replace(".0.", f".{number}.", 1)] = shapes[key]
        found[name] = {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}, layout["parameters"]
    return found


CASES = (networks, wide_networks, schedule, pipeline)
