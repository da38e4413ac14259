"""Prompts and captions of any kind, and what the published code makes of them."""

import torch
from likeness.models.clip import text_ids

NAMES = ("Face", "Left_Eye", "Left_Ear", "Nose", "Upper_Lip")
PROMPT, NEGATIVE = "a man, ((in)) a (dark:1.4) forest", "ugly, ((((blurry))))"
LONG = "word " * 90
CAPTIONS = {
    "brackets": "The (tall) man [has] a {small} face \\ and (big:1.5) ears.",
    "quotes": "The \"Boss\" has a 'stern' face, “curly” ears.",
    "newlines": "A face.\n\n\tTwo ears.\r\n",
    "emoji": "A face 😀, ears 👂🏽.",
    "words": "He is tall. " * 160 + "His face is long and his ears are red.",
    "embedding": "A face like embedding:nobody with ears.",
    "end": "A face <|endoftext|> and ears.",
}


def literal(clip, text, *, ends=True):
    """What the published code gives to the encoders for a text without markers: cut to 75 ids, or without an end to 77."""
    rows = {}
    for name, pad in (("l", 49407), ("g", 0)):
        if f"clip_{name}" in dir(clip.tokenizer):
            ids = text_ids(text)
            ids = [49406, *ids[:75], 49407] if ends else [49406, *ids, 49407][:77]
            rows[name] = [[(token, 1.0) for token in ids + [pad] * (77 - len(ids))]]
    [[tensor, options]] = clip.encode_from_tokens_scheduled(rows)
    return tensor, options["pooled_output"]


def by_hand(adapter, tensor, rows, vectors):
    fused = tensor.clone()
    with torch.no_grad():
        fused[:, rows] = adapter.adapter.facial_encoder.fuse(tensor[:, rows], torch.cat(vectors)[None])
    return fused


def spied(clip, monkeypatch):
    """Everything that is given to the text encoders."""
    given, function = [], clip.encode_from_tokens_scheduled

    def note(tokens, *args, **kwargs):
        given.append({name: [[token for token, _ in row] for row in rows] for name, rows in tokens.items()})
        return function(tokens, *args, **kwargs)

    monkeypatch.setattr(clip, "encode_from_tokens_scheduled", note)
    return given


def changed_rows(encoded):
    (text_only, _), (merged, _) = encoded.positive
    return (text_only != merged).any(dim=-1)[0].nonzero().flatten().tolist()


def ids_at(clip, text, rows):
    flat = [entry[0] for row in clip.tokenize(text)["l"] for entry in row]
    return [flat[row] for row in rows]
