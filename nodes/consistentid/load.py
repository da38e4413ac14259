"""Load ConsistentID: adapter, image encoder, face parser and recogniser together."""

from __future__ import annotations

from typing import Any, get_args

from comfy_api.latest import io

from ...host.consistentid.adapter import Choice, choose_consistentid
from ...host.encoders.parser import LoadedFaceParser
from ...host.files import AUTO, list_files
from ...models.consistentid.flavour import Purpose
from ..schema import (
    ADVANCED,
    FACE_PARSER_FILE,
    ConsistentID,
    FaceParser,
    found_by,
    given_image_encoder,
    image_encoder_file,
    recogniser_file,
    shelf,
)

MODES = [AUTO, "published", "corrected"]


class LoadConsistentID(io.ComfyNode):
    """Reads the adapter and what it needs, and chooses its behaviour."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessLoadConsistentID",
            display_name="Load ConsistentID",
            category=shelf("ConsistentID"),
            description="Loads ConsistentID for SD1.5 or SDXL with all that it needs; auto recognises files by their content.",
            **found_by("consistentid", "consistent id", "face id", "facial features", "consistent character"),
            inputs=[
                io.Combo.Input(
                    "consistentid",
                    options=[AUTO, *list_files("consistentid")],
                    default=AUTO,
                    tooltip="The adapter in models/consistentid (published: ConsistentID-v1.bin for SD1.5, "
                    "ConsistentID_SDXL-v1.bin for SDXL).",
                ),
                io.Combo.Input(
                    "mode",
                    options=MODES,
                    default=AUTO,
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
                    **ADVANCED,
                ),
                recogniser_file(),
                image_encoder_file(**ADVANCED),
                io.Combo.Input(
                    "face_parser_file",
                    options=[AUTO, *list_files("face_parsing")],
                    default=AUTO,
                    tooltip=FACE_PARSER_FILE,
                    **ADVANCED,
                ),
                given_image_encoder(),
                FaceParser.Input(
                    "face_parser",
                    optional=True,
                    tooltip="A face parser from Load Face Parser, used instead of the file.",
                ),
            ],
            outputs=[
                ConsistentID.Output(
                    display_name="consistentid", tooltip="For Encode ConsistentID Prompt and Apply ConsistentID."
                )
            ],
        )

    @classmethod
    def execute(
        cls,
        consistentid: str,
        mode: Choice,
        purpose: Purpose,
        recogniser: str,
        clip_vision_file: str,
        face_parser_file: str,
        clip_vision: Any = None,
        face_parser: LoadedFaceParser | None = None,
    ) -> io.NodeOutput:
        return io.NodeOutput(
            choose_consistentid(
                consistentid=consistentid,
                mode=mode,
                purpose=purpose,
                recogniser=recogniser,
                clip_vision_file=clip_vision_file,
                face_parser_file=face_parser_file,
                clip_vision=clip_vision,
                face_parser=face_parser,
            )
        )


NODES: list[type[io.ComfyNode]] = [LoadConsistentID]
