"""Identity-preserving portrait nodes for ComfyUI. Start reading at docs/architecture.md or nodes/."""

import logging

WEB_DIRECTORY = "./web"


async def comfy_entrypoint():  # noqa: ANN201 - the type lives in ComfyUI, which may not be installed
    """Called by ComfyUI. Nodes are imported here so that `models` stays importable without ComfyUI."""
    try:
        from .nodes import LikenessExtension
    except Exception:
        # ComfyUI prints only the message of what is raised here.
        logging.getLogger(__name__).exception("Likeness nodes could not be loaded")
        raise
    return LikenessExtension()
