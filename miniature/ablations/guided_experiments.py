"""OmniPortrait's claims, O2 to O8: which arms are drawn, and what has to be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...models.uniportrait.checkpoint import UniPortraitAdapter
from ..judge.scores import IDENTITY
from ..studio.noise_levels import nearest_timestep, share_behind
from . import face_sizes, noun_masks
from .arms import Arm
from .claims import Claim, Experiment
from .experiments import ON, PLAIN, ROUTER
from .guiding import Guiding

SWEPT = 64  # pictures of an arm of a sweep
CONTROL = 0.05  # what a control may change
GUIDED, ON_GUIDED, EVERYWHERE, BY_WORD, WITHOUT_HAIR = (
    "guided",
    "UniPortrait, stage I, guided",
    "guided everywhere",
    "guided where the noun attends",
    "guided in the face without hair",
)
STRANGERS, BESIDE, NO_STRENGTH = (
    "guided by other people's portraits",
    "guided beside the head",
    "guided with strength 0",
)
PLAIN_TWO, GUIDED_TWO, TOGETHER, ROUTER_GUIDED, ROUTER_TOGETHER = (
    "no adapter, two people",
    "guided, two people",
    "guided together",
    "router, guided",
    "router, guided together",
)

ONE = ("identity", *IDENTITY, "text", "outside", "likeness")
TWO = ("identity", *IDENTITY, "text", "recognised", "blending", "outside")
UNGUIDED = {ON_GUIDED: ON, ROUTER_GUIDED: ROUTER, ROUTER_TOGETHER: ROUTER, GUIDED_TWO: PLAIN_TWO, TOGETHER: PLAIN_TWO}
PILOT = {
    "skin": 0.12,
    "hair colour": 0.13,
    "eyes": 0.12,
}  # gains of a pilot without ID tokens, which have to be reached

EXPERIMENTS = (
    Experiment(
        "O2",
        "Guidance by the features of a portrait brings the person closer, without ID tokens and on top of them, and the "
        "text is still followed (63.9 → 69.1).",
        1,
        (PLAIN, GUIDED, ON, ON_GUIDED),
        (
            Claim("identity", GUIDED, PLAIN, "higher"),
            *(Claim(name, GUIDED, PLAIN, "higher", by=gain) for name, gain in PILOT.items()),
            Claim("identity", ON_GUIDED, ON, "higher"),
            Claim("text", GUIDED, PLAIN, "not lower"),
            Claim("text", ON_GUIDED, ON, "not lower"),
        ),
        ONE,
    ),
    Experiment(
        "O3",
        "Gradients inside the mask alone leave the background as it is, at no cost for the person (69.1 against 33.4). In a "
        "pilot the background changed three times as much without a mask.",
        1,
        (GUIDED, EVERYWHERE, BY_WORD, WITHOUT_HAIR),
        (
            Claim("outside", GUIDED, EVERYWHERE, "lower"),
            Claim("outside", GUIDED, EVERYWHERE, "lower", times=3),
            Claim("identity", GUIDED, EVERYWHERE, "not lower"),
        ),
        ONE,
    ),
    Experiment(
        "O4",
        "Guidance alone does not replace ID tokens (14.2 without a pivot, 69.1 with one).",
        1,
        (GUIDED, ON_GUIDED),
        (Claim("identity", ON_GUIDED, GUIDED, "higher"),),
        ONE,
    ),
    Experiment(
        "O8",
        "One backward pass per person inside their own mask keeps two people apart better than one for all inside all masks.",
        2,
        (PLAIN_TWO, GUIDED_TWO, TOGETHER, ROUTER, ROUTER_GUIDED, ROUTER_TOGETHER),
        (
            Claim("identity", GUIDED_TWO, PLAIN_TWO, "higher"),
            Claim("identity", ROUTER_GUIDED, ROUTER, "higher"),
            Claim("identity", GUIDED_TWO, TOGETHER, "higher"),
            Claim("identity", ROUTER_GUIDED, ROUTER_TOGETHER, "higher"),
            Claim("blending", GUIDED_TWO, TOGETHER, "lower"),
            Claim("blending", ROUTER_GUIDED, ROUTER_TOGETHER, "lower"),
        ),
        TWO,
    ),
    Experiment(
        "Controls",
        "What must not help: other people's portraits, a mask beside the head, no strength.",
        1,
        (PLAIN, GUIDED, STRANGERS, BESIDE, NO_STRENGTH),
        (
            Claim("identity", GUIDED, STRANGERS, "higher"),
            Claim("identity", GUIDED, BESIDE, "higher"),
            Claim("identity", STRANGERS, PLAIN, "about the same", by=CONTROL),
            Claim("identity", BESIDE, PLAIN, "about the same", by=CONTROL),
            Claim("identity", NO_STRENGTH, PLAIN, "about the same", by=CONTROL),
        ),
        ONE,
    ),
)

# Nothing is drawn for these: they are measured on true pictures with noise.
MEASURED = (
    Experiment(
        "O6",
        "The mean of all similarities pulls as strongly whatever the size of the portrait's face, the sum of the paper's "
        "Eq. 8 does not. Numbers are powers of 2 by which the shift inside the mask changes when a face is half as tall.",
        1,
        tuple(face_sizes.MODES),
        tuple(Claim(metric, "mean", "sum", "lower") for metric in face_sizes.METRICS),
        face_sizes.METRICS,
    ),
    Experiment(
        "O7",
        "Sharpening the attention to the noun and spreading it by self-attention (Eq. 6) says better where the head is than "
        "a threshold.",
        1,
        noun_masks.WAYS,
        tuple(Claim(metric, noun_masks.REFINED, noun_masks.RAW, "higher") for metric in noun_masks.METRICS),
        noun_masks.METRICS,
    ),
)


@dataclass(frozen=True, slots=True)
class Sweep:
    """O5: one setting of the guidance at several values.

    Attributes:
        name: what is changed.
        claim: what the paper says of it.
        arms: from one end to the other.
    """

    name: str
    claim: str
    arms: tuple[Arm, ...]


def _swept(setting: str, values: Sequence[float], names: Sequence[str]) -> tuple[Arm, ...]:
    return tuple(
        Arm(name=name, guiding=replace(Guiding(), **{setting: value}), pictures=SWEPT)
        for name, value in zip(names, values, strict=True)
    )


STRENGTHS = (0.5, 1.0, 2.0, 4.0, 6.0, 9.0)
STARTS = (0.6, 1.3, 3.3, 7.5, 19.0, 41.0)  # every one of them is just above a step's noise level
REFERENCES = (0.1, 0.3, 0.57, 1.05, 2.28, 4.2)

SWEEPS = (
    Sweep(
        "strength s",
        "Identity grows with the strength and falls when it is too strong; the text falls.",
        _swept("strength", STRENGTHS, [f"s = {value:g}" for value in STRENGTHS]),
    ),
    Sweep(
        "start u",
        "Starting too late does nothing, starting too early loses the text; in between there is a best start (the paper: 0.6).",
        _swept("start", STARTS, [f"σ ≤ {value:g} (u = {1 - share_behind(value):.2f})" for value in STARTS]),
    ),
    Sweep(
        "noise on the portraits t0",
        "There is a best noise level for the portraits' features (the paper: t0 = 671, σ 2.98, on latents of 64² and more).",
        _swept(
            "reference_sigma", REFERENCES, [f"σ {value:g} (t0 = {nearest_timestep(value)})" for value in REFERENCES]
        ),
    ),
)


def unguided_of(arm: Arm) -> str | None:
    """The arm that differs from this one in nothing but the guidance; None for one that is not guided."""
    return None if arm.guiding is None else UNGUIDED.get(arm.name, PLAIN)


def guided_arms(shipped: UniPortraitAdapter) -> list[Arm]:
    """All arms but those of sweeps; those without guidance that UniPortrait's experiments have are among them.

    Another pivot is another few lines here, in `UNGUIDED` and in O4.
    """
    guiding = Guiding()
    return [
        Arm(name=PLAIN),
        Arm(name=GUIDED, guiding=guiding),
        Arm(name=ON, adapter=shipped),
        Arm(name=ON_GUIDED, adapter=shipped, guiding=guiding),
        Arm(name=EVERYWHERE, guiding=replace(guiding, keeps_background=False)),
        Arm(name=BY_WORD, guiding=replace(guiding, where="word")),
        Arm(name=WITHOUT_HAIR, guiding=replace(guiding, where="face")),
        Arm(name=STRANGERS, guiding=guiding, is_shuffled=True),
        Arm(name=BESIDE, guiding=replace(guiding, where="beside")),
        Arm(name=NO_STRENGTH, guiding=replace(guiding, strength=0.0)),
        Arm(name=PLAIN_TWO),
        Arm(name=GUIDED_TWO, guiding=guiding),
        Arm(name=TOGETHER, guiding=replace(guiding, together=True)),
        Arm(name=ROUTER, adapter=shipped),
        Arm(name=ROUTER_GUIDED, adapter=shipped, guiding=guiding),
        Arm(name=ROUTER_TOGETHER, adapter=shipped, guiding=replace(guiding, together=True)),
    ]
