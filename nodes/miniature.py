"""The miniature: a base model and its adapters that come with the pack."""

from __future__ import annotations

from comfy_api.latest import io

from ..host.miniature import load_miniature
from .sockets import CATEGORY, ConsistentID, FaceAnalysis, FaceParser, OmniPortrait, UniPortrait


class LoadMiniature(io.ComfyNode):
    """Loads the models that come with the pack."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessLoadMiniature",
            display_name="Load Miniature",
            category=CATEGORY,
            description="Loads the tiny models that come with this pack. They draw a world of cartoon faces at 128 × 128 "
            "pixels in seconds on any computer, so that a workflow can be tried without a download.",
            inputs=[],
            outputs=[
                io.Model.Output(display_name="model", tooltip="The base model; draw pictures of 128 × 128 pixels."),
                io.Clip.Output(
                    display_name="clip", tooltip="Its text encoder: ordinary tokens, weights and embeddings syntax."
                ),
                io.Vae.Output(display_name="vae", tooltip="Its autoencoder, factor 8."),
                io.ClipVision.Output(display_name="clip_vision", tooltip="The image encoder of its adapters."),
                FaceAnalysis.Output(
                    display_name="face_analysis", tooltip="Finds drawn faces; connect it to Detect Faces."
                ),
                UniPortrait.Output(
                    display_name="uniportrait", tooltip="UniPortrait for this base model, for one person and several."
                ),
                FaceParser.Output(display_name="face_parser", tooltip="Tells the parts of drawn faces apart."),
                ConsistentID.Output(
                    display_name="consistentid", tooltip="ConsistentID for this base model, corrected behaviour."
                ),
                OmniPortrait.Output(
                    display_name="omniportrait", tooltip="OmniPortrait's Pivot ID Encoder for this base model."
                ),
            ],
        )

    @classmethod
    def execute(cls) -> io.NodeOutput:
        loaded = load_miniature()
        return io.NodeOutput(
            loaded.model,
            loaded.clip,
            loaded.vae,
            loaded.clip_vision,
            loaded.face_analysis,
            loaded.uniportrait,
            loaded.face_parser,
            loaded.consistentid,
            loaded.omniportrait,
        )


NODES: list[type[io.ComfyNode]] = [LoadMiniature]
