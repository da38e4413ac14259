"""Prompts in ComfyUI's text encoders: literal ids, and the rows of the CONDITIONING that words become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..models.errors import IncompatibleBaseModelError, LikenessError
from .merging import Conditioning

LENGTH = 77  # ids per chunk
FAMILIES = {768: "SD1.5", 2048: "SDXL"}  # by width of the rows


def tokenizers(clip: Any) -> dict[str, Any]:
    """The CLIP tokenizers of a text encoder by the name of their part: "l" for SD1.5, "l" and "g" for SDXL.

    Raises:
        IncompatibleBaseModelError: if the text encoder is of another kind.
    """
    names = list(clip.tokenize(""))
    if names not in (["l"], ["l", "g"], ["g", "l"]):
        raise IncompatibleBaseModelError(
            f"This CLIP has the text encoders {', '.join(names)}; connect the CLIP of an SD1.5 or SDXL checkpoint."
        )
    return {name: getattr(clip.tokenizer, f"clip_{name}") for name in sorted(names, reverse=True)}


def literal_ids(tokenizer: Any, text: str) -> list[int]:
    """The ids of a text without prompt syntax, begin and end token; any length."""
    return list(tokenizer.tokenizer(text)["input_ids"][1:-1])


def chunk(tokenizer: Any, ids: Sequence[int], *, keep_end: bool = True) -> list[int]:
    """One chunk of ids: begin, as much as fits, end, padding.

    Args:
        tokenizer: whose special ids are used.
        ids: without begin and end.
        keep_end: whether a text that is too long keeps its end token; the published code drops it in places.
    """
    room = LENGTH - 2 if keep_end else LENGTH
    row = [tokenizer.start_token, *ids[:room], tokenizer.end_token][:LENGTH]
    return row + [tokenizer.pad_token] * (LENGTH - len(row))


def encode_chunks(clip: Any, rows: Mapping[str, Sequence[int]]) -> Conditioning:
    """Encode one chunk of ids per text encoder, all weights 1.

    Returns:
        CONDITIONING with one row per id; the pooled vector is read at the end token, or at the begin token where there
        is no end token, as the published code does.
    """
    encoded = clip.encode_from_tokens_scheduled({name: [[(id_, 1.0) for id_ in row]] for name, row in rows.items()})
    pooled_by = "g" if "g" in rows else "l"
    tokenizer = tokenizers(clip)[pooled_by]
    if tokenizer.end_token in rows[pooled_by]:
        return encoded
    begin = [(tokenizer.start_token, 1.0)]  # causal: what follows does not change the first row
    alone = clip.encode_from_tokens_scheduled({name: [begin] for name in rows})
    return [
        [tensor, {**options, "pooled_output": other["pooled_output"]}]
        for (tensor, options), (_, other) in zip(encoded, alone, strict=True)
    ]


def count_tokens(chunks: Sequence[Sequence[tuple[Any, ...]]], end_token: int) -> int:
    """How many tokens ComfyUI made of a text, without begin, end and padding."""
    return sum(_content(row, end_token) for row in chunks)


def rows_of_tokens(clip: Any, text: str, ends: Sequence[int]) -> list[int]:
    """The rows of the CONDITIONING that stand for the tokens right before places in a text.

    Prompt weights, embeddings and long prompts are ComfyUI's own: a place is found by counting the tokens before it.

    Args:
        clip: the text encoder.
        text: what is encoded, in ComfyUI's prompt syntax.
        ends: character offsets; at each a token must end. An offset before any token gives row 0.

    Returns:
        One row per offset.

    Raises:
        LikenessError: if SDXL's two encoders split the text differently, so that rows do not correspond.
    """
    per_encoder: list[list[int]] = []
    whole = clip.tokenize(text)
    prefixes = [clip.tokenize(text[:end]) for end in ends]
    for name, tokenizer in tokenizers(clip).items():
        rows = _rows(whole[name], tokenizer.end_token)
        counts = [count_tokens(prefix[name], tokenizer.end_token) for prefix in prefixes]
        per_encoder.append([rows[count - 1] if count else 0 for count in counts])
    if any(rows != per_encoder[0] for rows in per_encoder):
        raise LikenessError(
            "SDXL's two text encoders split this prompt differently, probably because an embedding exists for one of them "
            "only; take that embedding out of the prompt."
        )
    return per_encoder[0]


def require_width(encoded: Conditioning, width: int, *, name: str) -> None:
    """Refuse a text encoder of another architecture.

    Args:
        encoded: what it gave.
        width: D that the adapter was trained with.
        name: of the method, for messages.

    Raises:
        IncompatibleBaseModelError: naming what both sides are.
    """
    found = encoded[0][0].shape[-1]
    if found != width:
        raise IncompatibleBaseModelError(
            f"This CLIP gives rows {found} wide{_family(found)}, this {name} adapter needs {width}{_family(width)}: connect "
            "the CLIP of a checkpoint of the architecture that the adapter was trained for."
        )


def _content(row: Sequence[tuple[Any, ...]], end_token: int) -> int:
    """Tokens of one chunk between its begin and its end; embeddings are tensors and count one each."""
    ids = [entry[0] if isinstance(entry[0], int) else None for entry in row]
    return (ids.index(end_token) if end_token in ids else len(ids)) - 1


def _rows(chunks: Sequence[Sequence[tuple[Any, ...]]], end_token: int) -> list[int]:
    """The row of every token, chunk after chunk."""
    rows: list[int] = []
    start = 0
    for row in chunks:
        rows += range(start + 1, start + 1 + _content(row, end_token))
        start += len(row)
    return rows


def _family(width: int) -> str:
    return f" ({FAMILIES[width]})" if width in FAMILIES else ""
