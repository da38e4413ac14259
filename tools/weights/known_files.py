"""Published files that the methods need: where they are, where they go, how large they are, and on which terms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

HOST = "https://huggingface.co/"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFile:
    """One published file.

    Attributes:
        name: its name on the user's disk; loaders recognise content, so another name works too.
        folder: where it goes, below ComfyUI's `models`.
        page: address of a page that tells about it.
        path: from the page to the file itself, for files on huggingface.co, else empty.
        what: what it is and who needs it, without a full stop.
        size: as a reader is told it.
        licence: its terms.
    """

    name: str
    folder: str
    page: str
    path: str = ""
    what: str
    size: str
    licence: str

    @property
    def url(self) -> str | None:
        """Address of the file itself, for a download; None where it is published elsewhere or in an archive."""
        return f"{self.page}/resolve/main/{self.path}" if self.path else None


UNIPORTRAIT_PAGE = f"{HOST}Junjie96/UniPortrait"
CONSISTENTID_PAGE = f"{HOST}JackAILab/ConsistentID"
IP_ADAPTER_PAGE = f"{HOST}h94/IP-Adapter"
IP_ADAPTER_FACEID_PAGE = f"{HOST}h94/IP-Adapter-FaceID"
CONSISTENTID_LICENCE = "the code says MIT and, elsewhere, Apache-2.0; no licence of the weights was found"
INSIGHTFACE_LICENCE = "**non-commercial research only**"
FACEID_LICENCE = "**non-commercial research only**, as its recogniser"

SD15 = KnownFile(
    name="v1-5-pruned-emaonly-fp16.safetensors",
    folder="checkpoints",
    page=f"{HOST}Comfy-Org/stable-diffusion-v1-5-archive",
    path="v1-5-pruned-emaonly-fp16.safetensors",
    what="an SD1.5 checkpoint, or any other; a portrait model such as Realistic Vision 5.1 gives better faces",
    size="2.1 GB",
    licence="CreativeML Open RAIL-M",
)
SDXL = KnownFile(
    name="sd_xl_base_1.0.safetensors",
    folder="checkpoints",
    page=f"{HOST}stabilityai/stable-diffusion-xl-base-1.0",
    path="sd_xl_base_1.0.safetensors",
    what="an SDXL checkpoint, or any other; for ConsistentID, FaceID, FaceStudio and guidance on SDXL",
    size="6.9 GB",
    licence="CreativeML Open RAIL++-M",
)
FACEID = KnownFile(
    name="uniportrait-faceid_sd15.bin",
    folder="uniportrait",
    page=UNIPORTRAIT_PAGE,
    path="uniportrait-faceid_sd15.bin",
    what="UniPortrait's adapter for SD1.5",
    size="224 MB",
    licence="Apache-2.0",
)
ROUTER = KnownFile(
    name="uniportrait-router_sd15.bin",
    folder="uniportrait",
    page=UNIPORTRAIT_PAGE,
    path="uniportrait-router_sd15.bin",
    what="UniPortrait's router, for two or more people",
    size="226 MB",
    licence="Apache-2.0",
)
BACKBONE = KnownFile(
    name="glint360k_curricular_face_r101_backbone.bin",
    folder="uniportrait",
    page=UNIPORTRAIT_PAGE,
    path="glint360k_curricular_face_r101_backbone.bin",
    what="UniPortrait's face backbone",
    size="261 MB",
    licence="tagged Apache-2.0; the terms of its training data are not stated",
)
CONSISTENTID_SD15 = KnownFile(
    name="ConsistentID-v1.bin",
    folder="consistentid",
    page=CONSISTENTID_PAGE,
    path="ConsistentID-v1.bin",
    what="ConsistentID's adapter for SD1.5",
    size="0.4–0.7 GB",
    licence=CONSISTENTID_LICENCE,
)
CONSISTENTID_SDXL = KnownFile(
    name="ConsistentID_SDXL-v1.bin",
    folder="consistentid",
    page=CONSISTENTID_PAGE,
    path="ConsistentID_SDXL-v1.bin",
    what="ConsistentID's adapter for SDXL",
    size="1.7–3.5 GB",
    licence=CONSISTENTID_LICENCE,
)
FACE_PARSER = KnownFile(
    name="face_parsing.pth",
    folder="face_parsing",
    page=CONSISTENTID_PAGE,
    path="face_parsing.pth",
    what="the face parser (the same as `79999_iter.pth` and facexlib's `parsing_bisenet.pth`)",
    size="53 MB",
    licence="MIT (face-parsing.PyTorch); its training data, CelebAMask-HQ, is for **non-commercial research only**",
)
IMAGE_ENCODER = KnownFile(
    name="CLIP-ViT-H-14-laion2B-s32B-b79K.safetensors",
    folder="clip_vision",
    page=IP_ADAPTER_PAGE,
    path="models/image_encoder/model.safetensors",
    what="the image encoder CLIP ViT-H/14, `model.safetensors` where it is published",
    size="2.5 GB",
    licence="MIT (OpenCLIP), Apache-2.0 (this copy)",
)
OPENAI_VIT_L = KnownFile(
    name="CLIP-ViT-L-14-openai.safetensors",
    folder="clip_vision",
    page=f"{HOST}timm/vit_large_patch14_clip_224.openai",
    path="open_clip_model.safetensors",
    what="the image encoder OpenAI CLIP ViT-L/14, for FaceStudio, `open_clip_model.safetensors` where it is published",
    size="1.7 GB",
    licence="MIT (OpenAI's CLIP), Apache-2.0 (this copy)",
)
OPENAI_RN101 = KnownFile(
    name="CLIP-RN101-openai.safetensors",
    folder="clip_vision",
    page=f"{HOST}timm/resnet101_clip.openai",
    path="open_clip_model.safetensors",
    what="the image encoder OpenAI CLIP RN101, only for FaceStudio files with the paper's three encoders",
    size="0.5 GB",
    licence="MIT",
)
OPENAI_VIT_B = KnownFile(
    name="CLIP-ViT-B-32-openai.safetensors",
    folder="clip_vision",
    page=f"{HOST}timm/vit_base_patch32_clip_224.openai",
    path="open_clip_model.safetensors",
    what="the image encoder OpenAI CLIP ViT-B/32, only for FaceStudio files with the paper's three encoders",
    size="0.6 GB",
    licence="MIT (OpenAI's CLIP), Apache-2.0 (this copy)",
)
IMAGE_ENCODER_BIGG = KnownFile(
    name="CLIP-ViT-bigG-14-laion2B-39B-b160k.safetensors",
    folder="clip_vision",
    page=IP_ADAPTER_PAGE,
    path="sdxl_models/image_encoder/model.safetensors",
    what="the image encoder CLIP ViT-bigG/14, for the two adapters that read it, `model.safetensors` where it is published",
    size="3.7 GB",
    licence="MIT (OpenCLIP), Apache-2.0 (this copy)",
)
IMAGE_PROMPT = KnownFile(
    name="ip-adapter_sd15.safetensors",
    folder="ipadapter",
    page=IP_ADAPTER_PAGE,
    path="models/ip-adapter_sd15.safetensors",
    what="IP-Adapter for SD1.5: FaceStudio's style, and UniPortrait's image prompt",
    size="45 MB",
    licence="Apache-2.0",
)
IP_ADAPTER_SD15_BIGG = KnownFile(
    name="ip-adapter_sd15_vit-G.safetensors",
    folder="ipadapter",
    page=IP_ADAPTER_PAGE,
    path="models/ip-adapter_sd15_vit-G.safetensors",
    what="IP-Adapter for SD1.5 that reads ViT-bigG/14: FaceStudio's style mixed with a text",
    size="46 MB",
    licence="Apache-2.0",
)
IP_ADAPTER_SDXL = KnownFile(
    name="ip-adapter_sdxl.safetensors",
    folder="ipadapter",
    page=IP_ADAPTER_PAGE,
    path="sdxl_models/ip-adapter_sdxl.safetensors",
    what="IP-Adapter for SDXL, which reads ViT-bigG/14: FaceStudio's style, also mixed with a text",
    size="703 MB",
    licence="Apache-2.0",
)
FACEID_PLUS_SD15 = KnownFile(
    name="ip-adapter-faceid-plusv2_sd15.bin",
    folder="ipadapter",
    page=IP_ADAPTER_FACEID_PAGE,
    path="ip-adapter-faceid-plusv2_sd15.bin",
    what="IP-Adapter FaceID PlusV2 for SD1.5",
    size="157 MB",
    licence=FACEID_LICENCE,
)
FACEID_PLUS_SDXL = KnownFile(
    name="ip-adapter-faceid-plusv2_sdxl.bin",
    folder="ipadapter",
    page=IP_ADAPTER_FACEID_PAGE,
    path="ip-adapter-faceid-plusv2_sdxl.bin",
    what="IP-Adapter FaceID PlusV2 for SDXL",
    size="1.5 GB",
    licence=FACEID_LICENCE,
)
IP_ADAPTER_PLUS = KnownFile(
    name="ip-adapter-plus_sd15.safetensors",
    folder="ipadapter",
    page=IP_ADAPTER_PAGE,
    path="models/ip-adapter-plus_sd15.safetensors",
    what="IP-Adapter Plus for SD1.5, to follow a picture",
    size="98 MB",
    licence="Apache-2.0",
)
PRIOR_BIGG = KnownFile(
    name="kandinsky-2-2-prior.safetensors",
    folder="prior",
    page=f"{HOST}kandinsky-community/kandinsky-2-2-prior",
    path="prior/diffusion_pytorch_model.safetensors",
    what="Kandinsky 2.2's prior, from text to picture embeddings of ViT-bigG/14; it reads the CLIP of an SDXL checkpoint",
    size="4.1 GB",
    licence="Apache-2.0",
)
PRIOR_VITL = KnownFile(
    name="kandinsky-2-1-prior.safetensors",
    folder="prior",
    page=f"{HOST}kandinsky-community/kandinsky-2-1-prior",
    path="prior/diffusion_pytorch_model.safetensors",
    what="Kandinsky 2.1's prior, from text to picture embeddings of ViT-L/14; Karlo's has the same layout",
    size="4.1 GB",
    licence="Apache-2.0",
)
CLIP_TEXT = KnownFile(
    name="clip-vit-large-patch14-text.safetensors",
    folder="text_encoders",
    page=f"{HOST}kandinsky-community/kandinsky-2-1-prior",
    path="text_encoder/model.safetensors",
    what="CLIP ViT-L/14's text encoder with its projection, only for the priors of Kandinsky 2.1 and Karlo",
    size="495 MB",
    licence="Apache-2.0 (this copy)",
)
CONTROL_NET = KnownFile(
    name="control_v11p_sd15_openpose_fp16.safetensors",
    folder="controlnet",
    page=f"{HOST}comfyanonymous/ControlNet-v1-1_fp16_safetensors",
    path="control_v11p_sd15_openpose_fp16.safetensors",
    what="the OpenPose ControlNet, only for given poses",
    size="723 MB",
    licence="Open RAIL",
)
YUNET = KnownFile(
    name="face_detection_yunet_2023mar.onnx",
    folder="face_detection",
    page="https://github.com/opencv/opencv_zoo/tree/main/models/face_detection_yunet",
    what="a face detector in place of the one that comes with the pack: OpenCV's YuNet",
    size="0.2 MB",
    licence="MIT",
)
BUFFALO_DETECTOR = KnownFile(
    name="det_10g.onnx",
    folder="insightface/models/buffalo_l",
    page="https://github.com/deepinsight/insightface",
    what="a face detector in place of either: that of insightface's `buffalo_l` pack",
    size="17 MB",
    licence=INSIGHTFACE_LICENCE,
)
RECOGNISER = KnownFile(
    name="w600k_r50.onnx",
    folder="insightface/models/buffalo_l",
    page="https://github.com/deepinsight/insightface",
    what="the face recogniser of insightface's `buffalo_l` pack, for ConsistentID and FaceID",
    size="174 MB",
    licence=INSIGHTFACE_LICENCE,
)
DINO = KnownFile(
    name="dino_deitsmall16_pretrain.pth",
    folder="dino",
    page="https://github.com/facebookresearch/dino",
    what="DINO, only for Score Facial Similarity",
    size="87 MB",
    licence="Apache-2.0",
)
KNOWN_FILES = (
    SD15,
    SDXL,
    FACEID,
    ROUTER,
    BACKBONE,
    IMAGE_ENCODER,
    CONSISTENTID_SD15,
    CONSISTENTID_SDXL,
    FACE_PARSER,
    RECOGNISER,
    YUNET,
    BUFFALO_DETECTOR,
    FACEID_PLUS_SD15,
    FACEID_PLUS_SDXL,
    IP_ADAPTER_PLUS,
    IMAGE_PROMPT,
    IP_ADAPTER_SD15_BIGG,
    IP_ADAPTER_SDXL,
    IMAGE_ENCODER_BIGG,
    PRIOR_BIGG,
    PRIOR_VITL,
    CLIP_TEXT,
    CONTROL_NET,
    DINO,
    OPENAI_VIT_L,
    OPENAI_RN101,
    OPENAI_VIT_B,
)


def markdown_table(files: Iterable[KnownFile]) -> str:
    """Write a table of files, a row each: what it is with a link, folder, size and licence."""
    rows = [
        f"| {file.what}: [{file.name}]({file.url or file.page}) | `{file.folder}` | {file.size} | {file.licence} |"
        for file in files
    ]
    return "\n".join(("| file | folder | size | licence |", "|---|---|---|---|", *rows))
