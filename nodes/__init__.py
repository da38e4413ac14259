"""What the user sees: one class per node, schema and one call each."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from ..host.files import register_folders
from . import (
    consistentid,
    consistentid_identity,
    consistentid_prompt,
    consistentid_regions,
    face_parsing,
    face_regions,
    faces,
    fine_grained_similarity,
    miniature,
    omniportrait,
    omniportrait_references,
    reference_guidance,
    routing_map,
    uniportrait,
    uniportrait_identity,
)


class LikenessExtension(ComfyExtension):
    """All nodes of the pack."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """The nodes; makes our model folders known first, since nodes list their files."""
        register_folders()  # not in on_load, which 0.3.64 does not call
        return [
            *uniportrait.NODES,
            *uniportrait_identity.NODES,
            *consistentid.NODES,
            *consistentid_regions.NODES,
            *consistentid_identity.NODES,
            *consistentid_prompt.NODES,
            *faces.NODES,
            *face_regions.NODES,
            *face_parsing.NODES,
            *fine_grained_similarity.NODES,
            *omniportrait.NODES,
            *omniportrait_references.NODES,
            *reference_guidance.NODES,
            *routing_map.NODES,
            *miniature.NODES,
        ]
