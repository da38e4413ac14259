"""UniPortrait's claims, U1 to U6: which arms are drawn, and what has to be seen."""

from __future__ import annotations

from dataclasses import replace

from ..judge.scores import IDENTITY
from ..recipe.arms import PAPERS_DROPPING, PAPERS_ROUTING, SHIPPED_ROUTING, StageOneArm, StageTwoArm
from .claims import Claim, Expected, Experiment

GLOBAL = StageOneArm(" global", is_global=True)
UNDROPPED = StageOneArm(" without drops", dropping=replace(PAPERS_DROPPING, token=0.0, path=0.0))
UNREGULARISED = StageTwoArm(" without regularisation", routing=replace(SHIPPED_ROUTING, weight=0.0))
NOISELESS = StageTwoArm(" without Gumbel noise", routing=replace(SHIPPED_ROUTING, has_noise=False))
SUMMED = StageTwoArm(" with the sum of Eq. 4", routing=PAPERS_ROUTING)
ONE = ("identity", *IDENTITY, "text", "copying")  # what tables of pictures with one person show
TWO = ("identity", *IDENTITY, "text", "recognised", "blending")

ACCURATE = (
    "the paper's drops keep the model from leaning on details that mislead; a drawn portrait has none, so that what is dropped "
    "is likely knowledge of the person."
)

PLAIN, ON, SHUFFLED, BY_GLOBAL, WITHOUT_DROPS, WITH_DROPS = (
    "no adapter",
    "UniPortrait, stage I",
    "other people's portraits",
    "mean of the deepest map",
    "without drops, structure 1.0",
    "with drops, structure 1.0",
)
NO_ROUTER, FREE_ROUTER, SUMMED_ROUTER, ROUTER, SOFT, NOISE_FREE = (
    "no router",
    "router, λ = 0",
    "router, sum of Eq. 4",
    "router",
    "router, softmax",
    "router trained without Gumbel noise",
)

# What keeping people apart looks like.
APART: tuple[tuple[str, Expected], ...] = (("identity", "higher"), ("recognised", "higher"), ("blending", "lower"))

SHARED, HALVES, BY_WORDS, BY_FACES, BY_ROUTER = (
    "FaceID, shared by both",
    "FaceID, masks: halves",
    "FaceID, words",
    "FaceID, faces",
    "FaceID, UniPortrait's router",
)
OWN_ROUTER, OWN_WORDS, OWN_FACES = "UniPortrait, its router", "UniPortrait, words", "UniPortrait, faces"
PLACED = (
    Experiment(
        "P1",
        "UniPortrait's router keeps two people of plain FaceID apart (Table 2: identity 7.7 → 60.5, blending 52.7 → 7.9).",
        2,
        (SHARED, BY_ROUTER),
        tuple(Claim(metric, BY_ROUTER, SHARED, expected) for metric, expected in APART),
        TWO,
    ),
    Experiment(
        "P2",
        "People may be found while they are drawn, on any base: at their words, or at their faces. Each keeps two people apart; how far "
        "they stay behind the router and behind masks is only reported.",
        2,
        (SHARED, BY_WORDS, BY_FACES, HALVES, BY_ROUTER),
        tuple(Claim(metric, arm, SHARED, expected) for arm in (BY_WORDS, BY_FACES) for metric, expected in APART),
        TWO,
    ),
    Experiment(
        "P3",
        "UniPortrait's own people too may be found while they are drawn; its router was trained for them.",
        2,
        (OWN_ROUTER, OWN_WORDS, OWN_FACES),
        tuple(Claim(metric, arm, OWN_ROUTER, expected) for arm in (OWN_WORDS, OWN_FACES) for metric, expected in APART),
        TWO,
    ),
)

EXPERIMENTS = (
    Experiment(
        "U1",
        "The ID embedding brings the person into the picture (4.4 → 71.1), and it costs some text (27.7 → 26.1).",
        1,
        (PLAIN, ON, SHUFFLED),
        (
            Claim("identity", ON, PLAIN, "higher"),
            Claim("identity", ON, SHUFFLED, "higher"),
            Claim("text", ON, PLAIN, "lower"),
        ),
        ONE,
    ),
    Experiment(
        "U2",
        "Local features of the face keep more of it than one global vector (45.5 → 58.3).",
        1,
        (BY_GLOBAL, ON),
        (Claim("identity", ON, BY_GLOBAL, "higher"),),
        ONE,
    ),
    Experiment(
        "U3",
        "Dropping structure tokens and paths lets less of the portrait's expression through, and raises identity (64.5 → 71.1) "
        "and text (25.9 → 26.1).",
        1,
        (WITHOUT_DROPS, WITH_DROPS),
        (
            Claim("copying", WITH_DROPS, WITHOUT_DROPS, "lower"),
            Claim("identity", WITH_DROPS, WITHOUT_DROPS, "higher", why=ACCURATE),
            Claim("text", WITH_DROPS, WITHOUT_DROPS, "higher"),
        ),
        ONE,
    ),
    Experiment(
        "U4",
        "The router, and its regularisation, keep two people apart (42.5 → 59.1 → 67.3). Eq. 4 adds up the squares of a "
        "layer's positions; the router that ships was trained with their mean, at the same λ = 0.1.",
        2,
        (NO_ROUTER, FREE_ROUTER, SUMMED_ROUTER, ROUTER),
        tuple(
            Claim(metric, arm, other, expected)
            for metric, expected in APART
            for arm, other in ((FREE_ROUTER, NO_ROUTER), (SUMMED_ROUTER, FREE_ROUTER), (ROUTER, FREE_ROUTER))
        ),
        TWO,
    ),
    Experiment(
        "U5",
        "One person per position beats a soft mixture (67.3 against 62.2).",
        2,
        (SOFT, ROUTER),
        (
            Claim("identity", ROUTER, SOFT, "higher"),
            Claim("blending", ROUTER, SOFT, "lower"),
            Claim("recognised", ROUTER, SOFT, "higher"),
        ),
        TWO,
    ),
    Experiment(
        "U6",
        "Gumbel noise while training makes the routers surer: the entropy of their softmax is lower (only reported).",
        2,
        (NOISE_FREE, ROUTER),
        (),
        TWO,
    ),
)
