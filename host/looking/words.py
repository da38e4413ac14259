"""People found at their words: what a running UNet attends to, read in every call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ...models.placement.found import Memory
from ...models.placement.words import SeenWords, WordLook
from ...models.port.attention import Polarity
from ..named_text import require_names
from ..unet import keys
from ..unet.call import UNetCall
from ..unet.couples import LayerRows
from ..unet.network import bare
from ..unet.options import context_of_call, options_of_call, with_options_of_call
from ..unet.read_layers import layers_to_read
from ..unet.word_attention import AttentionReader, NamedRows
from .watch import Watch

DEEPEST = 1  # transformers of a block that are read; SDXL's have ten


@dataclass(frozen=True, eq=False, slots=True)
class WordWatch(Watch):
    """Looks at people's words while a MODEL samples."""

    look: WordLook

    def attach(self, model: ModelPatcher) -> None:
        """See `Watch`."""
        model.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, f"{keys.READING}{id(self.look)}", self.run_unet)

    def check(self, conds: Mapping[str, Any]) -> None:
        """See `Watch`."""
        require_names(conds, self.names)

    def words(self, memory: Memory) -> dict[str, Tensor]:
        """See `Looking`."""
        maps = self.look.attention_maps(memory)
        return {name: maps[place] for place, name in self.names.items() if place in maps}

    def run_unet(self, executor: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Wrapper around one call of the UNet."""
        options = options_of_call(args, kwargs)
        if options.get(keys.STEP) is None or options.get(keys.RUN) is None:
            return executor(*args, **kwargs)  # about none of the run's pictures
        unet = bare(executor.class_obj)  # type: ignore[attr-defined]
        call = UNetCall.begin(unet, args[0], context_of_call(args, kwargs), options)
        layers = call.run.remember((self, call.size), lambda: layers_to_read(unet, call.size, DEEPEST))
        reader = AttentionReader(unet, layers, lambda n, text: _named(call, n, text))
        added = {**options, keys.PATCHES: reader.with_patches(options.get(keys.PATCHES, {}))}
        positional, named = with_options_of_call(args, kwargs, added)
        output = executor(*positional, **named)
        for attention, rows in reader.read():
            seen = SeenWords(attention=attention, sigma=call.sigma, samples=rows.samples, crop=rows.info.crop)
            self.look.take(call.run.found, seen)
        return output


def _named(call: UNetCall, n: Tensor, context: Tensor) -> list[NamedRows]:
    """The rows of a layer whose prompt names people."""
    seen = None if n.shape[0] == call.batch.count else LayerRows(n, context)
    return [
        NamedRows(group.rows, group.cond, group.samples)
        for group in call.batch.groups(n.shape[0], seen)
        if group.cond.named_rows and group.cond.polarity is not Polarity.NEGATIVE
    ]
