"""ConsistentID: load the adapter and apply people to a MODEL."""

from __future__ import annotations

from typing import Any, get_args

from comfy_api.latest import io

from ...host.consistentid.adapter import LoadedConsistentID, Mode, Purpose, apply, load_consistentid
from ...host.consistentid.people import RECOGNISER
from ...host.files import AUTO, list_files, list_recognisers, recogniser_file, resolve
from ...host.placement import LoadedPlacement
from ...models.consistentid.identity import Identities
from ..sockets import CATEGORY, ConsistentID, ConsistentIDIdentities, Placement


class LoadConsistentID(io.ComfyNode):
    """Reads the adapter and chooses its behaviour."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessLoadConsistentID",
            display_name="Load ConsistentID",
            category=CATEGORY,
            description="Loads a ConsistentID adapter for SD1.5 or SDXL; the file tells which.",
            inputs=[
                io.Combo.Input(
                    "consistentid",
                    options=list_files("consistentid"),
                    tooltip="The adapter in models/consistentid (published: ConsistentID-v1.bin for SD1.5, "
                    "ConsistentID_SDXL-v1.bin for SDXL).",
                ),
                io.Combo.Input(
                    "mode",
                    options=list(get_args(Mode)),
                    default="auto",
                    tooltip="published: as the published pipelines do it, with all their quirks; one person, plain text "
                    "without prompt syntax. corrected: every region goes into its own word, prompt weights and embeddings "
                    "work, long prompts, several people. auto: corrected for weights that say they were trained so, "
                    "published for all others.",
                ),
                io.Combo.Input(
                    "purpose",
                    options=list(get_args(Purpose)),
                    default="text to image",
                    tooltip="The published inpainting pipeline (SD1.5) describes the face in other words and shows the ID "
                    "tokens to ControlNets.",
                ),
                io.Combo.Input(
                    "recogniser",
                    options=[AUTO, *list_recognisers()],
                    default=AUTO,
                    tooltip="The face recogniser that the adapter was trained with. auto finds w600k_r50.onnx of insightface's "
                    "buffalo_l (non-commercial research only) in models/insightface.",
                ),
            ],
            outputs=[ConsistentID.Output(display_name="consistentid", tooltip="The adapter.")],
        )

    @classmethod
    def execute(cls, consistentid: str, mode: Mode, purpose: Purpose, recogniser: str) -> io.NodeOutput:
        file = recogniser_file(recogniser, RECOGNISER)
        path = resolve("consistentid", consistentid)
        return io.NodeOutput(load_consistentid(path, mode=mode, purpose=purpose, recogniser=file))


class ApplyConsistentID(io.ComfyNode):
    """Puts the people into a MODEL."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessApplyConsistentID",
            display_name="Apply ConsistentID",
            category=CATEGORY,
            description="Puts the people's ID tokens and the adapter's LoRA into the model. Their facial regions go into the "
            "prompt, by Encode ConsistentID Prompt.",
            inputs=[
                io.Model.Input("model", tooltip="A checkpoint of the adapter's architecture: SD1.5 or SDXL."),
                ConsistentID.Input("consistentid", tooltip="The adapter, from Load ConsistentID."),
                ConsistentIDIdentities.Input("identities", tooltip="The people, from Add ConsistentID Identity."),
                io.Float.Input(
                    "lora_strength",
                    default=1.0,
                    min=0.0,
                    max=2.0,
                    step=0.01,
                    tooltip="Strength of the adapter's LoRA; on for the whole run. 1 is what the adapter was trained with.",
                ),
                Placement.Input(
                    "placement",
                    optional=True,
                    tooltip="Who is where, for several people without masks, from UniPortrait Placement (SD1.5).",
                ),
            ],
            outputs=[
                io.Model.Output(display_name="model", tooltip="The model with the people, for the sampler."),
                io.Boolean.Output(
                    display_name="applied", tooltip="False if there is nobody and the model was passed through."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        consistentid: LoadedConsistentID,
        identities: Identities,
        lora_strength: float,
        placement: LoadedPlacement | None = None,
    ) -> io.NodeOutput:
        return io.NodeOutput(*apply(model, consistentid, identities, lora_strength=lora_strength, placement=placement))


NODES: list[type[io.ComfyNode]] = [LoadConsistentID, ApplyConsistentID]
