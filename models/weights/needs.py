"""What a method needs: kinds of files, each for one purpose, and which published file serves it; and files of base models."""

from __future__ import annotations

from dataclasses import dataclass

from .known_file import HOST, AnyBase, KnownFile
from .signatures import BASE_MODEL


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """One file of a method.

    Attributes:
        purpose: what the file is to the method, unique in it.
        kinds: of files that serve, see `signatures.known_files` and `onnx_graph.Role`; any one of them will do.
        folders: below ComfyUI's `models`, where the method looks for it.
        published: files that serve, the one to be named first before the others; a file with a base serves only that one.
            Empty where everybody trains their own.
        optional: what it is for where the method runs without it, completing "for ..."; empty where it must be there.
        encoder: name of the image encoder that a CLIP vision model must be, where no adapter says it.
        reads_for: purpose of the file that says which image encoder it reads; that of `encoder` where it does not say.
        stem: the only name without suffix under which "auto" takes the file; empty where any will do.
    """

    purpose: str
    kinds: tuple[str, ...]
    folders: tuple[str, ...]
    published: tuple[KnownFile, ...] = ()
    optional: str = ""
    encoder: str = ""
    reads_for: str = ""
    stem: str = ""

    def published_for(self, base: AnyBase) -> tuple[KnownFile, ...]:
        """The published files that serve with a family of checkpoints, the one to be named first."""
        return tuple(file for file in self.published if file.base in ("", base))


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a method needs, as a user chooses it.

    Attributes:
        name: of the method, on screen.
        bases: families of checkpoints that it works with; one empty name where no checkpoint is in play.
        wants: its files.
        note: a sentence on what else must be there; may be empty.
    """

    name: str
    bases: tuple[AnyBase, ...]
    wants: tuple[Want, ...]
    note: str = ""


SD15 = KnownFile(
    name="v1-5-pruned-emaonly-fp16.safetensors",
    folder="checkpoints",
    page=f"{HOST}Comfy-Org/stable-diffusion-v1-5-archive",
    path="v1-5-pruned-emaonly-fp16.safetensors",
    what="an SD1.5 checkpoint, or any other; a portrait model such as Realistic Vision 5.1 gives better faces",
    size="2.1 GB",
    licence="CreativeML Open RAIL-M",
    base="SD1.5",
    commercial="yes",
    bytes=2_132_696_762,
    sha256="e9476a13728cd75d8279f6ec8bad753a66a1957ca375a1464dc63b37db6e3916",
)
SDXL = KnownFile(
    name="sd_xl_base_1.0.safetensors",
    folder="checkpoints",
    page=f"{HOST}stabilityai/stable-diffusion-xl-base-1.0",
    path="sd_xl_base_1.0.safetensors",
    what="an SDXL checkpoint, or any other; for ConsistentID, FaceID, FaceStudio and guidance on SDXL",
    size="6.9 GB",
    licence="CreativeML Open RAIL++-M",
    base="SDXL",
    commercial="yes",
    bytes=6_938_078_334,
    sha256="31e35c80fc4829d14f90153f4c74cd59c90b779f6afe05a74cd6120b893f7e5b",
)
CONTROL_NET = KnownFile(
    name="control_v11p_sd15_openpose_fp16.safetensors",
    folder="controlnet",
    page=f"{HOST}comfyanonymous/ControlNet-v1-1_fp16_safetensors",
    path="control_v11p_sd15_openpose_fp16.safetensors",
    what="the OpenPose ControlNet, only for given poses",
    size="723 MB",
    licence="Open RAIL",
    base="SD1.5",
    commercial="yes",
)
CHECKPOINT = Want(purpose="checkpoint", kinds=(BASE_MODEL,), folders=("checkpoints",), published=(SD15, SDXL))
