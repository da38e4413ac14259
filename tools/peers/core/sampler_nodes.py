"""The core's other ways of sampling: a run in two parts, and other guiders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...workflows.node import Socket
from .node import CoreNode, Place
from .stage import OTHER, SAMPLING, SEED, Stage, out

CFG, STEPS = SAMPLING["cfg"], SAMPLING["steps"]


def _sampler(stage: Stage) -> Socket:
    return out(stage.add("KSamplerSelect", sampler_name=SAMPLING["sampler_name"]))


def _sigmas(stage: Stage) -> Socket:
    schedule = {"scheduler": SAMPLING["scheduler"], "steps": STEPS}
    return out(stage.add("BasicScheduler", model=stage.model, **schedule))


def _split(stage: Stage) -> None:
    """Half of the steps in one node, the rest in another."""
    parts = stage.add("SplitSigmas", sigmas=_sigmas(stage), step=STEPS // 2)
    for slot in (0, 1):
        part = stage.add(
            "SamplerCustom",
            model=stage.model,
            **stage.prompts(),
            sampler=_sampler(stage),
            sigmas=out(parts, slot),
            latent_image=stage.latent,
            add_noise=slot == 0,
            noise_seed=SEED,
            cfg=CFG,
        )
        stage.latent = out(part)


def _two_parts(stage: Stage) -> None:
    """The same by step numbers."""
    for start, end in ((0, STEPS // 2), (STEPS // 2, STEPS)):
        part = stage.add(
            "KSamplerAdvanced",
            model=stage.model,
            **stage.prompts(),
            latent_image=stage.latent,
            add_noise="disable" if start else "enable",
            noise_seed=SEED,
            start_at_step=start,
            end_at_step=end,
            return_with_leftover_noise="enable" if end < STEPS else "disable",
            **SAMPLING,
        )
        stage.latent = out(part)


def _guided_by(kind: str, given: Callable[[Stage], dict[str, Any]]) -> Callable[[Stage], None]:
    """Sampling with a guider of its own."""

    def add(stage: Stage) -> None:
        guider = stage.add(kind, model=stage.model, **given(stage))
        sampled = stage.add(
            "SamplerCustomAdvanced",
            noise=out(stage.add("RandomNoise", noise_seed=SEED)),
            guider=out(guider),
            sampler=_sampler(stage),
            sigmas=_sigmas(stage),
            latent_image=stage.latent,
        )
        stage.latent = out(sampled)

    return add


def _in_two(kind: str, add: Callable[[Stage], None]) -> CoreNode:
    """A run in two parts, which must come to the same."""
    return CoreNode(name=kind, kinds=(kind,), place=Place.SAMPLER, add=add, keeps=True)


def _guider(kind: str, given: Callable[[Stage], dict[str, Any]], *, keeps: bool = False) -> CoreNode:
    return CoreNode(name=kind, kinds=(kind,), place=Place.SAMPLER, add=_guided_by(kind, given), keeps=keeps)


NODES: tuple[CoreNode, ...] = (
    _in_two("SplitSigmas", _split),
    _in_two("KSamplerAdvanced", _two_parts),
    _guider("CFGGuider", lambda stage: {**stage.prompts(), "cfg": CFG}, keeps=True),
    _guider("BasicGuider", lambda stage: {"conditioning": stage.positive}),
    _guider(
        "DualCFGGuider",
        lambda stage: {
            "cond1": stage.positive,
            "cond2": stage.encode(OTHER),
            "negative": stage.negative,
            "cfg_conds": CFG,
            "cfg_cond2_negative": CFG + 1,
        },
    ),
    _guider(
        "PerpNegGuider",
        lambda stage: {**stage.prompts(), "empty_conditioning": stage.encode(OTHER), "cfg": CFG},
    ),
    _guider(
        "DualModelGuider",
        lambda stage: {**stage.prompts(), "model_negative": stage.model, "cfg": CFG},
        keeps=True,
    ),
)
