"""FaceStudio on today's files, in ComfyUI: a plain IP-Adapter for the style, FaceID for the people; the prompts stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from comfy.model_patcher import ModelPatcher

from ...models.adapters.identity_attention import EncodedPeople
from ...models.errors import InvalidSettingError, require_range
from ...models.facestudio.encode import Mixing
from ...models.facestudio.style import Space, hybrid_style
from ...models.facestudio.zero_shot import FACE_STRENGTH, STYLE_STRENGTH, encode_mixed, require_adapters
from ...models.ip_adapter.encode import Looking
from ...models.people.person import Person
from ...models.port.encoders import Encoder, ImageEmbedder
from ..encoders.style import missing_encoder
from ..ip_adapter.adapter import LoadedIPAdapter
from ..ip_adapter.application import Pictures
from ..ip_adapter.application import apply as apply_ip_adapter
from ..memory import loaded
from ..people import acting_places, people_lines
from .method import AppliedFaceStudio, Asked, sentences
from .places import RegionsOf, empty, frozen, nowhere, together

MOST_STRENGTH = 2.0


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ZeroShotFaceStudio:
    """Two IP-Adapters as one method, see `LoadedFaceStudio`.

    Attributes:
        style: a plain adapter.
        face: FaceID or FaceID Plus; None where there are never people.
        style_strength, face_strength: factors on what each adds, 0–2.
        lora_strength: 0–2, of FaceID's LoRA.
        structure_scale: see `Looking`.

    Raises:
        InvalidSettingError: if an adapter is of another kind, both do not fit each other, or a number is out of its range.
    """

    style: LoadedIPAdapter
    face: LoadedIPAdapter | None = None
    style_strength: float = STYLE_STRENGTH
    face_strength: float = FACE_STRENGTH
    lora_strength: float = 1.0
    structure_scale: float = 1.0

    def __post_init__(self) -> None:
        require_adapters(self.style.adapter, None if self.face is None else self.face.adapter)
        for name in ("style_strength", "face_strength", "lora_strength"):
            require_range(name, getattr(self, name), MOST_STRENGTH)

    @property
    def space(self) -> Space:
        """Of the styles that it reads."""
        return Space.of_width(self.style.adapter.image_width or 0)

    @property
    def embedder(self) -> ImageEmbedder | None:
        """Looks at style pictures; None where its file was not found."""
        return self.style.encoders.embedder

    @property
    def wanted(self) -> str:
        """What looks at style pictures."""
        return missing_encoder(None, width=self.space.width)

    def apply(self, model: ModelPatcher, asked: Asked) -> AppliedFaceStudio:
        """Put style and people into a MODEL, see `LoadedFaceStudio`."""
        if asked.positive is None or asked.negative is None:
            raise InvalidSettingError(
                "FaceStudio from IP-Adapters leaves the prompts as they are: connect positive and negative of Apply FaceStudio, with "
                "empty texts where style and faces are to say everything."
            )
        if asked.negative_text is not None:
            raise InvalidSettingError(
                "negative_text is for trained FaceStudio alone; FaceStudio from IP-Adapters has a negative prompt, so write it there."
            )
        style = hybrid_style(asked.style, asked.text, asked.alpha, self.space)
        places = acting_places(asked.people)
        active = [asked.people[place] for place in places]
        regions = RegionsOf(asked.where, asked.regions, asked.background, asked.seed)
        styled = apply_ip_adapter(
            model,
            self.style,
            type(asked.people)(),
            pictures=Pictures(embeddings=style.embedding, strength=self.style_strength),
        )
        clone = styled.model
        if not active:
            lines = people_lines(asked.people, [])
        else:
            face = self._required_face()
            applied = apply_ip_adapter(
                clone,
                face,
                asked.people,
                where=regions,
                strength=self.face_strength * asked.strength,
                lora_strength=self.lora_strength,
                encode=partial(self._encode, face, asked.mixing),
            )
            clone, lines = applied.model, applied.lines
        masks = regions.masks(active, places)
        return AppliedFaceStudio(
            model=clone,
            positive=asked.positive,
            negative=asked.negative,
            is_applied=styled.is_applied or bool(active),
            lines=lines,
            people_mask=together(masks),
            note=sentences(
                *self._notes(active),
                style.note,
                *asked.text_notes,
                nowhere(empty(active, masks)),
                frozen(asked.background, masks),
            ),
        )

    @property
    def looks_with(self) -> Sequence[Encoder | None]:
        """See `LoadedFaceStudio`."""
        encoders = self._required_face().encoders
        return encoders.clip, encoders.embedder, encoders.recogniser

    def look(self, person: Person) -> None:
        """Show a person to the encoders, see `LoadedFaceStudio`."""
        self._encode(self._required_face(), "unit length", [person])

    def _notes(self, active: Sequence[Person]) -> list[str]:
        """What the adapters that act were taken for."""
        used = [self.style, *([self.face] if self.face is not None and active else [])]
        return [note for loaded in used for note in loaded.adapter.notes]

    def _required_face(self) -> LoadedIPAdapter:
        if self.face is None:
            raise InvalidSettingError(
                "People are connected, and FaceStudio from IP-Adapters has no face_adapter; connect a FaceID file to it by Load IP-Adapter."
            )
        return self.face

    def _encode(self, face: LoadedIPAdapter, mixing: Mixing, people: Sequence[Person]) -> EncodedPeople:
        looking = Looking(s_scale=self.structure_scale)
        with loaded(face.encoder), torch.no_grad():
            return encode_mixed(people, face.encoders, face.adapter, looking, mixing).on_cpu()
