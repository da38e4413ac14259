"""Prompts in ComfyUI's text encoders: literal ids, and the rows of the CONDITIONING that words become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from ..models.errors import IncompatibleBaseModelError, InvalidSettingError, LikenessError
from .sampling.delayed_conditioning import Conditioning

LENGTH = 77  # ids per chunk
WORD_END = "</w>"  # of a piece of the vocabulary that ends a word


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
    rows, counts = _count(clip, text, ends)
    return [rows[count - 1] if count else 0 for count in counts]


def rows_of_spans(clip: Any, text: str, spans: Sequence[tuple[int, int]]) -> list[list[int]]:
    """The rows of the CONDITIONING that stand for parts of a text, those of its tokens alone.

    Args:
        clip: the text encoder.
        text: what is encoded, in ComfyUI's prompt syntax.
        spans: begin and end offset of each part; no token may reach over either.

    Raises:
        LikenessError: if SDXL's two encoders split the text differently, so that rows do not correspond.
    """
    rows, counts = _count(clip, text, [offset for span in spans for offset in span])
    return [rows[begin:end] for begin, end in zip(counts[::2], counts[1::2], strict=True)]


def rows_of_words(clip: Any, text: str, ends: Sequence[int]) -> list[int | None]:
    """The rows of the CONDITIONING that stand for the words right before places in a text, each that of its last token.

    Other than for `rows_of_tokens`, a place may be within the brackets of a weight: a word that the text doesn't hold is put
    there, and the tokens before it are counted. Punctuation before a place is passed over.

    Args:
        clip: the text encoder.
        text: what is encoded, in ComfyUI's prompt syntax.
        ends: character offsets, rising; at each a word must end.

    Returns:
        One row per offset; None where no word is before it.

    Raises:
        InvalidSettingError: if something at a place would change how the rest of the text is read.
        LikenessError: if SDXL's two encoders split the text differently, so that rows do not correspond.
    """
    found = [
        (rows, [_word_before(said, count) for count in counts]) for rows, said, counts in _count_words(clip, text, ends)
    ]
    rows, counts = _agree(found)
    return [rows[count - 1] if count else None for count in counts]


def rows_of_phrases(clip: Any, text: str, spans: Sequence[tuple[int, int]]) -> list[list[int]]:
    """The rows of the CONDITIONING that stand for parts of a text, found as `rows_of_words` finds a word.

    Args:
        clip: the text encoder.
        text: what is encoded, in ComfyUI's prompt syntax.
        spans: begin and end offset of each part, rising; each may be within the brackets of a weight.

    Raises:
        InvalidSettingError: if something at an offset would change how the rest of the text is read.
        LikenessError: if SDXL's two encoders split the text differently, so that rows do not correspond.
    """
    offsets = [offset for span in spans for offset in span]
    rows, counts = _agree([(rows, counts) for rows, _, counts in _count_words(clip, text, offsets)])
    return [rows[begin:end] for begin, end in zip(counts[::2], counts[1::2], strict=True)]


def _count(clip: Any, text: str, offsets: Sequence[int]) -> tuple[list[int], list[int]]:
    """The row of every token, and how many tokens there are before each offset."""
    whole = clip.tokenize(text, return_word_ids=True)
    prefixes = [clip.tokenize(text[:offset], return_word_ids=True) for offset in offsets]
    found: list[tuple[list[int], list[int]]] = []
    for name in tokenizers(clip):
        width = _width(clip, name)
        rows = [row for row, _ in _tokens(whole[name], width)]
        found.append((rows, [len(_tokens(prefix[name], width)) for prefix in prefixes]))
    return _agree(found)


def _count_words(clip: Any, text: str, offsets: Sequence[int]) -> list[tuple[list[int], list[str | None], list[int]]]:
    """Of every text encoder the row and the piece of every token, and how many tokens there are before each offset.

    A word that the text doesn't hold is put at the offsets, so that these may be within the brackets of a weight.
    """
    parts = tokenizers(clip)
    whole = clip.tokenize(text, return_word_ids=True)
    word, strange = _strange_word(next(iter(parts.values())), whole)
    marked = clip.tokenize(_with_word(text, offsets, word), return_word_ids=True)
    found: list[tuple[list[int], list[str | None], list[int]]] = []
    for name, part in parts.items():
        width = _width(clip, name)
        tokens = [token for _, token in _tokens(marked[name], width)]
        plain = _tokens(whole[name], width)
        counts = [place - number for number, place in enumerate(_places(tokens, strange))]
        if len(counts) != len(offsets) or [token for token in tokens if token != strange] != [
            token for _, token in plain
        ]:
            raise InvalidSettingError(
                "A marker stands inside prompt syntax and changes it; write it right behind its noun and before a weight, as in "
                '"(man @id1:1.2)".'
            )
        said = [None if token is None else part.inv_vocab[token] for _, token in plain]
        found.append(([row for row, _ in plain], said, counts))
    return found


def _agree(found: Sequence[tuple[list[int], list[int]]]) -> tuple[list[int], list[int]]:
    """What all text encoders say."""
    if any(others != found[0] for others in found):
        raise LikenessError(
            "SDXL's two text encoders split this prompt differently, probably because an embedding exists for one of them "
            "only; take that embedding out of the prompt."
        )
    return found[0]


def _width(clip: Any, name: str) -> int:
    """Of one text encoder's embeddings."""
    return getattr(clip.cond_stage_model, f"clip_{name}").transformer.get_input_embeddings().weight.shape[-1]


def _tokens(chunks: Sequence[Sequence[tuple[Any, Any, int]]], width: int) -> list[tuple[int, int | None]]:
    """Row and id of every token, chunk after chunk, without begin, end and padding, which belong to no word.

    An embedding is one row per vector, without an id; the encoder leaves out vectors that are not as wide as its own.
    """
    found: list[tuple[int, int | None]] = []
    start = 0
    for chunk in chunks:
        tokens = [token for token, _, word in chunk if word]
        kept = [token for token in tokens if isinstance(token, int) or token.shape[-1] == width]
        found += [(start + 1 + place, token if isinstance(token, int) else None) for place, token in enumerate(kept)]
        start += len(chunk)
    return found


def _strange_word(tokenizer: Any, tokenized: Mapping[str, Sequence[Sequence[tuple[Any, Any, int]]]]) -> tuple[str, int]:
    """A word of one token, with its id, that a text doesn't hold."""
    held = {
        token for chunks in tokenized.values() for chunk in chunks for token, _, _ in chunk if isinstance(token, int)
    }
    for token, piece in tokenizer.inv_vocab.items():
        word = piece.removesuffix(WORD_END)
        plain = piece.endswith(WORD_END) and word.isascii() and word.isalpha()
        if plain and token not in held and literal_ids(tokenizer, word) == [token]:
            return word, token
    raise LikenessError("This prompt holds every word of the vocabulary; shorten it.")


def _with_word(text: str, ends: Sequence[int], word: str) -> str:
    """A text with a word at some places."""
    parts = [text[begin:end] for begin, end in pairwise((0, *ends, len(text)))]
    return f" {word} ".join(parts)


def _places(tokens: Sequence[int | None], wanted: int) -> list[int]:
    return [place for place, token in enumerate(tokens) if token == wanted]


def _word_before(said: Sequence[str | None], count: int) -> int:
    """How many tokens there are up to the last of a count that is no punctuation; an embedding is a word."""
    for number in range(count, 0, -1):
        piece = said[number - 1]
        if piece is None or not piece.isascii() or any(map(str.isalnum, piece.removesuffix(WORD_END))):
            return number
    return 0
