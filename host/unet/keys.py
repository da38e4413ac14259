"""The names under which this pack and ComfyUI keep things in options, attachments and entries of a CONDITIONING."""

from __future__ import annotations

OURS = "likeness."  # before the keys of everything that this pack adds to a MODEL

# Wrappers and attachments of a MODEL.
RUNS = "likeness"
RECORDS = "likeness.records"
GUIDANCE = "likeness.guidance"
LOOKS = "likeness.looks"
STRUCTURE = "likeness.structure"  # also an argument of compiled networks
INJECTION = "likeness.injection "  # before a number
READING = "likeness.reading "  # of layers, before what is read with
CONTEXTS = "likeness.contexts"  # also in an entry of a CONDITIONING

# In `transformer_options`.
RUN = "likeness.run"
CONDS = "likeness.conds"
STEP = "likeness.step"
GUIDED_STEP = "likeness.guided step"

# In the memo of a `Run`.
GUIDED_RUN = "likeness.guided run"
LIVE = "likeness.live"

# In an entry of a CONDITIONING.
OWNERS = "likeness.owners"
NAMED_ROWS = "likeness.named rows"
NAMED_TEXT = "likeness.named text"
MERGE = "likeness.merge"

# ComfyUI's own: of an entry of a CONDITIONING,
UUID = "uuid"
MODEL_CONDS = "model_conds"
TEXT = "c_crossattn"  # among those
HOOKS = "hooks"
ENCODED = "cross_attn"  # the text itself, while a run begins
CONTROL_TEXT = "cross_attn_controlnet"  # given to ControlNets in place of the prompt

# of model options,
TRANSFORMER_OPTIONS = "transformer_options"
FUNCTION_WRAPPER = "model_function_wrapper"

# of `transformer_options`: of the run,
SAMPLE_SIGMAS = "sample_sigmas"
PATCHES = "patches"
LAYER_PATCH = "attn2_patch"  # among those: sees the input of a cross-attention layer
REPLACEMENTS = "patches_replace"
WRAPPERS = "wrappers"
ATTENTION_OVERRIDE = "optimized_attention_override"
WINDOW = "context_window"  # of ComfyUI's context windows: some pictures of the run

# of one call of the UNet,
SIGMAS = "sigmas"
COND_OR_UNCOND = "cond_or_uncond"  # places in the list that was asked about; no polarity
UUIDS = "uuids"

INPUT = "original_shape"  # (B, channels, h, w)

# AnimateDiff-Evolved's, of the run,
ANIMATEDIFF = "ad_params"

# and of one layer.
BLOCK = "block"
TRANSFORMER = "block_index"
HEADS = "n_heads"
GRID = "activations_shape"
