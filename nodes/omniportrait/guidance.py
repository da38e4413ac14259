"""Reference-Based Guidance: pull faces towards their references while sampling, and show what it did."""

from __future__ import annotations

import json
from typing import Any, get_args

from comfy_api.latest import io, ui

from ...host.encoders.detector import LoadedFaceAnalysis
from ...host.omniportrait.guidance import FaceFinding, FindBy, PreviewDetector, apply_guidance
from ...host.sampling.runs import find_guidance_history
from ...host.unet.levels import Detail
from ...models.omniportrait.face_masks import FaceOrder
from ...models.omniportrait.guidance_settings import StepMode, StrengthMode
from ...models.omniportrait.references import References as ReferenceChain
from ...models.records.similarity_curves import draw_curves, mask_images
from ..sockets import CATEGORY, FaceAnalysis, References


class ApplyReferenceGuidance(io.ComfyNode):
    """Guides a MODEL."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessApplyReferenceGuidance",
            display_name="Apply Reference-Based Guidance",
            category=CATEGORY,
            description="Pulls every face towards its reference while sampling, on top of any checkpoint and any adapter.",
            inputs=[
                io.Model.Input(
                    "model", tooltip="An SD1.5 or SDXL checkpoint, with or without adapters; connect this node last."
                ),
                References.Input("references", tooltip="The people, from Add OmniPortrait Reference."),
                io.Combo.Input(
                    "find_by",
                    options=list(get_args(FindBy)),
                    default="face in the preview",
                    tooltip="Where people without a mask are: at the word before @id1, @id2 … of Encode OmniPortrait Prompt; at "
                    "the faces that a detector finds in a preview (needs vae); or nowhere, so that everybody needs a mask.",
                ),
                io.Combo.Input(
                    "strength_mode",
                    options=list(get_args(StrengthMode)),
                    default="relative",
                    tooltip="relative: a share of what classifier-free guidance does, works alike on every model. paper_mean, "
                    "paper_sum: the paper's p, with the mean or the sum of all similarities; has to be tuned.",
                ),
                io.Float.Input(
                    "strength",
                    default=0.15,
                    min=0.0,
                    max=1000.0,
                    step=0.01,
                    tooltip="How strongly faces are pulled. relative: 0.15 to begin with, up to 1; paper modes: the paper takes "
                    "8.5. 0 leaves the model as it is.",
                ),
                io.Float.Input(
                    "start_percent",
                    default=0.4,
                    min=0.0,
                    max=1.0,
                    step=0.001,
                    tooltip="Where in the sampling it begins; the paper begins at 0.4 (u = 0.6). Earlier changes the layout.",
                ),
                io.Float.Input(
                    "end_percent", default=1.0, min=0.0, max=1.0, step=0.001, tooltip="Where in the sampling it ends."
                ),
                io.Int.Input(
                    "every_k",
                    default=1,
                    min=1,
                    max=100,
                    tooltip="A new gradient every so many steps; those between use it again. 2 costs half.",
                ),
                io.Combo.Input(
                    "step_mode",
                    options=list(get_args(StepMode)),
                    default="eps",
                    tooltip="eps: as the paper. x0_only: moves the picture and not the noise, which acts several times as "
                    "strongly; lower the strength.",
                ),
                io.Combo.Input(
                    "features",
                    options=list(get_args(Detail)),
                    default="coarse",
                    tooltip="coarse: features at half the latent's side, sure matches. fine: at all of it, smaller details, "
                    "more memory.",
                ),
                io.Float.Input(
                    "reference_percent",
                    default=0.329,
                    min=0.0,
                    max=1.0,
                    step=0.001,
                    tooltip="How far the noise on the reference photos has come down when their features are read: 0.329 is "
                    "the paper's t0 = 671.",
                ),
                io.Int.Input(
                    "seeds",
                    default=4,
                    min=1,
                    max=64,
                    tooltip="With how many noises the references are read; their mean is taken. Costs time once.",
                ),
                io.Boolean.Input(
                    "keep_background",
                    default=True,
                    tooltip="Moves the inside of each person's mask alone; off, the whole picture may change.",
                ),
                io.Combo.Input(
                    "face_order",
                    options=list(get_args(FaceOrder)),
                    default="left to right",
                    tooltip="For 'face in the preview': which face is whose. left to right: in the order of the people; most "
                    "alike: to whom its features fit best.",
                ),
                io.Combo.Input(
                    "detector",
                    options=list(get_args(PreviewDetector)),
                    default="auto",
                    tooltip="For 'face in the preview': as in Detect Faces.",
                ),
                io.Vae.Input(
                    "vae",
                    optional=True,
                    tooltip="For 'face in the preview': decodes it, every fifth guided step. TAESD from Load VAE is fast.",
                ),
                FaceAnalysis.Input(
                    "face_analysis",
                    optional=True,
                    tooltip="A detector that is already loaded, such as that of Load Miniature; used instead of 'detector'.",
                ),
            ],
            outputs=[
                io.Model.Output(display_name="model", tooltip="The guided model, for the sampler."),
                io.Boolean.Output(
                    display_name="applied", tooltip="False if nobody is pulled and the model was passed through."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        references: ReferenceChain,
        find_by: FindBy,
        strength_mode: StrengthMode,
        strength: float,
        start_percent: float,
        end_percent: float,
        every_k: int,
        step_mode: StepMode,
        features: Detail,
        reference_percent: float,
        seeds: int,
        keep_background: bool,
        face_order: FaceOrder,
        detector: PreviewDetector,
        vae: Any = None,
        face_analysis: LoadedFaceAnalysis | None = None,
    ) -> io.NodeOutput:
        finding = FaceFinding(by=find_by, vae=vae, detector=detector, order=face_order, analysis=face_analysis)
        return io.NodeOutput(
            *apply_guidance(
                model,
                references,
                finding,
                strength_mode=strength_mode,
                strength=strength,
                start_percent=start_percent,
                end_percent=end_percent,
                every_k=every_k,
                step_mode=step_mode,
                features=features,
                reference_percent=reference_percent,
                seeds=seeds,
                keep_background=keep_background,
            )
        )


class ShowGuidance(io.ComfyNode):
    """Gives curves, masks and numbers of a guided run."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessShowGuidance",
            display_name="Show Guidance",
            category=CATEGORY,
            description="Shows how alike the faces became at every step, and where people were taken to be.",
            inputs=[
                io.Model.Input("model", tooltip="The model that was sampled, from Apply Reference-Based Guidance."),
                io.Latent.Input("latent", tooltip="What the sampler gave, unchanged."),
            ],
            outputs=[
                io.Image.Output(
                    display_name="plot", tooltip="Similarity over the guided steps, a curve for each person."
                ),
                io.Mask.Output(
                    display_name="masks",
                    tooltip="Where each person was at the last guided step, in the order of the chain; picture by picture.",
                ),
                io.String.Output(
                    display_name="numbers",
                    tooltip="JSON: noise level and similarity of every person and step, how far the picture was moved, and "
                    "how many steps were skipped.",
                ),
            ],
        )

    @classmethod
    def execute(cls, model: Any, latent: dict[str, Any]) -> io.NodeOutput:
        history = find_guidance_history(model, latent["samples"])
        plot = draw_curves(history)
        return io.NodeOutput(
            plot, mask_images(history), json.dumps(history.numbers()), ui=ui.PreviewImage(plot, cls=cls)
        )


NODES: list[type[io.ComfyNode]] = [ApplyReferenceGuidance, ShowGuidance]
