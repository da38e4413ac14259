"""What `/object_info` says of the few nodes of the core with which graphs are put together in these tests."""

from __future__ import annotations

from typing import Any

from likeness.tests.tools.workflows.definitions import INT, _core
from likeness.tests.tools.workflows.definitions import definitions as everyday

CORE: dict[str, tuple[dict[str, Any], list[str]]] = {
    "SaveLatent": ({"samples": "LATENT", "filename_prefix": ("STRING", {"default": "latents"})}, []),
    "FeatherMask": ({"mask": "MASK", "left": INT, "top": INT, "right": INT, "bottom": INT}, ["MASK"]),
    "ConditioningCombine": ({"conditioning_1": "CONDITIONING", "conditioning_2": "CONDITIONING"}, ["CONDITIONING"]),
    "FreeU": ({"model": "MODEL", "b1": ("FLOAT", {"default": 1.1})}, ["MODEL"]),
    "CLIPSetLastLayer": ({"clip": "CLIP", "stop_at_clip_layer": ("INT", {"default": -1})}, ["CLIP"]),
    "ConditioningZeroOut": ({"conditioning": "CONDITIONING"}, ["CONDITIONING"]),
    "BasicScheduler": (
        {
            "model": "MODEL",
            "scheduler": (["simple"], {}),
            "steps": INT,
            "denoise": ("FLOAT", {"default": 1.0}),
        },
        ["SIGMAS"],
    ),
    "KSamplerSelect": ({"sampler_name": (["euler"], {})}, ["SAMPLER"]),
    "SplitSigmas": ({"sigmas": "SIGMAS", "step": INT}, ["SIGMAS high_sigmas", "SIGMAS low_sigmas"]),
    "SamplerCustom": (
        {
            "model": "MODEL",
            "add_noise": ("BOOLEAN", {"default": True}),
            "noise_seed": INT,
            "cfg": ("FLOAT", {"default": 8.0}),
            "positive": "CONDITIONING",
            "negative": "CONDITIONING",
            "sampler": "SAMPLER",
            "sigmas": "SIGMAS",
            "latent_image": "LATENT",
        },
        ["LATENT output", "LATENT denoised_output"],
    ),
}


def definitions() -> dict[str, Any]:
    """Ours, the everyday ones and these."""
    return everyday() | {kind: _core(*entry) for kind, entry in CORE.items()}


def find(prompt: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The inputs of all nodes of a class, in the order of the graph."""
    return [node["inputs"] for node in prompt.values() if node["class_type"] == kind]


def chain(prompt: dict[str, Any], name: str, kind: str = "KSampler") -> list[str]:
    """The classes that one input has come through, from the loader to a sampler."""
    [node] = find(prompt, kind)
    found: list[str] = []
    while name in node:
        source = prompt[node[name][0]]
        found.insert(0, source["class_type"])
        node = source["inputs"]
    return found
