"""Texts that the notes of several workflows have in common."""

from __future__ import annotations

from collections.abc import Sequence

from ..weights.known_files import BUFFALO_DETECTOR, FACEID, YUNET, KnownFile

DETECTORS = (YUNET, BUFFALO_DETECTOR)
CONSENT = "Use photos of people who agree to it."
CHOOSE_PHOTOS = "1. Choose a photo for every person (*Photo of person …*). One sharp face from the front is best."
CHOOSE_PHOTO = "1. Choose a photo (*Photo of person 1*). One sharp face from the front is best."
RUN = "Run. *Add Person* shows the faces of the photo with their numbers; another one is taken by `face`."
PHOTOS, PHOTO = f"{CHOOSE_PHOTOS}\n2. {RUN}", f"{CHOOSE_PHOTO}\n2. {RUN}"

MINIATURE_FILES = """
Nothing: the models come with the pack, and so do the drawn pictures. Open it and run it.
"""
MINIATURE = """
The miniature is a tiny model of a drawn world, for pictures of 128 × 128. It knows the words of that world only, and real photos
mean nothing to it. It shows in seconds, on any computer, what the nodes do.
"""


def write_downloads(files: Sequence[KnownFile]) -> str:
    """Write which files a workflow needs; detectors are in place of the one that comes with the pack."""
    lines = ["Folders are below `ComfyUI/models`. Names are free: loaders look at what is in a file.", ""]
    lines += [f"- {_link(file)}, {file.size}, in `{file.folder}`" for file in files if file not in DETECTORS]
    if any(file in DETECTORS for file in files):
        lines.append(
            f"- if you like, a face detector in place of the one that comes with the pack: {_link(YUNET)} in `{YUNET.folder}` (MIT), or insightface's "
            f"[buffalo_l]({BUFFALO_DETECTOR.page}) in `{BUFFALO_DETECTOR.folder}` (non-commercial research only)"
        )
    if FACEID in files:
        lines += ["", "The published UniPortrait works with **SD1.5 only**."]
    return "\n".join(lines)


def _link(file: KnownFile) -> str:
    return f"[{file.name}]({file.url or file.page})"


# How the miniature's workflows are used.
HOW_TWO = f"""
1. Run: two people in every picture, each meant to have their own skin, hair and eyes. Not every picture succeeds: in some a head has
   hair of both.
2. *Show Routing Map* shows who was placed where; no mask was given.
3. Change the seed, the clothes in the prompt, or a portrait.

{MINIATURE.strip()}

With your own photos and an SD1.5 checkpoint: *UniPortrait - two people*.
"""
HOW_ONE = f"""
1. Run: four pictures of that person in other clothes, most of them with the same skin, hair and eyes.
2. *Add Person* shows the face that was found.
3. Change the seed, the shirt or the pattern in the prompt, or the person (*portrait_2* of *Load Miniature*).

{MINIATURE.strip()}

With your own photos and an SD1.5 checkpoint: *UniPortrait - one person*.
"""
HOW_CONSISTENTID = f"""
1. Run: four pictures of that person. *Encode ConsistentID Prompt* shows which parts of the face were found.
2. A larger *from* (`start_percent`) lets the text alone act first; the parts of the face are merged into it then.

{MINIATURE.strip()}

With your own photos and an SD1.5 checkpoint: *ConsistentID - one person*.
"""
HOW_GUIDANCE = f"""
1. Run: four pictures of the person, guided towards the portrait on top of UniPortrait.
2. *Show Guidance* plots the match of features step by step.
3. Bypass *Apply UniPortrait* (Ctrl+B) to see what guidance does by itself.

{MINIATURE.strip()}

Its latents are small, so guidance begins later and is stronger here than with a checkpoint of your own: *UniPortrait - one person
guided*.
"""
HOW_OMNIPORTRAIT = f"""
1. Run: four pictures of that person. *Encode OmniPortrait Prompt* fuses the portrait with the word before `@id1`; guidance pulls where
   the picture attends to that word.
2. Set `strength` of *Encode OmniPortrait Prompt* to 0 to see what guidance does by itself.

{MINIATURE.strip()}

The adapter was trained as `docs/training.md` says; with a checkpoint of your own and an adapter for it: *OmniPortrait - one person*.
"""
HOW_IP_ADAPTER = f"""
1. Run: four pictures of that person, of whom the model knows nothing but the face recogniser's vector.
2. Lower `strength` of *Apply IP-Adapter* leaves more to the text; `lora_strength` is the part of it that every picture gets.

{MINIATURE.strip()}

With your own photos and an SD1.5 checkpoint: *IP-Adapter - one person*.
"""
HOW_CARD = f"""
1. Run: *Save Identity Card* writes the person to `models/identities`, without the portrait, and the four pictures are drawn from the card alone.
   They are those of *2 Try without download - one person*, bit for bit.
2. Press R, put *Load Identity Card* in the place of *Add Person* and *Save Identity Card*, choose `drawn person` and run: the same pictures.
3. Write down in `consent` who agreed to a card of your own: it is shown wherever the card is loaded.

{MINIATURE.strip()}
"""
HOW_FACESTUDIO = f"""
1. Run: four pictures of that person in the style of the picture above *Encode Style*, whose own face is hidden before it is looked at.
2. `alpha` of *Apply FaceStudio* goes from the text of *Predict Image Embedding* (0) to the style picture (1).
3. Change the text, the style picture, or the person. There are no prompts: style and face are all that the model is told.

{MINIATURE.strip()}

With your own photos and an SD1.5 checkpoint: *FaceStudio - style and face*.
"""
HOW_FACESTUDIO_TWO = f"""
1. Run: two people in the style of a picture; each half of it reads its own person's face alone, and *Show Routing Map* shows the halves.
2. *Mix People* between the second *Add Person* and *Apply FaceStudio* makes one face of several.
3. `background` of *Apply FaceStudio* says whose the places of nobody are, where masks leave some.

{MINIATURE.strip()}

With your own photos and an SD1.5 checkpoint: *FaceStudio - two people inside masks*.
"""
HOW_BEST = f"""
1. Run: eight pictures of that person are drawn, and the four that are most like the portrait are saved, the best first.
2. *Score Likeness* shows every picture with its score and how likely it is the same person; its `report` has all numbers.
3. *Keep Best* takes so many as `count` says, or all `above score`. Its `latent` goes on to a refiner or a larger picture.

{MINIATURE.strip()}

With your own photos and checkpoint: put both nodes behind *VAE Decode* of any other workflow, and set both detectors to `auto`.
"""
