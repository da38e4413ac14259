"""Reference-Based Guidance in ComfyUI: from the settings of a node to a MODEL that is guided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from comfy.model_patcher import ModelPatcher

from ...models.errors import IncompatibleBaseModelError, InvalidSettingError
from ...models.face.detection import DetectorName
from ...models.omniportrait.attention_masks import AttentionMasks
from ...models.omniportrait.face_masks import FaceMasks, FaceOrder
from ...models.omniportrait.guidance_settings import GuidanceSettings, StepMode, StrengthMode
from ...models.omniportrait.guided_person import GuidedPerson, MaskSource
from ...models.omniportrait.reference_guidance import ReferenceGuidance
from ...models.omniportrait.references import Person, References
from ..encoders.detector import LoadedFaceAnalysis
from ..encoders.faces import detector_settings
from ..encoders.preview_faces import PreviewFaces
from ..guidance.attach import guidable_unet, guide
from ..sampling.runs import sigma_window
from ..unet.levels import Detail, choose_capture

FindBy = Literal["word in the prompt", "face in the preview", "mask"]
PreviewDetector = Literal["auto", "insightface", "yunet"]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FaceFinding:
    """How people without a mask are found while sampling.

    Attributes:
        by: the attention to a marked word, a face detector on a preview, or nothing but masks.
        vae: decodes previews; needed for them.
        detector: of previews.
        order: which face of a preview is whose.
        analysis: a detector that is already loaded, used instead.
    """

    by: FindBy = "word in the prompt"
    vae: Any = None
    detector: PreviewDetector = "auto"
    order: FaceOrder = "left to right"
    analysis: LoadedFaceAnalysis | None = None


def apply_guidance(
    model: ModelPatcher,
    references: References,
    finding: FaceFinding,
    *,
    strength_mode: StrengthMode = "relative",
    strength: float = 0.15,
    start_percent: float = 0.4,
    end_percent: float = 1.0,
    every_k: int = 1,
    step_mode: StepMode = "eps",
    features: Detail = "coarse",
    reference_percent: float = 0.329,
    seeds: int = 4,
    keep_background: bool = True,
) -> tuple[ModelPatcher, bool]:
    """A clone of a MODEL in which people are pulled towards their references, and whether anybody is.

    Args:
        model: of noise or velocity prediction.
        references: the people.
        finding: how those without a mask are found.
        start_percent, end_percent: of the sampling between which it acts; the paper's u is 1 − start_percent.
        features: see `levels.choose_capture`.
        strength_mode, strength, every_k, step_mode, reference_percent, seeds, keep_background: see `GuidanceSettings`.

    Raises:
        IncompatibleBaseModelError: see `guidance.guide`, and if the references were encoded by another kind of VAE.
        InvalidSettingError: if a setting is out of range, or nothing says where somebody is.
    """
    if not references.people or strength == 0 or start_percent >= end_percent:
        return model, False
    unet = guidable_unet(model)
    _require_latents(model, references.people)
    settings = GuidanceSettings(
        mode=strength_mode,
        strength=strength,
        window=sigma_window(model, start_percent, end_percent),
        every=every_k,
        step_mode=step_mode,
        reference_percent=reference_percent,
        seeds=seeds,
        keeps_background=keep_background,
    )
    guidance = ReferenceGuidance(
        people=tuple(
            GuidedPerson(name=person.name, place=place, references=person.pictures, mask=person.mask)
            for place, person in enumerate(references.people)
        ),
        settings=settings,
        capture=choose_capture(unet, features),
        source=_source(model, finding),
    )
    return guide(model, guidance), True


def _source(model: ModelPatcher, finding: FaceFinding) -> MaskSource | None:
    if finding.by == "mask":
        return None
    if finding.by == "word in the prompt":
        return AttentionMasks()
    if finding.vae is None:
        raise InvalidSettingError(
            "Looking for faces in the preview needs a VAE to decode it; connect vae, or choose another way in find_by."
        )
    detector: DetectorName = finding.detector
    settings = partial(detector_settings, detector, analysis=finding.analysis)
    settings()  # a missing file is told now and not in the middle of a run
    return FaceMasks(PreviewFaces(finding.vae, settings, model.model), finding.order)


def _require_latents(model: ModelPatcher, people: Sequence[Person]) -> None:
    wanted: int = model.get_model_object("latent_format").latent_channels
    for person in people:
        for picture in person.pictures:
            if picture.latent.shape[1] != wanted:
                raise IncompatibleBaseModelError(
                    f'The references of "{person.name}" have {picture.latent.shape[1]} latent channels, this model has '
                    f"{wanted}; give Add OmniPortrait Reference the VAE of this checkpoint."
                )
