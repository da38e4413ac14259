"""What the user sees: one class per node, schema and one call each; a shelf of the menu is a folder."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from ..host import events, face_route
from ..host.files import register_folders
from ..models.methods import wings
from . import evaluation, faces, miniature, people, placement, prior

SHELVES = (people, placement, *wings(__package__), prior, faces, evaluation, miniature)


class LikenessExtension(ComfyExtension):
    """All nodes of the pack."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """The nodes; makes our model folders known first, since nodes list their files, and lets pages say that they listen and ask for faces."""
        register_folders()  # not in on_load, which 0.3.64 does not call
        events.register_route()
        face_route.register_route()
        return [node for shelf in SHELVES for node in shelf.NODES]
