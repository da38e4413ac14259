"""The miniature: a base model and its adapters that come with the pack."""

from __future__ import annotations

from comfy_api.latest import io

from ..host.miniature import load_miniature
from .schema import (
    ConsistentID,
    FaceDetector,
    FaceParser,
    FaceStudio,
    IPAdapter,
    OmniPortrait,
    Prior,
    UniPortrait,
    found_by,
    shelf,
)


class LoadMiniature(io.ComfyNode):
    """Loads the models that come with the pack."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessLoadMiniature",
            display_name="Load Miniature",
            category=shelf("Miniature"),
            description="Loads the tiny models that come with this pack, and two drawn portraits. They draw a world of cartoon "
            "faces at 128 × 128 pixels in seconds on any computer, so that everything can be tried without a download.",
            **found_by("try", "demo", "example", "test", "without download", "likeness"),
            inputs=[],
            outputs=[
                io.Model.Output(display_name="model", tooltip="The base model; draw pictures of 128 × 128 pixels."),
                io.Clip.Output(
                    display_name="clip", tooltip="Its text encoder: ordinary tokens, weights and embeddings syntax."
                ),
                io.Vae.Output(display_name="vae", tooltip="Its autoencoder, factor 8."),
                UniPortrait.Output(
                    display_name="uniportrait", tooltip="UniPortrait for this base model, for one person and several."
                ),
                ConsistentID.Output(
                    display_name="consistentid", tooltip="ConsistentID for this base model, corrected behaviour."
                ),
                OmniPortrait.Output(
                    display_name="omniportrait", tooltip="OmniPortrait's Pivot ID Encoder for this base model."
                ),
                FaceParser.Output(display_name="face_parser", tooltip="Tells the parts of drawn faces apart."),
                FaceDetector.Output(
                    display_name="face_detector",
                    tooltip="Finds drawn faces; the detector 'drawn faces (miniature)' of Add Person is the same.",
                ),
                io.ClipVision.Output(display_name="clip_vision", tooltip="The image encoder of its adapters."),
                io.Image.Output(display_name="portrait_1", tooltip="A drawn person, for Add Person."),
                io.Image.Output(display_name="portrait_2", tooltip="Another drawn person, for Add Person."),
                IPAdapter.Output(
                    display_name="ip_adapter",
                    tooltip="IP-Adapter FaceID for this base model, with the face recogniser that it was trained with.",
                ),
                FaceStudio.Output(
                    display_name="facestudio",
                    tooltip="FaceStudio for this base model, with the encoders that it needs.",
                ),
                IPAdapter.Output(
                    display_name="style_adapter",
                    tooltip="A plain IP-Adapter for this base model, for FaceStudio from IP-Adapters.",
                ),
                Prior.Output(
                    display_name="prior", tooltip="Its prior, for Predict Image Embedding: what a text may look like."
                ),
                io.Image.Output(
                    display_name="style_picture_1", tooltip="A drawn person in another style, for Encode Style."
                ),
                io.Image.Output(
                    display_name="style_picture_2", tooltip="Two drawn people in that style, for Encode Style."
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
            loaded.uniportrait,
            loaded.consistentid,
            loaded.omniportrait,
            loaded.face_parser,
            loaded.face_detector,
            loaded.clip_vision,
            *loaded.portraits,
            loaded.ip_adapter,
            loaded.facestudio,
            loaded.style_adapter,
            loaded.prior,
            *loaded.style_pictures,
        )


NODES: list[type[io.ComfyNode]] = [LoadMiniature]
