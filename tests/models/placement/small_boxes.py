"""A box as ComfyUI's nodes give it."""


def box(x, y, width, height, **more):
    return {"x": x, "y": y, "width": width, "height": height, **more}
