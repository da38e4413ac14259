"""The prior: from a text, as CLIP's text tower gives it, to an embedding that its picture tower might have given.

unCLIP (arXiv:2204.06125), section 2.2; FaceStudio (arXiv:2312.02663), section 3.1, translates its texts so. The files are
those of Karlo, Kandinsky 2.1 and Kandinsky 2.2 in the layout of diffusers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..errors import InvalidSettingError, ShapeError, UnknownCheckpointError, require_shape
from ..weights.numbering import layer_count
from ..weights.state_dict import load_strictly, require_keys, summarise
from .posterior import posterior, timesteps
from .prior_layers import Block, TimeToken

OnStep = Callable[[int, Tensor], None]

EXTRA_TOKENS = 4  # pooled text, timestep, noisy embedding, prediction
HIDDEN = -10_000.0  # added to the scores of what may not be read; finite, so that a row of nothing else is no NaN
BLOCKS = "transformer_blocks."
ECLIPSE_POSITIONS = 80  # 77 of the text and three more
_NAME = "The prior"
_AXES = {
    "positional_embedding": 3,
    "prd_embedding": 3,
    "clip_mean": 2,
    "clip_std": 2,
    "proj_in.weight": 2,
    "encoder_hidden_states_proj.weight": 2,
}
_WANTED = "choose the prior of Karlo, Kandinsky 2.1 or Kandinsky 2.2 in the layout of diffusers"


@dataclass(frozen=True, slots=True)
class Layout:
    """One kind of published file.

    Attributes:
        name: whose.
        space: the CLIP model whose picture embeddings it predicts, and whose text tower it reads.
        clamp: the largest value of a predicted embedding that published settings allow.
    """

    name: str
    space: str
    clamp: float


LAYOUTS = {  # by the width of the embedding; the two of ViT-L have equal keys and shapes
    768: Layout("Karlo or Kandinsky 2.1", "ViT-L/14", 5.0),
    1280: Layout("Kandinsky 2.2", "ViT-bigG/14", 10.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorSizes:
    """The sizes of a prior.

    Attributes:
        width: P, width inside.
        dim_head: width of one attention head.
        depth: number of blocks.
        embedding: E, width of the picture embedding.
        text: W, width of the text tower's hidden states and of its pooled embedding.
        text_tokens: T, 77 in the published files.
    """

    width: int
    dim_head: int
    depth: int
    embedding: int
    text: int
    text_tokens: int

    @classmethod
    def read(cls, state_dict: Mapping[str, Tensor], dim_head: int) -> PriorSizes:
        """The sizes that weights were saved with.

        Raises:
            UnknownCheckpointError: if they are no prior's, an ECLIPSE prior's, or heads do not divide the width.
        """
        if not state_dict.keys() & {"prd_embedding", "encoder_hidden_states_proj.weight"}:
            raise UnknownCheckpointError(
                f"No prior from text to picture embeddings has these weights ({summarise(state_dict)}); {_WANTED}."
            )
        positions = state_dict.get("positional_embedding")
        is_short = positions is not None and positions.ndim == 3 and positions.shape[1] == ECLIPSE_POSITIONS
        if is_short or not any(key.startswith("time_embedding.") for key in state_dict):
            raise UnknownCheckpointError(
                "This prior has no place for a timestep, as ECLIPSE's, which predict in one step and are networks of another "
                f"kind; {_WANTED}."
            )
        require_keys(state_dict, _AXES, _NAME)
        width, embedding = state_dict["proj_in.weight"].shape
        if width % dim_head:
            raise UnknownCheckpointError(
                f"{_NAME} is {width} wide, which heads of {dim_head} do not divide; load a published file or pass its dim_head."
            )
        return cls(
            width=width,
            dim_head=dim_head,
            depth=layer_count(state_dict, BLOCKS, _NAME),
            embedding=embedding,
            text=state_dict["encoder_hidden_states_proj.weight"].shape[1],
            text_tokens=state_dict["positional_embedding"].shape[1] - EXTRA_TOKENS,
        )


class EmbeddingPrior(nn.Module):
    """A transformer that predicts the clean picture embedding from a text and a noisy one.

    Its tokens: those of the text, the pooled text, the timestep, the noisy embedding and a learned one, of which the prediction
    is read.
    """

    def __init__(self, sizes: PriorSizes):
        super().__init__()
        self.sizes = sizes
        width, embedding = sizes.width, sizes.embedding
        self.time_embedding = TimeToken(width)
        self.proj_in = nn.Linear(embedding, width)
        self.embedding_proj = nn.Linear(sizes.text, width)
        self.encoder_hidden_states_proj = nn.Linear(sizes.text, width)
        self.positional_embedding = nn.Parameter(torch.empty(1, sizes.text_tokens + EXTRA_TOKENS, width))
        self.prd_embedding = nn.Parameter(torch.empty(1, 1, width))
        self.transformer_blocks = nn.ModuleList(Block(width, sizes.dim_head) for _ in range(sizes.depth))
        self.norm_out = nn.LayerNorm(width)
        self.proj_to_clip_embeddings = nn.Linear(width, embedding)
        self.clip_mean = nn.Parameter(torch.empty(1, embedding))
        self.clip_std = nn.Parameter(torch.empty(1, embedding))

    @classmethod
    def from_state_dict(cls, state_dict: Mapping[str, Tensor], *, dim_head: int = 64) -> EmbeddingPrior:
        """Build the prior that a state dict was saved from, in float32.

        Args:
            state_dict: keys as published.
            dim_head: width of one attention head, the only size that the shapes do not tell; 64 in every published file.

        Raises:
            UnknownCheckpointError: if keys or shapes are not those of such a prior.
        """
        sizes = PriorSizes.read(state_dict, dim_head)
        with torch.device("meta"):
            module = cls(sizes)
        return load_strictly(module, state_dict, _NAME)

    @property
    def layout(self) -> Layout | None:
        """Which published files are so wide; None where none is."""
        return LAYOUTS.get(self.sizes.embedding)

    def forward(
        self, x: Tensor, timestep: int | Tensor, text_hidden: Tensor, text_pooled: Tensor, text_mask: Tensor | None
    ) -> Tensor:
        """Predict the clean embedding.

        Args:
            x: noisy picture embedding, normalised, (B, E).
            timestep: 0–999; one for all rows, or (B,).
            text_hidden: the text tower's last hidden states after its final LayerNorm, (B, T, W).
            text_pooled: its projected pooled embedding, not normalised, (B, W).
            text_mask: (B, T), 0 where the text is over and only padding follows. None: nothing is masked at all, also not what
                comes later in the sequence.

        Returns:
            (B, E), normalised as `x` is, in its type.

        Raises:
            ShapeError: if an input has another shape.
        """
        sizes, rows = self.sizes, len(x)
        require_shape("x", x, ("B", sizes.embedding))
        require_shape("text_hidden", text_hidden, (rows, sizes.text_tokens, sizes.text))
        require_shape("text_pooled", text_pooled, (rows, sizes.text))
        if text_mask is not None:
            require_shape("text_mask", text_mask, (rows, sizes.text_tokens))
        weight = self.proj_in.weight
        times = torch.as_tensor(timestep, device=weight.device).expand(rows)
        tokens = torch.cat(
            [
                self.encoder_hidden_states_proj(text_hidden.to(weight)),
                self.embedding_proj(text_pooled.to(weight))[:, None],
                self.time_embedding(times)[:, None],
                self.proj_in(x.to(weight))[:, None],
                self.prd_embedding.expand(rows, -1, -1),
            ],
            dim=1,
        )
        tokens = tokens + self.positional_embedding
        bias = None if text_mask is None else _bias(text_mask.to(weight))
        for block in self.transformer_blocks:
            tokens = block(tokens, bias)
        return self.proj_to_clip_embeddings(self.norm_out(tokens[:, -1])).to(x)

    def denormalise(self, embedding: Tensor) -> Tensor:
        """The embedding (B, E) as CLIP's picture tower would give it, projected and not of length 1."""
        return embedding * self.clip_std.to(embedding) + self.clip_mean.to(embedding)

    @torch.no_grad()
    def sample(
        self,
        text_hidden: Tensor,
        text_pooled: Tensor,
        text_mask: Tensor | None,
        *,
        steps: int,
        guidance: float,
        clamp: float,
        start: Tensor,
        noise: Tensor | Sequence[Tensor],
        on_step: OnStep | None = None,
    ) -> Tensor:
        """Draw the picture embedding of a text; the same start and noise give the same embedding.

        Args:
            text_hidden, text_pooled, text_mask: as in `forward`, of 2·B rows: first those of the empty (or negative) text, then
                those of the text.
            steps: N, 2 to 1000; published pipelines take 25.
            guidance: g; the prediction is u + g·(c − u) of those without (u) and with the text (c). Published pipelines take 4,
                1 is the text alone.
            clamp: predictions are cut to ±clamp; see `Layout`.
            start: standard normal noise, (B, E).
            noise: what steps but the last add, standard normal, (N − 1, B, E), or (N − 1, E) where B is 1; more is not read.
            on_step: called after each step with the number of steps done and the embedding so far (B, E), normalised; what it
                raises ends the run.

        Returns:
            (B, E), de-normalised.

        Raises:
            InvalidSettingError: if a number is out of its range.
            ShapeError: if an input has another shape.
        """
        visited = timesteps(steps)
        self._check_run(text_hidden, start, noise, steps, clamp)
        x = start
        for done, (timestep, following) in enumerate(zip(visited, (*visited[1:], None), strict=True)):
            empty, text = self(torch.cat([x, x]), timestep, text_hidden, text_pooled, text_mask).chunk(2)
            clean = (empty + guidance * (text - empty)).clamp(-clamp, clamp)
            step = posterior(timestep, following)
            x = step.clean * clean + step.noisy * x
            if following is not None:
                drawn = torch.atleast_2d(noise[done])
                require_shape("noise of a step", drawn, tuple(x.shape))
                x = x + step.deviation * drawn.to(x)
            if on_step is not None:
                on_step(done + 1, x)
        return self.denormalise(x)

    def _check_run(
        self, text_hidden: Tensor, start: Tensor, noise: Tensor | Sequence[Tensor], steps: int, clamp: float
    ) -> None:
        """Check what `forward` cannot."""
        if not clamp > 0:
            raise InvalidSettingError(f"clamp is {clamp}; choose a number above 0.")
        require_shape("start", start, ("B", self.sizes.embedding))
        if len(text_hidden) != 2 * len(start):
            raise ShapeError(
                f"text_hidden has {len(text_hidden)} rows for {len(start)} embeddings; give one of the empty text and one of "
                "the text for each."
            )
        if len(noise) < steps - 1:
            raise ShapeError(
                f"noise is for {len(noise)} steps; {steps} steps need {steps - 1}, for the last adds none."
            )


def _bias(text_mask: Tensor) -> Tensor:
    """What is added to the scores, (B, 1, S, S): nobody reads what comes later, nor padding."""
    rows, text_tokens = text_mask.shape
    length = text_tokens + EXTRA_TOKENS
    later = torch.full((length, length), HIDDEN, device=text_mask.device, dtype=text_mask.dtype).triu(1)
    padding = torch.cat([(1 - text_mask) * HIDDEN, text_mask.new_zeros(rows, EXTRA_TOKENS)], dim=1)
    return later + padding[:, None, None]
