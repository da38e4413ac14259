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

CONSISTENTID_DOWNLOADS = """
Folders are below `ComfyUI/models`. File names are free: choose yours in the loaders.

| file | folder |
|---|---|
| an SD1.5 checkpoint (Realistic Vision 6 in the published demo), or for the SDXL workflow an SDXL checkpoint | `checkpoints` |
| `ConsistentID-v1.bin` (SD1.5) or `ConsistentID_SDXL-v1.bin` | `consistentid` |
| `face_parsing.pth` | `face_parsing` |
| CLIP ViT-H/14 image encoder, 2.5 GB | `clip_vision` |
| insightface's `buffalo_l` (non-commercial research only); its `w600k_r50.onnx` is needed | `insightface/models/buffalo_l` |

Adapter and face parser: https://huggingface.co/JackAILab/ConsistentID

Image encoder: https://huggingface.co/h94/IP-Adapter, file `models/image_encoder/model.safetensors`
"""

_ONE_PHOTO = "1. Choose a photo (*Photo of person 1*). One sharp, frontal face is best.\n"

HOW_CONSISTENTID = f"""
{_ONE_PHOTO}2. *Detect Faces* shows which face was taken, *Encode Facial Regions* which parts of it were found.
3. Write the prompt. A description of the face is added behind it; *The prompt as assembled* shows it, with `<|facial|>`
   after every word that takes a part of the face.
4. Run. Up to `start_merge_step` the text alone acts, then the face is merged into it.

More of the face: a smaller `start_merge_step` (-1 merges at once). More of the text: a larger one.
Other numbers of steps: set `merge_by` to `percent`, or scale the step (30 of 50).
{_CONSENT}
"""

HOW_CONSISTENTID_SDXL = f"""
{HOW_CONSISTENTID}
SDXL is told the picture's size: keep `width` and `height` of *Encode ConsistentID Prompt* equal to those of the empty latent.
"""

HOW_INPAINT = f"""
1. Choose the photo. It is painted anew inside the mask, and it also gives the identity.
2. *Face Parsing* finds the face; `expand` and `feather` shape the mask. Any other region can be linked to
   *Set Latent Noise Mask* instead: hair, clothes, background.
3. Write what the new face does, and run.

Width and height of the photo should be multiples of 8 and near 512; scale it before if it is much larger.
{_CONSENT}
"""

HOW_REGION_MIXING = f"""
1. Choose two photos. The first gives the face, the second its eyes and mouth: every *Encode Facial Regions* has a switch and a
   strength per region, and takes from `regions` what is switched off.
2. `caption` of *Add ConsistentID Identity* says what the face is like; the words face, eyes, ears, nose and mouth in it take the
   regions. A captioner's STRING can be linked there. Empty: a plain sentence.
3. Write the prompt and run.

`mode` is `corrected`: every region goes into its own word, and prompt weights work.
{_CONSENT}
"""

HOW_CONSISTENTID_ROUTER = f"""
{_PHOTOS}2. Write a prompt that names two people, and run.

ConsistentID brings the faces (`mode` is `corrected`); UniPortrait's router decides who is where, and *Routing Map* shows it. Besides
ConsistentID's files it needs `uniportrait-faceid_sd15.bin`, `uniportrait-router_sd15.bin` and
`glint360k_curricular_face_r101_backbone.bin` in the folder `uniportrait`
(https://huggingface.co/Junjie96/UniPortrait, SD1.5 only).
Without the router: link a mask to every *Add ConsistentID Identity* and leave `placement` open.
{_CONSENT}
"""

MINIATURE_FILES = """
Nothing. The models come with the pack, the two drawn portraits too: copy `miniature-person-1.png` and
`miniature-person-2.png` from the pack's folder `workflows/portraits` into `ComfyUI/input`, or drop them onto *Drawn person*.
"""

_MINIATURE = """
The miniature is a tiny model of a drawn world, at 128 × 128 pixels: people with round, square or narrow faces, in shirts of
a colour, with glasses or a headband, before patterns. It knows the words of that world only, and real photos mean nothing
to it. It shows in seconds, on any computer, what the nodes do.
"""

HOW_MINIATURE_ONE = f"""
{_MINIATURE}
1. *Detect Faces* shows the face that was found.
2. Run: four pictures of that person, with the same skin, hair and eyes, in other clothes.
3. Change the seed, the shirt or the pattern in the prompt, or the person.

With your own photos and an SD1.5 checkpoint: `one-person`.
"""

HOW_MINIATURE_TWO = f"""
{_MINIATURE}
1. Run: two people in every picture, each with their own skin, hair and eyes.
2. *Routing Map* shows who was placed where; no mask was given.
3. Change the seed, the clothes in the prompt, or the people.

With your own photos and an SD1.5 checkpoint: `two-people`.
"""

HOW_MINIATURE_CONSISTENTID = f"""
{_MINIATURE}
1. *Encode Facial Regions* shows which parts of the face were found.
2. Run: four pictures of that person. A larger `start_percent` lets the text alone act first; the parts of the face are merged into it then.

With your own photos and an SD1.5 checkpoint: `consistentid-portrait`.
"""

OMNIPORTRAIT_DOWNLOADS = """
Folders are below `ComfyUI/models`. File names are free: choose yours in the loaders.

| file | folder |
|---|---|
| any SD1.5 or SDXL checkpoint | `checkpoints` |
| a face detector: YuNet's `face_detection_yunet_2023mar.onnx` (MIT) | `face_detection` |
| or insightface's `buffalo_l` (non-commercial research only) | `insightface` |

Reference-Based Guidance needs no weights of its own. With SDXL set `size` of *Add OmniPortrait Reference* to 1024, and the picture
to 1024 × 1024.
"""

PIVOT_DOWNLOADS = f"""
{OMNIPORTRAIT_DOWNLOADS}
The pivot encoder (folder `omniportrait`) is not published by the paper's authors; this pack's trainer makes one, see
`docs/training.md`. An adapter that holds only what training changed asks for the open_clip weights that it was trained from
(folder `clip_vision`).
"""

HOW_REFERENCE_GUIDANCE = f"""
1. Choose a photo. One sharp, frontal face is best; several photos of the person give more places to match.
2. Write a prompt with one person in it, and run.
3. *How alike it became* shows the match step by step. It rises little: raise `strength` (0.15 to 1). *not found*: no face was seen in
   the preview at the guided steps; choose another seed, or give *Add OmniPortrait Reference* a mask.

The checkpoint alone knows nothing of the person: guidance pulls what it draws towards the photo. For a portrait combine it with
an adapter that brings the person in (`uniportrait-guidance`, `consistentid-guidance`).
{_CONSENT}
"""

HOW_PIVOT = f"""
1. Choose a photo.
2. Write the prompt with `@id1` behind the noun that is this person: *a man @id1 in a red scarf*.
3. Run. The face is fused into that noun; from 40 % of the sampling on, features are pulled towards the photo where the picture
   attends to the noun.

`strength` of *Encode OmniPortrait Prompt*: how far the noun becomes the person. `strength` of the guidance: details.
{_CONSENT}
"""

HOW_PIVOT_TWO = f"""
1. Choose a photo of each person.
2. Write the prompt with `@id1` and `@id2` behind their nouns: *a man @id1 and a woman @id2 in a cafe*.
3. Run. Everybody is pulled inside their own mask; masks never overlap.

For a further person add *Load Image*, *Detect Faces* and *Add OmniPortrait Reference* and chain it through `references`.
{_CONSENT}
"""

HOW_ADAPTER_GUIDANCE = f"""
1. Choose a photo. It is used twice: the adapter brings the person in, the guidance pulls details towards the photo.
2. Write the prompt and run.
3. *How alike it became* shows the match step by step. Compare with *Apply Reference-Based Guidance* bypassed (Ctrl+B), same seed.

Several people: chain them in both, and set `face_order` to `most alike`.
{_CONSENT}
"""

HOW_MINIATURE_GUIDANCE = f"""
{_MINIATURE}
1. Run: four pictures of the person, guided towards the portrait on top of UniPortrait.
2. *How alike it became* shows the match of features step by step, *Where the face was* the mask.
3. Bypass *Apply UniPortrait* (Ctrl+B) to see what guidance does by itself.

The miniature's latents are small, so guidance begins later and is stronger here than with your own checkpoint: `reference-guidance`.
"""

HOW_MINIATURE_OMNIPORTRAIT = f"""
{_MINIATURE}
1. *Encode OmniPortrait Prompt* fuses the portrait with the word before `@id1`. Without the marker the first word for a person is taken.
2. Run: four pictures of that person. Guidance pulls where the picture attends to the word; *Where the face was* shows the places.
3. Set `strength` of *Encode OmniPortrait Prompt* to 0 to see what guidance does by itself.

The adapter was trained as `docs/training.md` says; with a checkpoint of your own and an adapter for it: `omniportrait-portrait`.
"""
