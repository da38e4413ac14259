"""The pivot: a face fused with the row of the prompt's noun, after the text encoder.

OmniPortrait, section 3.2. The paper fuses in the conditional space of the denoising network; the row is that of the noun's last
piece, which has seen the whole noun.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ..errors import UnknownCheckpointError, require_range, require_shape
from ..weights.state_dict import load_strictly, require_keys

SPREAD = 0.02  # of the untrained reading of the face; training begins near the plain prompt [choice]
STRONGEST = 2.0  # strength of a fusion
_NAME = "The pivot ID encoder"


class PivotIDEncoder(nn.Module):
    """One linear layer over a face's embedding and a text row.

    Args:
        reference: E, width of the image encoder's projected embedding; 768 of ViT-L/14.
        text: D, width of the text rows; 768 for SD1.5, 2048 for SDXL.
    """

    def __init__(self, reference: int, text: int):
        super().__init__()
        self.fusion = nn.Linear(reference + text, text)
        nn.init.zeros_(self.fusion.bias)
        with torch.no_grad():
            nn.init.xavier_uniform_(self.fusion.weight[:, :reference], gain=SPREAD)
            nn.init.eye_(self.fusion.weight[:, reference:])

    @classmethod
    def from_state_dict(cls, state_dict: Mapping[str, Tensor]) -> PivotIDEncoder:
        """Build the module that a state dict was saved from, in float32.

        Raises:
            UnknownCheckpointError: if keys or shapes are not those of a pivot ID encoder.
        """
        require_keys(state_dict, {"fusion.weight": 2}, _NAME)
        text, both = state_dict["fusion.weight"].shape
        if both <= text:
            raise UnknownCheckpointError(
                f"{_NAME} makes rows {text} wide of {both} values, which leaves none for a face; choose another file."
            )
        with torch.device("meta"):
            module = cls(both - text, text)
        return load_strictly(module, state_dict, _NAME)

    @property
    def text_width(self) -> int:
        """D."""
        return self.fusion.out_features

    @property
    def reference_width(self) -> int:
        """E."""
        return self.fusion.in_features - self.fusion.out_features

    def forward(self, rows: Tensor, references: Tensor, strength: float | Sequence[float] = 1.0) -> Tensor:
        """Rows moved towards what they are together with faces.

        Args:
            rows: of the text encoder's output, (N, D), one per person.
            references: embeddings of their faces, (N, E).
            strength: 0 keeps the rows, 1 is the paper's; 0–2, one for all or one each.

        Returns:
            (N, D).

        Raises:
            ShapeError: if the widths are not the module's.
            InvalidSettingError: if the strength is out of range.
        """
        require_shape("rows", rows, ("N", self.text_width))
        require_shape("references", references, (len(rows), self.reference_width))
        fused = self.fusion(torch.cat((references, rows), -1))
        if isinstance(strength, int | float):
            require_range("strength", strength, STRONGEST)
            return torch.lerp(rows, fused, strength)
        for each in strength:
            require_range("strength", each, STRONGEST)
        return torch.lerp(rows, fused, rows.new_tensor(strength)[:, None])
