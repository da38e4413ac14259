"""ComfyUI's own context windows in a test: some pictures of the batch at a time.

Those of 0.3.64 run only where there is one picture more than there are steps.
"""

from __future__ import annotations

PICTURES, STEPS = 4, 3


def windowed(model, **settings):
    """A clone of a MODEL that samples in windows of two pictures, of which neighbours share one."""
    from comfy_extras.nodes_context_windows import ContextWindowsManualNode as Node

    wanted = {
        "context_length": 2,
        "context_overlap": 1,
        "context_schedule": "standard_static",
        "context_stride": 1,
        "closed_loop": False,
        "fuse_method": "pyramid",
        "dim": 0,
        "freenoise": False,
        **settings,
    }
    known = Node.execute.__code__.co_varnames
    return Node.execute(model, **{name: value for name, value in wanted.items() if name in known}).args[0]
