"""The report of FaceStudio's claims."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..claims import Claim, Experiment
from ..report import picture_row, portrait_row, save_rows, section, write_lines
from .arms import other_people
from .experiments import BETAS, EXPERIMENTS, MASKED, NONE, alpha_name
from .gallery import StyledGallery

FURTHER = {  # differences that are only reported, by experiment
    "F2": (Claim("identity", alpha_name(1), alpha_name(0), "about the same"),),
    "F4": tuple(
        Claim(metric, arm, NONE, "higher")
        for arm in MASKED[1:]
        for metric in ("identity", "recognised", "blending", "style")
    ),
}


def write_styled_report(folder: Path, gallery: StyledGallery, experiments: Sequence[Experiment] = EXPERIMENTS) -> Path:
    """Write `facestudio.md` and its pictures into a folder; return the path.

    Args:
        folder: of the reports.
        gallery: what was drawn.
        experiments: whose sections are written; others that the file has stay.
    """
    lines = ["# FaceStudio's claims in the miniature", "", *notes(gallery), ""]
    limits = {people: gallery.limits(people) for people in {each.people for each in experiments}}
    for experiment in experiments:
        lines += section(experiment, gallery.values, limits[experiment.people])
        for claim in FURTHER.get(experiment.name, ()):
            lines.append(f"- {claim.difference}: {claim.test(gallery.values)[0]}")
        lines += _few(gallery, experiment)
        asked = gallery.questions[experiment.people]
        rows = {"portraits": portrait_row(asked.asked.references), "style pictures": picture_row(asked.pictures)}
        if experiment.arms[0] == BETAS[0]:
            rows["portraits of B"] = portrait_row(other_people(asked.asked.references))
        rows |= {arm: picture_row(gallery.pictures[arm]) for arm in experiment.arms}
        lines += save_rows(folder, experiment.name, rows)
    return write_lines(folder / "facestudio.md", lines, keeps=len(experiments) < len(EXPERIMENTS))


def notes(gallery: StyledGallery) -> list[str]:
    """Return what stands before the report: how pictures were drawn and what the numbers are."""
    renderer, pictures = gallery.renderer, len(gallery.questions[1])
    settings = renderer.settings
    return [
        f"{pictures} pictures an arm where nothing else is said, the same noise, captions, portraits and style pictures in all of them; "
        f"people and world are ones that no network has seen. {settings.steps} steps of Euler, guidance {settings.guidance:g} for FaceStudio's "
        f"own weights and {renderer.adapted.guidance:g} for zero-shot, a plain IP-Adapter with FaceID beside the caption. Means with "
        "bootstrap intervals of 95 %, differences paired; a claim holds if the interval lies on the expected side, does not hold here "
        "if it lies on the other, and is undecided if the border lies inside. Spearman's coefficient is that of the arms' means, its "
        "interval over pictures. Written by `make bench-miniature`; it says nothing about real models.",
        "",
        "A style picture shows other people, in one of three drawing styles and before another tint than the caption's. FaceStudio reads "
        "no text: a caption comes in by the prior (α below 1), which learned from flat pictures, so that a text also says *flat*. "
        "*identity* is the mean of skin, hair colour and eyes of those on the portraits (chance .19), *text* the share of what the caption "
        "says, *recognised* whether the judge picks everybody out of a line-up with 8 strangers, *blending* how far two faces agree "
        "beyond what the two people do, *style* whether the picture is drawn as the style picture (a third of these are flat), *clear* how "
        "sure the judge is. *like picture* is the mean of style, tint and clothes of the style picture, *like text* that of the caption's "
        "tint and clothes (chance .25 and .17); patterns are left out, which the image encoder hardly tells. *like A* and *like B* count "
        "what tells the two apart; *leak* is the identity of the style picture's own people.",
    ]


def _few(gallery: StyledGallery, experiment: Experiment) -> list[str]:
    """A line where arms have fewer pictures than there are questions."""
    whole = len(gallery.questions[experiment.people])
    counts = {len(next(iter(gallery.values[arm].values()))) for arm in experiment.arms} - {whole}
    said = len(gallery.questions[1])
    if not counts and whole == said:
        return []
    return ["", f"Pictures of some arms: {', '.join(map(str, sorted(counts | {whole})))}."]
