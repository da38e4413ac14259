"""The texts of the notes in the workflows."""

from __future__ import annotations

DOWNLOADS = """
Folders are below `ComfyUI/models`. File names are free: choose yours in the loaders.

| file | folder |
|---|---|
| any SD1.5 checkpoint (a portrait model such as Realistic Vision 5.1 gives better faces) | `checkpoints` |
| `uniportrait-faceid_sd15.bin` | `uniportrait` |
| `uniportrait-router_sd15.bin` (two or more people) | `uniportrait` |
| `glint360k_curricular_face_r101_backbone.bin` | `uniportrait` |
| CLIP ViT-H/14 image encoder, 2.5 GB | `clip_vision` |
| a face detector: YuNet's `face_detection_yunet_2023mar.onnx` (MIT) | `face_detection` |
| or insightface's `buffalo_l` (non-commercial research only) | `insightface` |

UniPortrait: https://huggingface.co/Junjie96/UniPortrait

Image encoder: https://huggingface.co/h94/IP-Adapter, file `models/image_encoder/model.safetensors`

The published UniPortrait works with **SD1.5 only**.
"""

_PHOTOS = "1. Choose a photo for every person (*Photo of person …*). One sharp, frontal face is best.\n"
_CONSENT = "\nUse photos of people who agree to it."

HOW_ONE = f"""
{_PHOTOS}2. *Detect Faces* shows which face was taken. Several faces in the photo: change `order` or `index`.
3. Write the prompt. No trigger word is needed.
4. Run.

Too much like the photo, pose included: lower `strength` (0.5–0.7) or `structure_scale`.
Too little: raise them a little.
{_CONSENT}
"""

HOW_SEVERAL = f"""
{_PHOTOS}2. *Detect Faces* shows which face was taken.
3. Write a prompt that names as many people as there are photos. Nothing in it refers to a person.
4. Run. The router decides at every place of the picture whose face belongs there; no masks are needed.

*Routing Map* shows who was placed where, and each person's share of the picture.
For a further person add *Load Image*, *Detect Faces* and *Add UniPortrait Identity* and chain it through `identities`.
{_CONSENT}
"""

HOW_CONTROLNET = f"""
{_PHOTOS}2. Choose a picture of two skeletons (OpenPose) and the OpenPose ControlNet
   (`control_v11p_sd15_openpose_fp16.safetensors`, folder `controlnet`).
3. Choose a LoRA of your own (SD1.5), or bypass *Load LoRA* (Ctrl+B).
4. Write the prompt and run.

The ControlNet guides poses only; it never sees the identities.
{_CONSENT}
"""

HOW_MASKS = f"""
{_PHOTOS}2. Every person stays inside their mask; masks override the router. Here: the left and the right half.
3. For free shapes, paint a mask in *Load Image* (right click, *Open in MaskEditor*) and link its MASK output instead.
4. Write the prompt and run.

People without a mask are placed by the router. Where everybody has a mask, places outside all masks get nobody.
{_CONSENT}
"""

HOW_GROUP = f"""
{_PHOTOS}2. The first *KSampler* makes the group, the second enlarges it 1.5 times.
3. *Routing Map* gives one mask per person. *Crop Face* takes the face that lies in the mask of person `index`, as a
   crop of 512 × 512, and the face is painted again **with that person's identity only**.
4. *Paste Face* puts it back; then the next person.

Face painted over too much: lower `denoise` of *KSampler: face of person …* (0.3–0.6).
{_CONSENT}
"""
