"""What the user sees: one class per node, schema and one call each; a shelf of the menu is a folder."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from ..host import events, face_route
from ..host.doctor import routes as doctor_routes
from ..host.files import register_folders
from ..host.routes import add_routes
from ..models.methods import wings
from . import doctor, evaluation, faces, miniature, people, placement, prior
from .values import guarded

SHELVES = (people, placement, *wings(__package__), prior, faces, evaluation, doctor, miniature)


class LikenessExtension(ComfyExtension):
    """All nodes of the pack."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """The nodes; makes our model folders known first, since nodes list their files, and what the page asks for."""
        register_folders()  # not in on_load, which 0.3.64 does not call
        add_routes([*events.ROUTES, *face_route.ROUTES, *doctor_routes.ROUTES])
        return [guarded(node) for shelf in SHELVES for node in shelf.NODES]
