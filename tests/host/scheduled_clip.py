"""A CLIP that changes on the way."""

from __future__ import annotations


def scheduled_clip(clip):
    """The CLIP with a hook that doubles a weight from the start and a fifth as strongly from half of the schedule on."""
    import comfy.hooks
    from comfy_extras.nodes_hooks import SetClipHooks

    weights = clip.patcher.model.state_dict()
    key = next(key for key in weights if key.endswith("layers.0.mlp.fc1.weight"))
    group = comfy.hooks.create_hook_model_as_lora(None, {key: 2 * weights[key]}, 1.0, 1.0)
    frames = comfy.hooks.HookKeyframeGroup()
    for strength, percent in ((1.0, 0.0), (0.2, 0.5)):
        frames.add(comfy.hooks.HookKeyframe(strength=strength, start_percent=percent))
    group.set_keyframes_on_hooks(frames)
    [hooked] = SetClipHooks().apply_hooks(clip, True, False, group)
    return hooked
