"""FaceStudio as it was trained, in ComfyUI: its own contexts in place of the prompts, and a UNet that was taught to read them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comfy.model_patcher import ModelPatcher
from torch import Tensor, nn

from ...models.adapters.identity_attention import Acting
from ...models.errors import IncompatibleBaseModelError, InvalidSettingError, MissingModelFileError
from ...models.facestudio.application import RegionalContexts
from ...models.facestudio.background import Background
from ...models.facestudio.checkpoint import FaceStudioAdapter
from ...models.facestudio.encode import Contexts, contexts, face_vectors
from ...models.facestudio.style import Space, Style, hybrid_style, require_space
from ...models.people.person import Person
from ...models.people.remembered import RememberedRecogniser
from ...models.placement.rule import Way
from ...models.port.encoders import Encoder, FaceRecogniser, ImageEmbedder
from ..encoders.style import missing_encoder
from ..memory import loaded, manage
from ..people import acting_places, placed_lines
from ..placement import PlacedPeople
from ..sampling.delayed_conditioning import Conditioning
from ..sampling.runs import sigma_window
from ..unet import keys
from ..unet.attention import inject
from ..unet.lora import add_lora
from ..unet.replaced import replace_keys_and_values, replace_unet
from ..unet.sites import context_width, require_fit, unet_of
from .contexts import marked, refuse_other_prompts
from .method import NAME, AppliedFaceStudio, Asked, sentences
from .places import RegionsOf, empty, frozen, nowhere, together

logger = logging.getLogger(__name__)

WITHOUT_TEXT: tuple[Way, ...] = ("words", "router")  # ways to find people that read a prompt


@dataclass(frozen=True, eq=False, slots=True)
class TrainedFaceStudio:
    """A FaceStudio file with its encoders, see `LoadedFaceStudio`.

    Attributes:
        adapter: the weights by part.
        layers: patcher of the layers that run before sampling.
        embedder: looks at style pictures; None where its file was not found.
        recogniser: gives face vectors, none twice; None where its file was not found.
    """

    adapter: FaceStudioAdapter
    layers: ModelPatcher
    embedder: ImageEmbedder | None
    recogniser: FaceRecogniser | None

    @property
    def space(self) -> Space:
        """Of the styles that it reads."""
        return self.adapter.space

    @property
    def wanted(self) -> str:
        """What looks at style pictures."""
        return missing_encoder(self.adapter.description, width=self.space.width)

    @property
    def looks_with(self) -> Sequence[Encoder | None]:
        """See `LoadedFaceStudio`."""
        return (self.recogniser,)

    def look(self, person: Person) -> None:
        """Show a person to the encoders, see `LoadedFaceStudio`."""
        face_vectors([person], self._required_recogniser())

    def apply(self, model: ModelPatcher, asked: Asked) -> AppliedFaceStudio:
        """Put style and people into a MODEL, see `LoadedFaceStudio`."""
        self._require_fit(model)
        _refuse_prompts(asked)
        style = hybrid_style(asked.style, asked.text, asked.alpha, self.space)
        if asked.negative_text is not None:
            require_space(asked.negative_text, "negative_text", self.space)
        places = acting_places(asked.people)
        active = [asked.people[place] for place in places]
        regions = RegionsOf(asked.where, asked.regions, _lent(asked), asked.seed)
        masks = regions.masks(active, places)
        placed = self._place(model, regions, active, places, masks) if active else None
        clone = model.clone()
        self._teach(clone)
        refuse_other_prompts(clone)
        found = self._contexts(style.embedding, active, asked)
        if placed is None or _is_everywhere(active, placed):
            context, owners = (found.people if active else found.background), {}
        else:
            context, owners = found.joined(), {keys.OWNERS: found.owners()}
            residual = RegionalContexts(_acting(model, active), placed.placement)
            clone = inject(clone, [residual], name=NAME, weights=placed.weights)
            placed.watch(clone)
        return AppliedFaceStudio(
            model=clone,
            positive=self._conditioning(context, found.people if active else found.background, owners),
            negative=self._conditioning(found.null, found.null, {}),
            is_applied=True,
            lines=placed_lines(asked.people, placed),
            people_mask=together(masks),
            note=sentences(
                style.note, *asked.text_notes, nowhere(empty(active, masks)), frozen(asked.background, masks)
            ),
        )

    def _require_fit(self, model: ModelPatcher) -> None:
        adapter = self.adapter
        if adapter.widths:
            require_fit(model, adapter.widths, adapter.context_dim, name=NAME)
        elif context_width(unet_of(model)) != adapter.context_dim:
            raise IncompatibleBaseModelError(
                f"This FaceStudio file gives contexts {adapter.context_dim} wide and the model reads {context_width(unet_of(model))}: "
                "connect a checkpoint of the architecture that the file was trained for."
            )

    def _place(
        self,
        model: ModelPatcher,
        regions: RegionsOf,
        active: Sequence[Person],
        places: Sequence[int],
        masks: Sequence[Tensor | None],
    ) -> PlacedPeople:
        regions.require_fit(model)
        where = regions.where
        if where is not None and where.by in WITHOUT_TEXT and None in masks:
            raise InvalidSettingError(
                f'Place People is by {where.by}, and trained FaceStudio has no text that names anybody; choose "faces", or "masks" '
                "and connect masks or boxes."
            )
        return regions.of(active, places)

    def _teach(self, clone: ModelPatcher) -> None:
        """Patch the UNet's weights; changed in place."""
        if self.adapter.unet:
            replace_unet(clone, self.adapter.unet)
            return
        replace_keys_and_values(clone, self.adapter.attention)
        if self.adapter.lora:
            add_lora(clone, self.adapter.lora, 1.0)

    def _contexts(self, style: Tensor, active: Sequence[Person], asked: Asked) -> Contexts:
        faces = style.new_zeros(0, self.adapter.layer.face_width)
        if active:
            faces = face_vectors(active, self._required_recogniser(), asked.mixing)
        negative: Style | None = asked.negative_text
        with loaded(self.layers):
            return contexts(
                self.adapter,
                style,
                faces,
                strengths=[asked.strength * person.settings.strength for person in active],
                background=asked.background,
                negative=None if negative is None else negative.embedding,
            )

    def _required_recogniser(self) -> FaceRecogniser:
        if self.recogniser is None:
            name = self.adapter.description.recogniser
            raise MissingModelFileError(
                f"FaceStudio needs the face recogniser {name}.onnx that it was trained with, and it was not found; put insightface's "
                "buffalo_l pack into models/insightface/models/buffalo_l (non-commercial research only), or choose the file in "
                '"recogniser" of Load FaceStudio.'
            )
        return self.recogniser

    def _conditioning(self, context: Tensor, tokens: Tensor, owners: Mapping[str, object]) -> Conditioning:
        """A context as CONDITIONING; SDXL's pooled vector is that of the mean of some people's tokens, (K, n, D)."""
        noted: dict[str, object] = dict(owners)
        pooled = self.adapter.pooled
        if pooled is not None:
            with loaded(self.layers):
                noted["pooled_output"] = pooled(tokens.mean(0, keepdim=True).to(pooled.weight)).to("cpu")
        return [[context.to("cpu"), marked(noted)]]


def new_trained(
    adapter: FaceStudioAdapter, *, embedder: ImageEmbedder | None, recogniser: FaceRecogniser | None
) -> TrainedFaceStudio:
    """Put a file's layers under ComfyUI's memory management, with its encoders."""
    layers = nn.ModuleDict({"layer": adapter.layer})
    if adapter.pooled is not None:
        layers["pooled"] = adapter.pooled
    remembered = None if recogniser is None else RememberedRecogniser(recogniser)
    return TrainedFaceStudio(adapter, manage(layers), embedder, remembered)


def _refuse_prompts(asked: Asked) -> None:
    connected = [name for name in ("positive", "negative") if getattr(asked, name) is not None]
    if connected:
        raise InvalidSettingError(
            f"{' and '.join(connected)} of Apply FaceStudio {'is' if len(connected) == 1 else 'are'} connected, and trained FaceStudio "
            "makes both itself from style, faces and the prior; disconnect them, and give texts through Predict Image Embedding."
        )


def _lent(asked: Asked) -> Background:  # the mean is a context of its own
    return "none" if asked.background == "mean" else asked.background


def _is_everywhere(active: Sequence[Person], placed: PlacedPeople) -> bool:
    """Whether there is one person, in the whole picture and for the whole run, so that there is one context."""
    settings = active[0].settings
    return placed.ways == ("everywhere",) and (settings.start_percent, settings.end_percent) == (0, 1)


def _acting(model: ModelPatcher, active: Sequence[Person]) -> tuple[Acting, ...]:
    return tuple(
        Acting(
            name=person.name,
            strength=1.0,  # is in the context
            window=sigma_window(model, person.settings.start_percent, person.settings.end_percent),
        )
        for person in active
    )
