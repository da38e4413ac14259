"""Tiny base models of every type and packing that ComfyUI loads, each with a float32 twin of the same rounded weights."""

from __future__ import annotations

import json
from dataclasses import dataclass

import torch

E4M3, E5M2 = torch.float8_e4m3fn, torch.float8_e5m2
LARGEST_E4M3, LARGEST_INT8 = 448, 127
BLOCK = 8  # weights that share a scale in the packed stand-in


@dataclass(frozen=True)
class Base:
    """How a base model is kept and calculated.

    Attributes:
        weights: type of its tensors, of all but the matrices where `packing` is given.
        compute: what they are cast to; None where they stay.
        packing: how matrices of linear layers are kept: "scaled fp8", "int8", "gguf", or "" for as they are.
        newest_only: whether only the newest of the ComfyUI under test has it.
    """

    weights: torch.dtype
    compute: torch.dtype | None = None
    packing: str = ""
    newest_only: bool = False

    @property
    def type(self) -> torch.dtype:
        """Of hidden states."""
        return self.compute or self.weights


BASES = {
    "fp32": Base(torch.float32),
    "fp16": Base(torch.float16),
    "bf16": Base(torch.bfloat16),
    "fp16 as fp32": Base(torch.float16, torch.float32),
    "fp16 as bf16": Base(torch.float16, torch.bfloat16),
    "e4m3 as fp16": Base(E4M3, torch.float16),
    "e4m3 as bf16": Base(E4M3, torch.bfloat16),
    "e4m3 as fp32": Base(E4M3, torch.float32),
    "e5m2 as fp16": Base(E5M2, torch.float16),
    "e5m2 as bf16": Base(E5M2, torch.bfloat16),
    "scaled fp8 as fp16": Base(torch.float16, packing="scaled fp8"),
    "scaled fp8 as bf16": Base(torch.bfloat16, packing="scaled fp8"),
    "int8 as bf16": Base(torch.bfloat16, packing="int8", newest_only=True),
    "gguf as fp16": Base(torch.float16, packing="gguf"),
    "gguf as fp32": Base(torch.float32, packing="gguf"),
}


def is_known(base):
    """Whether the ComfyUI under test has it."""
    import comfy.ops

    return not base.newest_only or hasattr(comfy.ops, "mixed_precision_ops")


def rounded(model, base):
    """A MODEL of a type or packing, and a float32 MODEL with exactly its weights.

    Args:
        model: of float32; stays as it is.
        base: what is made of it.
    """
    own = model.model.diffusion_model
    matrices = {f"{name}.weight" for name, each in own.named_modules() if isinstance(each, torch.nn.Linear)}
    kept, plain = {}, {}
    for key, tensor in own.state_dict().items():
        if base.packing and key in matrices:
            entries, plain[key] = PACKINGS[base.packing](key, tensor)
            kept |= entries
        else:
            kept[key] = tensor.to(base.weights)
            plain[key] = kept[key].float()
    return _model(model, base, kept), _model(model, Base(torch.float32), plain)


def _model(model, base, weights):
    import comfy.ops
    from comfy import model_base, model_patcher

    config = type(model.model.model_config)(model.model.model_config.unet_config)
    config.set_inference_dtype(base.weights, base.compute)
    is_new = hasattr(comfy.ops, "mixed_precision_ops")
    if base.packing == "gguf":
        config.custom_operations = packed_operations()
    elif base.packing and is_new:
        config.quant_config = {"mixed_ops": True}
        config.set_inference_dtype(base.weights, base.weights)  # as the loader does with mixed operations
    elif base.packing:
        config.scaled_fp8, weights = E4M3, _old_names(weights)
    built = model_base.BaseModel(config, device=torch.device("cpu"))
    built.diffusion_model.load_state_dict(weights, strict=True)
    built.eval().requires_grad_(False)
    cpu = torch.device("cpu")
    patcher = packed_patcher() if base.packing == "gguf" else model_patcher.ModelPatcher
    return patcher(built, load_device=cpu, offload_device=cpu)


def _old_names(weights):
    """Scaled fp8 as ComfyUI 0.3.64 reads it."""
    kept = {key: tensor for key, tensor in weights.items() if not key.endswith(".comfy_quant")}
    return {key.replace(".weight_scale", ".scale_weight"): tensor for key, tensor in kept.items()}


def _conf(name):
    return torch.tensor(list(json.dumps({"format": name}).encode()), dtype=torch.uint8)


def _scaled_fp8(key, tensor):
    scale = tensor.abs().amax() / LARGEST_E4M3
    small, layer = (tensor / scale).to(E4M3), key.removesuffix(".weight")
    entries = {key: small, f"{layer}.weight_scale": scale, f"{layer}.comfy_quant": _conf("float8_e4m3fn")}
    return entries, small.float() * scale


def _int8(key, tensor):
    scale = tensor.abs().amax(1, keepdim=True) / LARGEST_INT8
    small, layer = (tensor / scale).round().to(torch.int8), key.removesuffix(".weight")
    entries = {key: small, f"{layer}.weight_scale": scale, f"{layer}.comfy_quant": _conf("int8_tensorwise")}
    return entries, small.float() * scale


def _packed(key, tensor):
    blocks = tensor.reshape(-1, BLOCK)
    scale = (blocks.abs().amax(1, keepdim=True) / LARGEST_INT8).half()
    small = (blocks / scale.float()).round().clamp(-LARGEST_INT8, LARGEST_INT8).to(torch.int8)
    rows = torch.cat([scale.view(torch.uint8), small.view(torch.uint8)], 1)
    packed = PackedTensor(rows.flatten(), tensor_type="Q8", tensor_shape=tensor.shape)
    return {key: packed}, unpack(packed, torch.float32)


PACKINGS = {"scaled fp8": _scaled_fp8, "int8": _int8, "gguf": _packed}


class PackedTensor(torch.Tensor):
    """Bytes that tell of the shape that they have when they are unpacked, as those of GGUF files do."""

    def __new__(cls, data, *, tensor_type, tensor_shape, patches=()):
        made = data.as_subclass(cls)
        made.tensor_type, made.tensor_shape, made.patches = tensor_type, tensor_shape, list(patches)
        return made

    def to(self, *args, **kwargs):
        moved = super().to(*args, **kwargs)
        return PackedTensor(
            moved, tensor_type=self.tensor_type, tensor_shape=self.tensor_shape, patches=getattr(self, "patches", ())
        )

    def clone(self, *args, **kwargs):
        return self

    def detach(self, *args, **kwargs):
        return self

    @property
    def shape(self):  # pyright: ignore[reportIncompatibleVariableOverride]
        return getattr(self, "tensor_shape", self.size())


def unpack(packed, dtype):
    """The numbers of a packed tensor."""
    rows = packed.as_subclass(torch.Tensor).reshape(-1, 2 + BLOCK)
    scale, small = rows[:, :2].contiguous().view(torch.float16), rows[:, 2:].contiguous().view(torch.int8)
    return (small.to(dtype) * scale.to(dtype)).reshape(packed.tensor_shape)


def packed_operations():
    """Layers whose matrices are unpacked as they run, and have no numbers that could be read before."""
    import comfy.lora
    import comfy.ops

    class Operations(comfy.ops.manual_cast):
        class Linear(comfy.ops.manual_cast.Linear):
            def __init__(self, in_features, out_features, bias=True, device=None, dtype=None):
                torch.nn.Module.__init__(self)
                self.in_features, self.out_features = in_features, out_features
                self.weight = self.bias = None

            def _load_from_state_dict(self, state_dict, prefix, *_):
                for name in ("weight", "bias"):
                    tensor = state_dict.get(f"{prefix}{name}")
                    setattr(self, name, None if tensor is None else torch.nn.Parameter(tensor, requires_grad=False))

            def _save_to_state_dict(self, destination, prefix, keep_vars):
                # as in ComfyUI-GGUF: for estimates of memory alone, without numbers and with another shape
                for name in ("weight", "bias"):
                    tensor = getattr(self, name)
                    if tensor is not None:
                        destination[f"{prefix}{name}"] = torch.empty(tensor.size(), device="meta", dtype=tensor.dtype)

            def get_weight(self, tensor, dtype):
                weight = unpack(tensor, dtype)
                for patches, key in tensor.patches:
                    weight = comfy.lora.calculate_weight(patches, weight, key)
                return weight

            def cast_bias_weight(self, input):
                bias = None if self.bias is None else self.bias.to(input.dtype)
                return self.get_weight(self.weight, input.dtype), bias

            def forward_comfy_cast_weights(self, input):
                return torch.nn.functional.linear(input, *self.cast_bias_weight(input))

    return Operations


def packed_patcher():
    """A patcher that leaves packed matrices as they are and notes on them what is to be added to their numbers."""
    import comfy.utils
    from comfy.model_patcher import ModelPatcher

    class Patcher(ModelPatcher):
        def patch_weight_to_device(self, key, device_to=None, inplace_update=False, **kwargs):
            weight = comfy.utils.get_attr(self.model, key)
            if not isinstance(weight, PackedTensor):
                return super().patch_weight_to_device(key, device_to, inplace_update, **kwargs)
            if key in self.patches:
                noted = weight.to(device_to)
                noted.patches = [(self.patches[key], key)]
                comfy.utils.set_attr_param(self.model, key, noted)
            return None

        def unpatch_model(self, device_to=None, unpatch_weights=True):
            for parameter in self.model.parameters():
                if unpatch_weights and isinstance(parameter, PackedTensor):
                    parameter.patches = []
            return super().unpatch_model(device_to=device_to, unpatch_weights=unpatch_weights)

        def load(self, *args, force_patch_weights=False, **kwargs):
            super().load(*args, force_patch_weights=True, **kwargs)

    return Patcher
