"""The recipe begun from the files that came with the pack: for a further adapter, nothing that is there is trained again."""

from __future__ import annotations

from dataclasses import dataclass

from ...diffusers_host.base import Base
from ...diffusers_host.face_encoder import FaceEncoder
from ...models.face.parsing import FaceParser
from ...models.miniature.files import BASE, FACES, JUDGE, read_face_networks
from ..judge.file import read_judge
from ..judge.judge import Judge
from ..networks.checkpoint import read_base
from ..networks.faces import read_faces
from .recipe import Recipe


@dataclass(frozen=True, slots=True)
class ShippedRecipe(Recipe):
    """A recipe whose base model and face networks are those of the files that ship, rounded to float16 as they are there.

    What is trained on them therefore is not to the bit what the whole recipe would make.
    """

    def base(self) -> Base:
        """Read VAE, UNet and text encoder; raises as `read_base`."""
        return read_base(BASE)

    def faces(self) -> FaceEncoder:
        """Read backbone and image encoder; raises as `read_faces`."""
        return read_faces(FACES)[1]

    def judge(self) -> Judge:
        """Read the judge of flat pictures; raises as `read_judge`."""
        return read_judge(JUDGE)

    def parser(self) -> FaceParser:
        """Read the network that tells the parts of faces apart; raises as `read_face_networks`."""
        return read_face_networks(FACES).parser
