"""What IP-Adapter needs for faces and for pictures, and its published files."""

from __future__ import annotations

from dataclasses import replace

from ..clip.needs import PICTURES
from ..face.needs import DETECTOR, RECOGNISING
from ..weights.known_file import HOST, KnownFile
from ..weights.needs import CHECKPOINT, Needs, Want
from . import files

IP_ADAPTER_PAGE = f"{HOST}h94/IP-Adapter"
IP_ADAPTER_FACEID_PAGE = f"{HOST}h94/IP-Adapter-FaceID"
FACEID_LICENCE = "**non-commercial research only**, as its recogniser"

IMAGE_PROMPT = KnownFile(
    name="ip-adapter_sd15.safetensors",
    folder="ipadapter",
    page=IP_ADAPTER_PAGE,
    path="models/ip-adapter_sd15.safetensors",
    what="IP-Adapter for SD1.5: FaceStudio's style, and UniPortrait's image prompt",
    size="45 MB",
    licence="Apache-2.0",
    base="SD1.5",
    encoder="ViT-H",
    commercial="yes",
    bytes=44_642_768,
    sha256="289b45f16d043d0bf542e45831f971dcdaabe18b656f11e86d9dfba7e9ee3369",
)
IP_ADAPTER_SD15_BIGG = KnownFile(
    name="ip-adapter_sd15_vit-G.safetensors",
    folder="ipadapter",
    page=IP_ADAPTER_PAGE,
    path="models/ip-adapter_sd15_vit-G.safetensors",
    what="IP-Adapter for SD1.5 that reads ViT-bigG/14: FaceStudio's style mixed with a text",
    size="46 MB",
    licence="Apache-2.0",
    base="SD1.5",
    encoder="ViT-bigG",
    commercial="yes",
    bytes=46_215_640,
    sha256="a26f736af07bb341a83dfea23713531d0575760e8ed947c68cb31a4c62d9c90b",
)
IP_ADAPTER_SDXL = KnownFile(
    name="ip-adapter_sdxl.safetensors",
    folder="ipadapter",
    page=IP_ADAPTER_PAGE,
    path="sdxl_models/ip-adapter_sdxl.safetensors",
    what="IP-Adapter for SDXL, which reads ViT-bigG/14: FaceStudio's style, also mixed with a text",
    size="703 MB",
    licence="Apache-2.0",
    base="SDXL",
    encoder="ViT-bigG",
    commercial="yes",
    bytes=702_585_376,
    sha256="ba1002529e783604c5f326d49f0122025392d1d20ac8d573b3eeb3e6dea4ebb6",
)
IP_ADAPTER_PLUS = KnownFile(
    name="ip-adapter-plus_sd15.safetensors",
    folder="ipadapter",
    page=IP_ADAPTER_PAGE,
    path="models/ip-adapter-plus_sd15.safetensors",
    what="IP-Adapter Plus for SD1.5, to follow a picture",
    size="98 MB",
    licence="Apache-2.0",
    base="SD1.5",
    encoder="ViT-H",
    commercial="yes",
    bytes=98_183_288,
    sha256="a1c250be40455cc61a43da1201ec3f1edaea71214865fb47f57927e06cbe4996",
)
FACEID_PLUS_SD15 = KnownFile(
    name="ip-adapter-faceid-plusv2_sd15.bin",
    folder="ipadapter",
    page=IP_ADAPTER_FACEID_PAGE,
    path="ip-adapter-faceid-plusv2_sd15.bin",
    what="IP-Adapter FaceID PlusV2 for SD1.5",
    size="157 MB",
    licence=FACEID_LICENCE,
    base="SD1.5",
    encoder="ViT-H",
    commercial="no",
    bytes=156_558_509,
    sha256="26d0d86a1d60d6cc811d3b8862178b461e1eeb651e6fe2b72ba17aa95411e313",
)
FACEID_PLUS_SDXL = KnownFile(
    name="ip-adapter-faceid-plusv2_sdxl.bin",
    folder="ipadapter",
    page=IP_ADAPTER_FACEID_PAGE,
    path="ip-adapter-faceid-plusv2_sdxl.bin",
    what="IP-Adapter FaceID PlusV2 for SDXL",
    size="1.5 GB",
    licence=FACEID_LICENCE,
    base="SDXL",
    encoder="ViT-H",
    commercial="no",
    bytes=1_487_555_181,
    sha256="c6945d82b543700cc3ccbb98d363b837e9c596281607857c74b713a876daf5fb",
)

FACES = Want(
    purpose="face adapter",
    kinds=(files.FACEID_PLUS, files.FACEID),
    folders=files.FOLDERS,
    published=(FACEID_PLUS_SD15, FACEID_PLUS_SDXL),
)
PLAIN = Want(
    purpose="picture adapter",
    kinds=(files.IMAGE_PROMPT,),
    folders=files.FOLDERS,
    published=(IMAGE_PROMPT, IP_ADAPTER_SDXL, IP_ADAPTER_SD15_BIGG),
)
NEEDS = (
    Needs(
        name="IP-Adapter - faces",
        bases=("SD1.5", "SDXL"),
        wants=(
            CHECKPOINT,
            FACES,
            replace(PICTURES, reads_for=FACES.purpose),
            RECOGNISING,
            DETECTOR,
            Want(
                purpose="LoRA",
                kinds=(files.FACEID_LORA,),
                folders=("loras",),
                optional="FaceID files that do not hold it; the published .bin files do",
            ),
        ),
    ),
    Needs(
        name="IP-Adapter - pictures",
        bases=("SD1.5", "SDXL"),
        wants=(
            CHECKPOINT,
            replace(
                PLAIN,
                kinds=(files.PLUS, files.IMAGE_PROMPT, files.FULL_FACE),
                published=(IP_ADAPTER_PLUS, *PLAIN.published),
            ),
            replace(PICTURES, reads_for=PLAIN.purpose),
        ),
    ),
)
