"""The core's patches of a MODEL, with settings that show on the miniature.

Left out: `TorchCompileModel`, which needs a compiler and minutes for each graph on a CPU; `ModelSamplingSD3` and the
other kinds of flow, `SkipLayerGuidanceDiT` and `ModelNoiseScale`, for no UNet has what they change; and whatever reads a
file that cannot be made for the miniature's widths, such as ControlNets, T2I adapters and GLIGEN.
"""

from __future__ import annotations

from typing import Any

from .node import CoreNode, Place
from .stage import OTHER, SAMPLING, Stage, out
from .weights import HYPERNETWORK, LORA

WINDOWED = SAMPLING["steps"] + 1  # pictures; the windows of 0.3.64 take no other number


def _patch(
    kind: str,
    *,
    detail: str = "",
    pictures: int = 2,
    is_masked: bool = False,
    keeps: bool = False,
    **given: Any,
) -> CoreNode:
    """A node that takes a MODEL and settings, and gives a MODEL; `detail` tells two rows of one class apart."""
    return CoreNode(
        name=f"{kind}, {detail}" if detail else kind,
        kinds=(kind,),
        place=Place.MODEL,
        add=lambda stage: stage.patch(kind, **given),
        keeps=keeps,
        pictures=pictures,
        is_masked=is_masked,
    )


def _perpendicular(stage: Stage) -> None:
    stage.patch("PerpNeg", empty_conditioning=stage.encode(OTHER))


def _merge(stage: Stage) -> None:
    """With the miniature under a LoRA."""
    other = stage.add("LoraLoaderModelOnly", model=stage.miniature["model"], lora_name=LORA)
    stage.model = out(stage.add("ModelMergeSimple", model1=stage.model, model2=out(other), ratio=0.5))


NODES: tuple[CoreNode, ...] = (
    _patch("FreeU"),
    _patch("FreeU_V2"),
    _patch("HyperTile", tile_size=32, swap_size=1),
    _patch("TomePatchModel", ratio=0.5),
    _patch("PerturbedAttentionGuidance"),
    _patch("SelfAttentionGuidance"),
    _patch("NAGuidance"),
    _patch(
        "ContextWindowsManual", detail="pictures", pictures=WINDOWED, context_length=2, context_overlap=1, keeps=True
    ),
    _patch("ContextWindowsManual", detail="places", pictures=1, context_length=8, context_overlap=4, dim=2),
    _patch("PatchModelAddDownscale", end_percent=1.0),
    _patch("HypernetworkLoader", hypernetwork_name=HYPERNETWORK),
    _patch("LoraLoaderModelOnly", lora_name=LORA),
    CoreNode(
        name="ModelMergeSimple",
        kinds=("ModelMergeSimple", "LoraLoaderModelOnly"),
        place=Place.MODEL,
        add=_merge,
    ),
    _patch("UNetSelfAttentionMultiply", q=1.5),
    _patch("UNetCrossAttentionMultiply", out=0.7),
    _patch("ModelSamplingDiscrete", sampling="v_prediction", zsnr=False),
    _patch("ModelSamplingContinuousEDM", sampling="v_prediction"),
    _patch("ModelComputeDtype", dtype="bf16"),
    _patch("ModelAttentionBackend", attention="pytorch attention", keeps=True),
    _patch("DifferentialDiffusion", is_masked=True),
    _patch("RescaleCFG"),
    _patch("CFGZeroStar"),
    _patch("CFGNorm", strength=0.9),
    _patch("CFGOverride", cfg=4.0, end_percent=0.5),
    _patch("Mahiro"),
    _patch("TCFG"),
    _patch("APG", eta=0.5, norm_threshold=5.0, momentum=0.1),
    _patch("FreSca", scale_high=1.5, freq_cutoff=4),
    _patch("Epsilon Scaling", scaling_factor=1.05),
    _patch("TemporalScoreRescaling", pictures=1),  # its own code takes no more
    _patch("VideoLinearCFGGuidance"),
    CoreNode(name="PerpNeg", kinds=("PerpNeg",), place=Place.MODEL, add=_perpendicular),
    # that of 0.3.64 takes no more pictures
    _patch("EasyCache", pictures=1, reuse_threshold=3.0, start_percent=0.0, end_percent=1.0),
    _patch("LazyCache", reuse_threshold=3.0, start_percent=0.0, end_percent=1.0),
)
