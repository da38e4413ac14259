"""FaceStudio's claims, F1 to F6: which arms are drawn, and what has to be seen."""

from __future__ import annotations

from ...judge.scores import IDENTITY
from ...recipe.styles.recipe import DROP_ARMS, SHORT, StyleArm
from ..claims import Claim, Experiment
from ..experiments import APART
from .trends import Side, Trend

LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)  # of α and of β
ZERO_SHOT_LEVELS = (0.0, 0.5, 1.0)
OFTEN, *SELDOM = DROP_ARMS.values()  # F5's trainings, all of them equally long


def alpha_name(level: float) -> str:
    """Name of the arm at a level of α."""
    return f"α = {level:g}"


def zero_shot_name(level: float) -> str:
    """Name of the arm without weights of FaceStudio's own at a level of α."""
    return f"zero-shot, α = {level:g}"


def beta_name(level: float, *, is_literal: bool = False) -> str:
    """Name of the arm at a level of β; literal sums of a single face are the face."""
    if level in (0, 1):
        return f"β = {level:g}"
    return f"β = {level:g}, literal" if is_literal else f"β = {level:g}"


def dropped_name(training: StyleArm, used: str) -> str:
    """Name of the arm of a training in which the style was dropped as often, with what is used of text, picture and face."""
    return f"drop {training.dropping.style:g}, {used}"


TEXT, PICTURE, FACE = "text and face", "picture and face", "face alone"
USES = (TEXT, PICTURE, FACE)
ALPHAS, ZERO_SHOTS = tuple(map(alpha_name, LEVELS)), tuple(map(zero_shot_name, ZERO_SHOT_LEVELS))
BETAS = tuple(map(beta_name, LEVELS))
LITERAL = tuple(beta_name(level, is_literal=True) for level in LEVELS)
FACELESS, ZERO_SHOT_FACELESS = "α = 1, no face", "zero-shot, α = 1, no face"
SHARED, COLUMNS, ZERO_SHOT_SHARED, ZERO_SHOT_MASKS = (
    "one shared face",
    "masks: columns",
    "zero-shot, one shared face",
    "zero-shot, masks: silhouettes",
)
MEAN, RANDOM, NEAREST, FREEZE = (f"silhouettes, background {each}" for each in ("mean", "random", "nearest", "freeze"))
NONE = "silhouettes, background none"
THREE_SHARED, THREE_MASKS = "three, one shared face", "three, silhouettes"
FROZEN_SHARED, FROZEN_MASKS = "three, one shared face, freeze", "three, silhouettes, background freeze"
BARE, BARE_FACELESS = "face not hidden", "face not hidden, no face"
MASKED = (NONE, MEAN, RANDOM, NEAREST, FREEZE)

SEEN_SELDOM = "1,200 steps are few, and who leaves the style out of most of them learns it from the others."
NEVER_SEEN = "FaceStudio has met no style picture whose face is not hidden, and most people fall apart."

ONE = ("identity", *IDENTITY, "recognised", "style", "text", "clear")
SWEEP = ("like picture", "style", "picture's tint", "picture's clothes", "like text", "text's tint", "text's clothes")
SEVERAL = ("identity", "recognised", "style", "picture's tint", "text", "clear")
TWO = (*SEVERAL[:2], "blending", *SEVERAL[2:])
WITH_LEAK = ("leak", *(f"leak, {name}" for name in IDENTITY), "identity", *IDENTITY)


def _apart(arm: str, other: str, *, is_two: bool = True) -> tuple[Claim, ...]:
    return tuple(Claim(metric, arm, other, way) for metric, way in APART if is_two or metric != "blending")


EXPERIMENTS = (
    Experiment(
        "F1",
        "The face input brings the person in, and more with a style picture than with a text (Table 1: without it 0.47, with text "
        "0.71, with a picture 0.86).",
        1,
        (FACELESS, alpha_name(1), alpha_name(0), ZERO_SHOT_FACELESS, zero_shot_name(1)),
        (
            Claim("identity", alpha_name(1), FACELESS, "higher"),
            Claim("identity", alpha_name(0), FACELESS, "higher"),
            Claim(
                "identity",
                alpha_name(1),
                alpha_name(0),
                "higher",
                why="the paper's style pictures show the person asked for, and these show somebody else.",
            ),
            Claim("identity", zero_shot_name(1), ZERO_SHOT_FACELESS, "higher"),
        ),
        ONE,
    ),
    Experiment(
        "F2",
        "α steers from text (0) to style picture (1), and the face stays (section 3.1, Fig. 6).",
        1,
        (*ALPHAS, *ZERO_SHOTS),
        (
            Trend("like picture", ALPHAS, "rises"),
            Trend("style", ALPHAS, "rises"),
            Trend("like text", ALPHAS, "falls"),
            Side("leaning", alpha_name(0), "below 0"),
            Side("leaning", alpha_name(1), "above 0"),
            Trend("like picture", ZERO_SHOTS, "rises"),
            Trend("like text", ZERO_SHOTS, "falls"),
        ),
        ("identity", *SWEEP),
    ),
    Experiment(
        "F3",
        "β mixes two people (section 3.2, Fig. 7): from A to B by the weight of B; what is A's falls, what is B's rises. Mixed faces "
        "have length 1, or are the sum as it stands.",
        1,
        (*BETAS, *LITERAL[1:-1]),
        (
            Trend("like A", BETAS, "falls"),
            Trend("like B", BETAS, "rises"),
            Trend("like A", LITERAL, "falls"),
            Trend("like B", LITERAL, "rises"),
        ),
        ("like A", "like B", "recognised", "clear"),
    ),
    Experiment(
        "F4",
        "Masks keep two people apart where one shared face makes them alike (section 3.2, Eq. 2, Fig. 8); what is nobody's can be lent "
        "in five ways. The silhouettes are those of the people in a true picture, which `freeze` keeps around them.",
        2,
        (SHARED, COLUMNS, *MASKED, ZERO_SHOT_SHARED, ZERO_SHOT_MASKS),
        (*_apart(COLUMNS, SHARED), *_apart(NONE, SHARED), *_apart(ZERO_SHOT_MASKS, ZERO_SHOT_SHARED)),
        TWO,
    ),
    Experiment(
        "F4, three people",
        "The same with three people. Neither the base model nor FaceStudio has seen so many in one picture: they draw one or two, and "
        "silhouettes without faces where what surrounds those of a true picture is kept. The miniature cannot tell whether it holds.",
        3,
        (THREE_SHARED, THREE_MASKS, FROZEN_SHARED, FROZEN_MASKS),
        (
            *_apart(THREE_MASKS, THREE_SHARED, is_two=False),
            *_apart(FROZEN_MASKS, FROZEN_SHARED, is_two=False),
        ),
        SEVERAL,
    ),
    Experiment(
        "F5",
        "Leaving the style out of 64 % of the training makes text and face usable without a picture (section 4.1; 0.64 could be a "
        f"misprint of 0.064). Face alone is zeros in place of a style. Three trainings of {SHORT} steps, shorter than the shipped one.",
        1,
        tuple(dropped_name(training, used) for used in USES for training in DROP_ARMS.values()),
        tuple(
            Claim(metric, dropped_name(OFTEN, used), dropped_name(training, used), "higher", why=SEEN_SELDOM)
            for used, metric in ((FACE, "identity"), (TEXT, "like text"), (TEXT, "identity"))
            for training in SELDOM
        ),
        ("identity", "like picture", "style", "like text", "text", "clear"),
    ),
    Experiment(
        "F6",
        "The style picture's own face is hidden, in training and at use (section 4.1); one that is not hidden at use leaks into the "
        "picture. Hair and neck are never hidden.",
        1,
        (alpha_name(1), BARE, FACELESS, BARE_FACELESS),
        (
            Claim("leak", BARE, alpha_name(1), "higher", why=NEVER_SEEN),
            Claim("leak", BARE_FACELESS, FACELESS, "higher", why=NEVER_SEEN),
            Claim("identity", BARE, alpha_name(1), "lower"),
        ),
        WITH_LEAK,
    ),
)
