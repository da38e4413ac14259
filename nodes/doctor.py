"""Check Models: which model files are there, what they are, what is missing, and on which terms they may be used."""

from __future__ import annotations

import json

from comfy_api.latest import io, ui

from ..host.doctor.folders import report_on
from ..models.doctor.catalogue import EVERYTHING, choices
from ..models.doctor.text import to_text
from .schema import found_by, shelf


class CheckModels(io.ComfyNode):
    """Looks at the model folders; it downloads and changes nothing."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessCheckModels",
            display_name="Check Models",
            category=shelf("Models"),
            description="Says which model files are there, what they are, with which checkpoints they go, what is missing for a method, and "
            "whether they may be used commercially. It downloads nothing.",
            is_output_node=True,
            **found_by(
                "model doctor", "missing models", "download models", "licence", "commercial use", "model manager"
            ),
            inputs=[
                io.Combo.Input(
                    "method",
                    options=choices(),
                    default=EVERYTHING,
                    tooltip="What the files are for; everything lists all that the pack can use.",
                ),
            ],
            outputs=[
                io.String.Output(display_name="report", tooltip="What is there and what is missing, as Markdown."),
                io.String.Output(
                    display_name="data", tooltip="The same as JSON, with folders, sizes, hashes and terms."
                ),
                io.Boolean.Output(
                    display_name="ready",
                    tooltip="Whether something of what was asked for has all it needs with one family.",
                ),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, method: str) -> float:
        """Never the same, for files come and go."""
        return float("nan")

    @classmethod
    def execute(cls, method: str) -> io.NodeOutput:
        report = report_on(method)
        text = to_text(report)
        ready = any(not state.missing for state in report.states)
        return io.NodeOutput(text, json.dumps(report.to_data(), ensure_ascii=False), ready, ui=ui.PreviewText(text))


NODES: list[type[io.ComfyNode]] = [CheckModels]
