"""The narrow CLIP text and vision encoders of the stored pipeline, in the layout of published CLIP files."""

from __future__ import annotations

import torch
from likeness.tests.parity.torch_recipe import weights
from torch import Tensor
from torch.nn.functional import conv2d, gelu, layer_norm, linear, scaled_dot_product_attention

DEPTH, HEADS = 3, 4


class SmallEncoder:
    """Layers that both encoders share.

    Args:
        prefix: of the keys from which the weights are made.
        width: of the rows.
        shapes: of the weights outside of the layers.
    """

    def __init__(self, prefix: str, width: int, shapes: dict[str, tuple[int, ...]]):
        hidden = 2 * width
        for layer in (f"encoder.layers.{place}." for place in range(DEPTH)):
            for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
                shapes |= _linear(f"{layer}self_attn.{part}", width, width)
            shapes |= _linear(f"{layer}mlp.fc1", hidden, width) | _linear(f"{layer}mlp.fc2", width, hidden)
            shapes |= _norm(f"{layer}layer_norm1", width) | _norm(f"{layer}layer_norm2", width)
        self.weights = weights(prefix, shapes)

    def layers(self, x: Tensor, count: int, *, is_causal: bool) -> Tensor:
        """Rows (B, T, width) after a number of layers."""
        for layer in (f"encoder.layers.{place}." for place in range(count)):
            y = self.norm(x, f"{layer}layer_norm1")
            q, k, v = (
                self.linear(y, f"{layer}self_attn.{part}_proj").unflatten(-1, (HEADS, -1)).transpose(1, 2)
                for part in "qkv"
            )
            y = scaled_dot_product_attention(q, k, v, is_causal=is_causal).transpose(1, 2).flatten(2)
            x = x + self.linear(y, f"{layer}self_attn.out_proj")
            y = gelu(self.linear(self.norm(x, f"{layer}layer_norm2"), f"{layer}mlp.fc1"))
            x = x + self.linear(y, f"{layer}mlp.fc2")
        return x

    def linear(self, x: Tensor, name: str) -> Tensor:
        """A linear layer."""
        return linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def norm(self, x: Tensor, name: str) -> Tensor:
        """A layer norm."""
        return layer_norm(x, x.shape[-1:], self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])


class SmallText(SmallEncoder):
    """The text encoder, 64 wide, with the two ids that the published code adds."""

    def __init__(self) -> None:
        shapes = {"embeddings.token_embedding.weight": (49410, 64), "embeddings.position_embedding.weight": (77, 64)}
        super().__init__("tiny_text.text_model.", 64, shapes | _norm("final_layer_norm", 64))

    def __call__(self, ids: Tensor) -> Tensor:
        """Last hidden state after the final norm, (B, 77, 64)."""
        x = (
            self.weights["embeddings.token_embedding.weight"][ids]
            + self.weights["embeddings.position_embedding.weight"]
        )
        return self.norm(self.layers(x, DEPTH, is_causal=True), "final_layer_norm")


class SmallVision(SmallEncoder):
    """The vision encoder, 48 wide, 16 patches and the class token."""

    def __init__(self) -> None:
        shapes = {
            "embeddings.class_embedding": (48,),
            "embeddings.patch_embedding.weight": (48, 3, 56, 56),
            "embeddings.position_embedding.weight": (17, 48),
        }
        super().__init__("tiny_vision.vision_model.", 48, shapes | _norm("pre_layrnorm", 48))

    def __call__(self, pixels: Tensor) -> Tensor:
        """Output of the last layer but one, class token first, (B, 17, 48)."""
        patches = conv2d(pixels, self.weights["embeddings.patch_embedding.weight"], stride=56).flatten(2).mT
        token = self.weights["embeddings.class_embedding"].expand(len(pixels), 1, -1)
        x = torch.cat([token, patches], dim=1) + self.weights["embeddings.position_embedding.weight"]
        return self.layers(self.norm(x, "pre_layrnorm"), DEPTH - 1, is_causal=False)


def _linear(name: str, outputs: int, inputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}
