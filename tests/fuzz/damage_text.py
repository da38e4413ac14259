"""Damage to texts: configurations, rows, region lists, prompts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

LONG = 100_000  # letters
NUMBER = re.compile(r"-?\d+(\.\d+)?")
STRING = re.compile(r'"[^"\n]*"')
NUMBERS = (
    *("nan", "inf", "-inf", "NaN", "Infinity", "1e400", "-1", "0", "1e308", "9" * 400, "9" * 5000, "0x10", "1_0"),
    *("true", "null", '"1"', "[1]", "{}", "1.5", "-0.0", "2147483648", "18446744073709551616", "1e-400", "१"),
)
STRINGS = (
    *(
        '""',
        '"~nosuchuser"',
        '"~nosuchuser/a"',
        '"/dev/zero"',
        '"../../etc/passwd"',
        '"\\u0000"',
        '"a\\u0000b"',
        '"C:\\\\a"',
        '"{0..99999999}.tar"',
    ),
    *(
        '"' + "a" * 5000 + '"',
        '"' + "a/" * 3000 + '"',
        '"' + "x" * LONG + '"',
        "7",
        "true",
        "[]",
        "{}",
        '"\\ud800"',
        '"*"',
        '"["',
        '"**/*"',
    ),
    *('"none"', '"auto"', '"nan"', '"."', '"loop"', '"pipe"', '"' + "{0..9}" * 12 + '"'),
)
LINES = (
    "\x00",
    "[" * 5000,
    "a = " + "[" * 5000 + "]" * 5000,
    "a" + ".a" * 5000 + " = 1",
    "[a" + ".a" * 2000 + "]",
    "\ufeff",
    "a = 1\na = 2",
    "=",
    "[[a]]",
    "\ud7ff",
    '"""',
    "x" * LONG,
    "a = 1979-05-27T07:32:00Z",
    "[run]",
    "[[run]]",
)


def damage_text(random: Random, text: str) -> tuple[str, str]:
    """A text of keys and values changed in some way, and the name of that way."""
    way = random.choice(("number", "number", "string", "string", "line", "drop", "twice", "letters", "swap"))
    lines = text.splitlines()
    place = random.randrange(len(lines)) if lines else 0
    if way == "number":
        return _replaced(random, NUMBER, NUMBERS, text), way
    if way == "string":
        return _replaced(random, STRING, STRINGS, text), way
    if way == "line":
        lines.insert(place, random.choice(LINES))
    elif way == "drop" and lines:
        del lines[place]
    elif way == "twice" and lines:
        lines.insert(place, lines[random.randrange(len(lines))])
    elif way == "swap" and lines:
        other = random.randrange(len(lines))
        lines[place], lines[other] = lines[other], lines[place]
    elif way == "letters" and text:
        letters = list(text)
        for _ in range(random.choice((1, 3, 9))):
            letters[random.randrange(len(letters))] = random.choice('"[]{}=,.#\n\t\\\x00é𝔸0-')
        return "".join(letters), way
    return "\n".join(lines) + "\n", way


def _replaced(random: Random, pattern: re.Pattern[str], others: Sequence[str], text: str) -> str:
    """A text with one of its numbers or strings replaced."""
    found = list(pattern.finditer(text))
    if not found:
        return text + random.choice(others)
    one = random.choice(found)
    return text[: one.start()] + random.choice(others) + text[one.end() :]


def written(random: Random, words: Sequence[str], *, most: int = 30) -> str:
    """A text of some words in any order; sometimes one of them a hundred thousand letters long."""
    if random.random() < 0.25:
        word = random.choice(words)
        text = (word * (LONG // max(len(word), 1) + 1))[:LONG]
        return random.choice((text, f"{text}{random.choice(words)}", f"{random.choice(words)}{text}"))
    text = "".join(random.choice(words) for _ in range(random.randrange(most)))
    if random.random() < 0.2 and text:
        place = random.randrange(len(text))
        text = (
            text[:place]
            + random.choice(("\ud800", "\udfff", "\x00", "\u202e", "😀", "e\u0301", "\u2028", "\x85"))
            + text[place:]
        )
    return text
