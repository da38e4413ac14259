"""A VAE, a detector and a router of a few numbers, and guidance with settings by name."""

from __future__ import annotations

import numpy as np
import torch
from likeness.models.face.types import Detection
from likeness.models.omniportrait.guidance_settings import GuidanceSettings
from likeness.tests.models.omniportrait.small_people import chain, person

SIDE = 16  # of the latents


class Vae:
    """As much of ComfyUI's VAE as is used: eight times smaller, a convolution; decodes to grey."""

    def __init__(self, channels=4, seed=0):
        torch.manual_seed(seed)
        self.first_stage_model = torch.nn.Conv2d(3, channels, 8, stride=8).requires_grad_(False)
        self.encoded, self.decoded = [], []

    def encode(self, pixels):
        self.encoded.append(pixels)
        return self.first_stage_model(pixels.movedim(-1, 1))

    def decode(self, latents):
        self.decoded.append(latents)
        return torch.full((len(latents), 8 * latents.shape[-2], 8 * latents.shape[-1], 3), 0.5)


class Detector:
    """A `FaceDetector` that always sees two faces, the right one larger."""

    key = "two faces"

    def find(self, pictures):
        points = np.array([[70, 40], [90, 40], [80, 55], [72, 70], [88, 70]], np.float32)
        shift = np.array([[-60, 0]], np.float32)
        right, left = np.array([64, 24, 106, 90], np.float32), np.array([4, 24, 44, 88], np.float32)
        for _ in pictures:
            yield [Detection(right, points, 0.9), Detection(left, points + shift, 0.8)]

    def at_size(self, size):
        return self


class Router:
    """A `Router` with one placement, whoever is asked for."""

    def __init__(self, placement, weights):
        self.placement, self.weights = placement, weights
        self.asked = []
        self.fitted = None

    def require_fit(self, model):
        self.fitted = model

    def route(self, people, *, is_soft=False):
        self.asked.append([each.name for each in people])
        return self.placement


VAE = Vae()


def half(side="left"):
    mask = torch.zeros(1, SIDE, SIDE)
    mask[..., : SIDE // 2] = 1
    return mask if side == "left" else mask.flip(-1)


def people(*masks, **settings):
    """Ann and Ben with photos of random pixels, as many as there are masks; None for somebody without."""
    return chain(
        *(person(("Ann", "Ben")[place], seed=place, mask=mask, **settings) for place, mask in enumerate(masks))
    )


def by_words():
    """A placement by words."""
    from likeness.host.placement import LoadedPlacement

    return LoadedPlacement("words")


def by_face(detector=Detector, order="left to right", *, vae=VAE, recogniser=None, **options):
    """A placement by faces; a recogniser is asked for only where one is given."""
    from likeness.host.placement import FaceFinding, LoadedPlacement

    def give():
        assert recogniser is not None, "nobody is to be recognised"
        return recogniser

    finding = FaceFinding(vae=vae, detector=detector, recogniser=give, order=order)
    return LoadedPlacement("faces", faces=finding, **options)


def apply(model, everybody, where=None, *, vae=VAE, parser=None, size=0, detail="coarse", **settings):
    """`apply_guidance` in inference mode, as ComfyUI executes nodes, all the time and with half of a strength."""
    from likeness.host.omniportrait.guidance import ReferenceLook, apply_guidance
    from likeness.host.sampling.runs import sigma_window

    start, end = settings.pop("start_percent", 0.0), settings.pop("end_percent", 1.0)
    with torch.inference_mode():
        chosen = GuidanceSettings(window=sigma_window(model, start, end), **{"strength": 0.5, "seeds": 1, **settings})
        look = ReferenceLook(vae=vae, parser=parser, size=size, detail=detail)
        return apply_guidance(model, everybody, chosen, look=look, where=where)
