"""The CLIP models that look at FaceStudio's style pictures: found by content, checked against what the method's file says of them.

CLIP models of one shape were trained with other activations and colours. So a file's hash is compared where the trainer noted
one, the activation is that which the file names, and of several files that could be meant none is guessed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...models.clip import CLIP_SIZE
from ...models.clip.towers import PUBLISHED, VISUAL, TransformerSizes, recognise, tower_weights
from ...models.errors import IncompatibleBaseModelError, InvalidSettingError, UnknownCheckpointError
from ...models.facestudio.description import NETWORKS, Description
from ...models.facestudio.style_encoding import StyleEncoder
from ...models.people.remembered import RememberedEmbedder
from ...models.port.encoders import ImageEmbedder
from ...models.weights.fingerprint import of_file
from ...models.weights.reading import read_shapes
from ...models.weights.signatures import CLIP_VISION
from ...models.weights.state_dict import flatten
from ..files import AUTO, NONE, Shapes, choose_file, fitting_files, load_once, model_folder, resolve
from .activation import ActivatedEmbedder, activated, require_activation
from .clip_towers import load_towers
from .image_encoder import FOLDER, ClipVisionEmbedder, image_embedder, load_clip_vision

VIT_L = "ViT-L-14"
SHOWN = 12  # digits of a hash
PROJECTION = "visual_projection.weight"  # as transformers names it, (E, width); open_clip's "visual.proj" is (width, E)
PATCHES, POSITIONS = (f"vision_model.embeddings.{name}_embedding.weight" for name in ("patch", "position"))


def style_embedder(
    description: Description | None, *, width: int, choice: str = AUTO, clip_vision: Any = None
) -> ImageEmbedder | None:
    """What looks at style pictures, once at each.

    Args:
        description: of the method's file; None for methods that take any CLIP vision model of a width, as ComfyUI loads it.
        width: E of the embeddings that the method reads.
        choice: a file of models/clip_vision, "none", or "auto": the one that fits by its content and, where the description
            knows it, its hash. For "paper3" a named file takes the place of that one of the three that it is.
        clip_vision: a CLIP_VISION that is loaded already, used instead of the file.

    Returns:
        It, a `StyleEncoder` with the description's colours; None for "none", and where "auto" finds no file or not all
        three; see `missing_encoder`.

    Raises:
        MissingModelFileError: if a named file is not there.
        UnknownCheckpointError: if a named file is something else, or a file has another hash than the description.
        InvalidSettingError: if several files could be meant and nothing tells which.
        IncompatibleBaseModelError: if the CLIP vision model is of another width, picture size or activation.
    """
    if description is None:
        if clip_vision is None and choice != NONE:
            clip_vision = _projecting(choice, width)
        return None if clip_vision is None else StyleEncoder(image_embedder(clip_vision, width=width, size=CLIP_SIZE))
    if description.encoder == "paper3":
        found = _paper3(description, choice, clip_vision)
    else:
        found = _clip_vision(description, width, choice, clip_vision)
    return None if found is None else StyleEncoder(RememberedEmbedder(found), description.mean, description.std)


def missing_encoder(description: Description | None, *, width: int) -> str:
    """What a method's style pictures need that is not in models/clip_vision, to complete "There is no …".

    Args:
        description, width: see `style_embedder`.
    """
    folder = model_folder(FOLDER)
    if description is None or description.encoder == "other":
        return f"CLIP vision model with projected embeddings {width} wide in {folder}"
    if description.encoder == "vitl":
        return f"OpenAI CLIP ViT-L/14 in {folder}"
    lacking = [name for name in NETWORKS["paper3"] if not _towers_named(name)]
    return f"CLIP {', '.join(lacking) or 'model'} of OpenAI in open_clip's layout (keys beginning {VISUAL}) in {folder}"


def _paper3(description: Description, choice: str, clip_vision: Any) -> ImageEmbedder | None:
    if clip_vision is not None:
        raise InvalidSettingError(
            f"The method reads three CLIP models at once ({', '.join(NETWORKS['paper3'])}), which no CLIP_VISION holds: "
            f"disconnect clip_vision and put their files into {model_folder(FOLDER)}."
        )
    if choice == NONE:
        return None
    names = NETWORKS["paper3"]
    named = None if choice == AUTO else resolve(FOLDER, choice)
    place = None if named is None else _place(named, names)
    paths: list[Path] = []
    for index, name in enumerate(names):
        there = [named] if named is not None and index == place else _towers_named(name)
        path = _meant(there, name, _hash(description, index), named=index == place)
        if path is None:
            return None
        paths.append(path)
    return load_towers(paths, description.activation)


def _clip_vision(description: Description, width: int, choice: str, given: Any) -> ImageEmbedder | None:
    """A CLIP_VISION that does as the description says."""
    if given is not None:
        require_activation(given, description.activation)
    elif choice == NONE:
        return None
    else:
        given = _from_file(description, width, choice)
        if given is None:
            return None
    image_embedder(given, width=width, size=CLIP_SIZE)  # checks the projection and the picture's size
    if description.encoder == "vitl":
        _require_vit_l(given)
    return ActivatedEmbedder(ClipVisionEmbedder(given), description.activation)


def _from_file(description: Description, width: int, choice: str) -> Any:
    wanted = _hash(description, 0)
    if choice != AUTO:
        path = _meant([resolve(FOLDER, choice)], choice, wanted, named=True)
    elif description.encoder == "vitl":
        path = _meant(fitting_files(FOLDER, CLIP_VISION, _is_vit_l), "ViT-L/14", wanted)
    else:
        there = fitting_files(FOLDER, CLIP_VISION, lambda shapes: _projected_in(shapes) == width)
        path = _meant(there, f"models {width} wide", wanted)
    if path is None:
        return None
    activation = description.activation
    return load_once(path, f"clip vision {activation}", lambda: activated(load_clip_vision(path), activation))


def _meant(there: list[Path], what: str, wanted: str | None, *, named: bool = False) -> Path | None:
    """The one of some files that is meant.

    Args:
        there: all that fit by their content.
        what: what they are.
        wanted: sha256 of the right one; None where nobody knows it.
        named: whether the user chose the file.
    """
    if not there:
        return None
    if wanted is not None:
        found = next((path for path in there if of_file(path) == wanted), None)
        if found is None:
            listed = ", ".join(f'"{path.name}" ({of_file(path)[:SHOWN]}…)' for path in there)
            raise UnknownCheckpointError(
                f"The method was trained with another CLIP file (sha256 {wanted[:SHOWN]}…) than {listed}: same shapes would give "
                "other numbers without a word; put the very file into models/clip_vision."
            )
        return found
    if len(there) > 1 and not named:
        listed = ", ".join(f'"{path.name}"' for path in there)
        raise InvalidSettingError(
            f"There are {len(there)} files of {what} ({listed}), and the method does not say by a hash which one it was trained "
            "with: choose it by name (OpenAI's and LAION's differ)."
        )
    return there[0]


def _hash(description: Description, index: int) -> str | None:
    """Of the network's file, lower case; None where the description does not know it."""
    known = description.sha256[index] if index < len(description.sha256) else ""
    return known.lower() or None


def _place(path: Path, names: tuple[str, ...]) -> int:
    """Which of the networks a named file is."""
    found = recognise(tower_weights(flatten(read_shapes(path))))
    if found not in names:
        raise UnknownCheckpointError(
            f'"{path.name}" is none of {", ".join(names)} with the names of open_clip (keys beginning {VISUAL}); choose one of '
            "them or auto."
        )
    return names.index(found)


def _towers_named(name: str) -> list[Path]:
    return fitting_files(FOLDER, CLIP_VISION, lambda shapes: recognise(tower_weights(shapes)) == name)


def _projecting(choice: str, width: int) -> Any:
    """A CLIP_VISION by the width of its projected embedding, as ComfyUI loads it."""
    path = choose_file(choice, FOLDER, CLIP_VISION, lambda shapes: _projected_in(shapes) == width)
    return None if path is None else load_once(path, "clip vision", lambda: load_clip_vision(path))


def _projected_in(shapes: Shapes) -> int | None:
    if PROJECTION in shapes:
        return int(shapes[PROJECTION].shape[0])
    own = shapes.get(f"{VISUAL}proj")
    return None if own is None or own.ndim != 2 else int(own.shape[1])


def _is_vit_l(shapes: Shapes) -> bool:
    """Whether a file holds ViT-L/14 for 224 pixels, in transformers' or open_clip's layout."""
    if recognise(tower_weights(shapes)) == VIT_L:
        return True
    sizes = PUBLISHED[VIT_L]
    assert isinstance(sizes, TransformerSizes)
    wanted = {
        PATCHES: (sizes.width, 3, sizes.patch, sizes.patch),
        POSITIONS: ((sizes.image // sizes.patch) ** 2 + 1, sizes.width),
        PROJECTION: (sizes.outputs, sizes.width),
    }
    return all(key in shapes and tuple(shapes[key].shape) == shape for key, shape in wanted.items())


def _require_vit_l(clip_vision: Any) -> None:
    weight = clip_vision.model.vision_model.embeddings.patch_embedding.weight
    if tuple(weight.shape) != (1024, 3, 14, 14):
        raise IncompatibleBaseModelError(
            f"This CLIP vision model has patches {tuple(weight.shape)} and the method reads OpenAI's ViT-L/14, (1024, 3, 14, 14): "
            "load that one."
        )
