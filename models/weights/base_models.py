"""Published files of base models: checkpoints and a ControlNet for them."""

from __future__ import annotations

from .known_file import HOST, KnownFile

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
