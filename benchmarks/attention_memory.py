"""What people cost in memory at the sizes of SDXL: one transformer block of each level with its true width, a guidance pair.

Usage: PYTHON_OF_A_COMFYUI -m likeness.benchmarks.attention_memory [--sides 1024 2048] [--dtype float32] [--layer-only]
       PYTHON_OF_A_COMFYUI -m likeness.benchmarks.attention_memory --whole [--sides 1024] [--dtype bfloat16]

The first call of a run is weighed, so what the run keeps is part of it. A line says what people add to the most that a whole
transformer block holds at once, and to that of its cross-attention alone: the block's own peak is in its feed-forward layer,
in whose shadow an adapter may hold as much again. ComfyUI attends by torch's own attention, as it does on a card.
`--whole` weighs full-size SDXL (6 GB of memory in bfloat16). On the CPU, or with `--device cuda` on a card.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from likeness.tools.weights.layouts import SDXL

from .bare_unet import cross_attention_alone, transformers_alone
from .comfy_process import comfyui, parser, unet_call
from .peak_memory import MIB, Peak, peaks_of
from .random_models import config_of, config_of_layers, new_model, people

PLAIN = "plain"
PLUS, FACEID = 16, 4  # tokens of a person: of UniPortrait and IP-Adapter Plus, of IP-Adapter FaceID and ConsistentID
ARMS: Mapping[str, tuple[int, str, int]] = {  # people, how they are placed, tokens of each
    "1 person everywhere, 4 tokens": (1, "everywhere", FACEID),
    "1 person everywhere": (1, "everywhere", PLUS),
    **{f"{people} people by the router": (people, "router", PLUS) for people in (2, 4)},
    **{f"{people} in masks of 0 and 1": (people, "hard", PLUS) for people in (1, 2, 4)},
    "2 in masks with soft edges, 4 tokens": (2, "soft", FACEID),
    **{f"{people} in masks with soft edges": (people, "soft", PLUS) for people in (1, 2, 4)},
}
LEVELS: dict[str, Any] = {  # of SDXL's UNet, one transformer block each
    "image_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    "model_channels": 320,
    "num_res_blocks": [1, 1, 1],
    "channel_mult": [1, 2, 4],
    "transformer_depth": [0, 1, 1],
    "transformer_depth_middle": -1,
    "transformer_depth_output": [0] * 6,
    "use_spatial_transformer": True,
    "use_linear_in_transformer": True,
    "num_heads": -1,
    "num_head_channels": 64,
    "context_dim": 2048,
    "adm_in_channels": None,
    "use_temporal_attention": False,
    "use_temporal_resblock": False,
    "legacy": False,
}


def main() -> None:
    """Print a table for each size."""
    arguments = parser(__doc__)
    arguments.add_argument("--sides", type=int, nargs="+", default=None, help="of the pictures, pixels")
    arguments.add_argument("--dtype", choices=["float32", "bfloat16", "float16"], default=None)
    arguments.add_argument("--device", type=torch.device, default=torch.device("cpu"))
    arguments.add_argument("--arms", nargs="+", choices=list(ARMS), default=list(ARMS))
    arguments.add_argument("--layer-only", action="store_true", help="leave the whole blocks out")
    arguments.add_argument("--whole", action="store_true", help="weigh full-size SDXL in place of single blocks")
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    dtype = getattr(torch, given.dtype or ("bfloat16" if given.whole else "float32"))
    sides = given.sides or ([1024] if given.whole else [1024, 2048])
    with comfyui(given.comfyui) as (_, version):
        print(f"ComfyUI {version}, torch {torch.__version__}, {dtype}, {given.device}; MiB beyond the plain call")
        model = (whole_model if given.whole else level_model)(dtype, given.device)
        for side in sides:
            if given.whole:
                report_whole(model, side, given.arms)
            else:
                report_levels(model, side, given.arms, is_layer_only=given.layer_only)


def level_model(dtype: torch.dtype, device: torch.device, shape: Mapping[str, Any] = LEVELS) -> Any:
    """A MODEL whose UNet has one transformer block at each level of SDXL that has some, random weights."""
    return _by_torch_attention(new_model(config_of_layers(shape), dtype, device))


def whole_model(dtype: torch.dtype, device: torch.device) -> Any:
    """SDXL's MODEL at full size, random weights."""
    return _by_torch_attention(new_model(config_of(SDXL), dtype, device))


def _by_torch_attention(model: Any) -> Any:
    from comfy.ldm.modules.attention import attention_pytorch

    # Without a card ComfyUI's own attention holds scores, by slices that it fits to the free memory.
    model.model_options["transformer_options"]["optimized_attention_override"] = lambda _, *args, **kwargs: (
        attention_pytorch(*args, **kwargs)
    )
    return model


def report_levels(model: Any, side: int, arms: list[str], *, is_layer_only: bool = False) -> None:
    """Print a line for each arm: what people add to a block's cross-attention and to a whole block, at each level."""
    from comfy.ldm.modules.attention import BasicTransformerBlock

    network = model.model.diffusion_model
    blocks = [module for module in network.modules() if isinstance(module, BasicTransformerBlock)]
    widths = [block.attn2.to_q.in_features for block in blocks]
    heads = [f"{'layer' if alone else 'block'} {width}" for alone in (True, False) for width in widths]
    print(
        f"\n{side}x{side}{'':<33}" + "".join(f"{head:>12}" for head in heads[: len(widths) if is_layer_only else None])
    )
    plain: list[int] = []
    for name in (PLAIN, *arms):
        put = model if name == PLAIN else people(model, *ARMS[name])
        found: list[int] = []
        for context in (cross_attention_alone, transformers_alone)[: 1 if is_layer_only else 2]:
            call = unet_call(put, side)
            with context(network), peaks_of(blocks) as peaks:
                call()
            found += [peaks[block] for block in blocks]
        plain = plain or found
        shown = found if name == PLAIN else [mine - other for mine, other in zip(found, plain, strict=True)]
        print(f"{name:<42}" + "".join(f"{_mib(value):>12}" for value in shown), flush=True)


def report_whole(model: Any, side: int, arms: list[str]) -> None:
    """Print a line for each arm: what people add to a call of the UNet."""
    print(f"\n{side}x{side}, whole UNet")
    plain = 0
    for name in (PLAIN, *arms):
        call = unet_call(model if name == PLAIN else people(model, *ARMS[name]), side)
        with Peak(next(model.model.diffusion_model.parameters()).device) as peak:
            call()
        print(f"{name:<42}{_mib(peak.bytes - plain):>12}", flush=True)
        plain = plain or peak.bytes


def _mib(count: int) -> str:
    return f"{count / MIB:.1f}"


if __name__ == "__main__":
    main()
