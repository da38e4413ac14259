"""From a recogniser's cosine to a percentage: what is known of pairs of one person and of two.

A calibration is a JSON file with its source, its counts and both distributions. It belongs to one recogniser: the same cosine
says other things with other weights, so a recogniser without a file of its own has no percentage.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CorruptModelFileError, InvalidSettingError, first_line

FOLDER = Path(__file__).parent / "calibrations"
FORMAT = 1
MOST_BYTES = 1 << 20  # of a data file
MOST_PAIRS = 1 << 50
BINS = 100  # of the cosines from -1 to 1
LEAST_PEOPLE, LEAST_PAIRS = 100, 300  # photos of ten people are no calibration
NOT_CALIBRATED = "not calibrated"


@dataclass(frozen=True, slots=True)
class Distribution:
    """How alike pairs of faces are.

    Attributes:
        people: how many different people the pairs are of.
        pairs: how many pairs there are.
        histogram: pairs by cosine, in equal bins from -1 to 1.

    Raises:
        InvalidSettingError: if it is too little to tell anything, or the counts contradict each other.
    """

    people: int
    pairs: int
    histogram: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.people < LEAST_PEOPLE or self.pairs < LEAST_PAIRS:
            raise InvalidSettingError(
                f"{self.pairs} pairs of {self.people} people are no calibration; take at least {LEAST_PAIRS} pairs of "
                f"{LEAST_PEOPLE} people."
            )
        if len(self.histogram) != BINS or min(self.histogram) < 0 or sum(self.histogram) != self.pairs:
            raise InvalidSettingError(
                f"A histogram of {len(self.histogram)} bins holds {sum(self.histogram)} pairs; it needs {BINS} bins with "
                f"all {self.pairs} pairs."
            )

    @classmethod
    def of(cls, cosines: np.ndarray, people: int) -> Distribution:
        """The distribution of measured cosines, (pairs,), -1 to 1.

        Raises:
            InvalidSettingError: see the class.
        """
        counts, _ = np.histogram(np.clip(cosines, -1, 1), BINS, (-1, 1))
        return cls(people, len(cosines), tuple(int(count) for count in counts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What a cosine of one recogniser says.

    Attributes:
        recogniser: the key of its weights, see `FaceRecogniser`.
        source: where the pairs are from, a sentence for reports.
        same: pairs of one person.
        different: pairs of two people.
    """

    recogniser: str
    source: str
    same: Distribution
    different: Distribution

    def percentage(self, cosine: float) -> float:
        """How likely two faces of this cosine are one person, where one person and two are equally likely beforehand.

        The share of same-person pairs among the pairs of about that cosine, both kinds weighed alike, made to rise with the
        cosine (isotonic regression), and no surer than the smaller number of pairs allows.

        Args:
            cosine: -1 to 1.

        Returns:
            0–100; NaN for NaN.
        """
        if math.isnan(cosine):
            return math.nan
        return float(np.interp(cosine, _middles(), _shares(self.same.histogram, self.different.histogram)))

    @property
    def threshold(self) -> float:
        """The cosine from which on two faces are rather one person: where the percentage reaches 50."""
        return float(np.interp(50, _shares(self.same.histogram, self.different.histogram), _middles()))


def find(recogniser: str, folder: Path = FOLDER) -> Calibration | None:
    """The calibration of the recogniser with a key; None where nobody has made one.

    Raises:
        CorruptModelFileError: if a file of the folder cannot be read.
    """
    return next((each for each in _all(folder) if each.recogniser == recogniser), None)


def write(path: Path, calibration: Calibration) -> None:
    """Write the data file."""
    lines = (
        f" {json.dumps(name)}: {json.dumps(value)}" for name, value in {"format": FORMAT, **asdict(calibration)}.items()
    )
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def read(path: Path) -> Calibration:
    """Read a data file.

    Raises:
        CorruptModelFileError: naming the file and what is wrong with it.
    """
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            raise InvalidSettingError(f"it is no file of at most {MOST_BYTES:,} bytes")
        said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if said.pop("format") != FORMAT:
            raise InvalidSettingError(f"its format is not {FORMAT}")
        same, different = (_distribution(said.pop(name)) for name in ("same", "different"))
        recogniser, source = said.pop("recogniser"), said.pop("source")
        if said:
            raise InvalidSettingError(f"it has keys that no calibration has: {', '.join(said)}")
        if not isinstance(recogniser, str) or not isinstance(source, str):
            raise InvalidSettingError("its recogniser and its source are no texts")
        return Calibration(recogniser=recogniser, source=source, same=same, different=different)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptModelFileError(
            f'"{path.name}" is no calibration ({first_line(error)}); take the file that came with this pack, or make it again.'
        ) from error


@cache
def _all(folder: Path) -> tuple[Calibration, ...]:
    return tuple(read(path) for path in sorted(folder.glob("*.json")))


def _distribution(said: dict[str, Any]) -> Distribution:
    people, pairs, *histogram = said["people"], said["pairs"], *said["histogram"]
    if not all(type(count) is int and count <= MOST_PAIRS for count in (people, pairs, *histogram)):
        raise InvalidSettingError("its counts are no whole numbers")
    return Distribution(people, pairs, tuple(histogram))


def _middles() -> np.ndarray:
    return (np.arange(BINS) + 0.5) * 2 / BINS - 1


@cache
def _shares(same: tuple[int, ...], different: tuple[int, ...]) -> np.ndarray:
    """The percentage in the middle of every bin, rising; bins without a pair say what lies between their neighbours."""
    alike, unlike = np.array(same) / sum(same), np.array(different) / sum(different)
    there = np.flatnonzero(alike + unlike)
    weights = (alike + unlike)[there]
    rising = _isotonic(alike[there] / weights, weights)
    surest = 1 - 1 / (min(sum(same), sum(different)) + 1)
    limited = np.clip(rising, 1 - surest, surest)
    return 100 * np.interp(np.arange(BINS), there, limited)


def _isotonic(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The rising values next to these in weighted squares (pool adjacent violators)."""
    blocks: list[tuple[float, float, int]] = []  # mean, weight, length
    for value, weight in zip(values, weights, strict=True):
        blocks.append((float(value), float(weight), 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (mean, heavy, length), (last, light, more) = blocks[-2:]
            total = heavy + light
            blocks[-2:] = [((mean * heavy + last * light) / total, total, length + more)]
    return np.repeat([mean for mean, _, _ in blocks], [length for _, _, length in blocks])
