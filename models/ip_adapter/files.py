"""What IP-Adapter's files look like, and their two groups of weights under whatever names."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ..weights.state_dict import KeyReport, Signature, Width, subset

IMAGE_PROMPT = "image prompt"
PLUS, FULL_FACE, FACEID, FACEID_PLUS = (f"IP-Adapter {name}" for name in ("Plus", "Full Face", "FaceID", "FaceID Plus"))
FACEID_LORA = "IP-Adapter FaceID LoRA"

FOLDERS = ("ipadapter",)
PROJECTIONS = ("image_proj.", "image_proj_model.")  # the published name, and that of training checkpoints
LAYERS = ("ip_adapter.", "adapter_modules.")
BASE_MODEL = "unet."  # in training checkpoints; never read

_PROJECTION = r"image_proj(_model)?\."
_KEYS = r"(ip_adapter|adapter_modules)\.\d+\.to_k_ip\."
_LATENTS, _PERCEIVER = rf"{_PROJECTION}latents$", rf"{_PROJECTION}perceiver_resampler\.proj_in\."
_OTHERS = (r"FacialEncoder\.",)  # ConsistentID's, which has the same names for the rest
_PLACE = 'in "ip_adapter" of Load IP-Adapter'
_CONTEXT = Width(_KEYS, 1)
FILES = (
    Signature(
        kind=IMAGE_PROMPT,
        description="a plain IP-Adapter file",
        has=(rf"{_PROJECTION}proj\.weight$", _KEYS),
        lacks=(_LATENTS, *_OTHERS),
        belongs=f'in "image_prompt" of Load UniPortrait or {_PLACE}',
        context=_CONTEXT,
        picture=("pooled", Width(rf"{_PROJECTION}proj\.weight$", 1)),
    ),
    Signature(
        kind=FULL_FACE,
        description="an IP-Adapter Full Face file",
        has=(rf"{_PROJECTION}proj\.3\.weight$", _KEYS),
        lacks=_OTHERS,
        belongs=_PLACE,
        context=_CONTEXT,
        picture=("tokens", Width(rf"{_PROJECTION}proj\.0\.weight$", 1)),
    ),
    Signature(
        kind=FACEID_PLUS,
        description="an IP-Adapter FaceID Plus or PlusV2 file",
        has=(_PERCEIVER, _KEYS),
        lacks=_OTHERS,
        belongs=_PLACE,
        context=_CONTEXT,
        picture=("tokens", Width(rf"{_PERCEIVER}weight$", 1)),
    ),
    Signature(
        kind=PLUS,
        description="an IP-Adapter Plus file",
        has=(_LATENTS, _KEYS),
        lacks=_OTHERS,
        belongs=_PLACE,
        context=_CONTEXT,
        picture=("tokens", Width(rf"{_PROJECTION}proj_in\.weight$", 1)),
    ),
    Signature(
        kind=FACEID,
        description="an IP-Adapter FaceID or FaceID Portrait file",
        has=(rf"{_PROJECTION}proj\.0\.weight$", rf"{_PROJECTION}norm\.weight$", _KEYS),
        lacks=(_PERCEIVER, *_OTHERS),
        belongs=_PLACE,
        context=_CONTEXT,
    ),
    Signature(
        kind=FACEID_LORA,
        description="a LoRA of attention layers alone, as the one beside an IP-Adapter FaceID file is",
        has=(r"lora_unet_(down|up|mid)_block\w*_attn1_to_q\.lora_down\.weight$",),
        lacks=(r"lora_te", r"lora_unet_\w*_(ff|proj_in|proj_out|conv\d?)(_|\.)"),
        belongs='in "lora" of Load IP-Adapter',
    ),
)
KINDS = (IMAGE_PROMPT, PLUS, FULL_FACE, FACEID, FACEID_PLUS)  # of adapters


def groups(weights: Mapping[str, Tensor], name: str) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The weights of projection and attention layers, without what stands before their keys.

    Args:
        weights: of a whole file, flat; under the names of published files or of training checkpoints.
        name: what messages call the file.

    Raises:
        UnknownCheckpointError: naming keys of neither group.
    """
    known = (*PROJECTIONS, *LAYERS, BASE_MODEL)
    KeyReport(name, unexpected=[key for key in weights if not key.startswith(known)]).raise_if_faulty()
    projection, layers = (
        {key: tensor for prefix in prefixes for key, tensor in subset(weights, prefix).items()}
        for prefixes in (PROJECTIONS, LAYERS)
    )
    return projection, layers
