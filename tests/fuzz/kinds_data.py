"""What training and evaluation read: manifests, shards, configurations, protocols, checkpoints of a run."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from likeness.dataset.check import check
from likeness.dataset.rows import ManifestRows, ShardRows
from likeness.evaluation.protocol.file import read_protocol
from likeness.tests.evaluation import small_kit
from likeness.tests.training import small_config
from likeness.tests.training.small_pictures import (
    class_map,
    person,
    row,
    sample,
    vector,
    write_manifest,
    write_pictures,
    write_shard,
)
from likeness.tests.training.small_run import config_for, trained
from likeness.training.config.file import read_config
from likeness.training.methods import CONFIGS
from likeness.training.run_folder import checkpoints

from .damage_bytes import damage_bytes, put_elsewhere
from .damage_text import damage_text
from .damage_weights import Running
from .forked import Attempt

ROWS = 4
PLACE_SHARE = 0.15  # of cases in which something else stands in a file's place
PATTERNS = (
    "{0..99999999}.tar",
    "*.tar",
    "{00..03}{0..9}.tar",
    "[.tar",
    "**",
    "~nosuchuser/*.tar",
    "a" * 5000,
    "/dev/zero",
    "",
    "{9..0}.tar",
)
CHANGES = (
    *({}, small_config.STAGE2_KEYS, small_config.PIVOT_KEYS, small_config.FACEID_KEYS, small_config.FACESTUDIO_KEYS),
    small_config.PRIOR_KEYS,
)
RUN = "run"
CHOSEN = "damaged"  # file that says which of several configurations is
STEPS = 2


@dataclass(frozen=True, slots=True)
class FolderKind:
    """A folder of files of which one is damaged.

    Attributes:
        name: of the row in the table.
        write: writes the sound folder.
        damage: damages something in a copy; returns the way.
        read: uses the copy.
    """

    name: str
    write: Callable[[Path], object]
    damage: Callable[[Random, Path], str]
    read: Callable[[Path, Random], object]

    def prepare(self, folder: Path) -> None:
        """The sound folder."""
        self.write(folder)

    def sound(self, base: Path, folder: Path) -> Attempt:
        """A copy, read."""
        shutil.copytree(base, folder, dirs_exist_ok=True)
        (folder / CHOSEN).write_text("0", encoding="utf-8")
        return Attempt(lambda: self.read(folder, Random(1)), "")

    def attempt(self, random: Random, base: Path, folder: Path) -> Attempt:
        """A copy with damage, read."""
        shutil.copytree(base, folder, dirs_exist_ok=True)
        damage = self.damage(random, folder)
        return Attempt(lambda: self.read(folder, random), damage)


def damage_file(random: Random, path: Path) -> str:
    """Damage a file as the text that it is, or as bytes, or put something else in its place."""
    if random.random() < PLACE_SHARE:
        return f"{path.name} {put_elsewhere(random, path)}"
    content = path.read_bytes()
    if path.suffix in (".jsonl", ".json", ".toml") and random.random() < 0.75:
        text, way = damage_text(random, content.decode("utf-8"))
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
    else:
        content, way = damage_bytes(random, content)
        path.write_bytes(content)
    return f"{path.name} {way}"


def _write_manifest(folder: Path) -> None:
    rows = [
        row(number, person(identity="ann", parse="map.png", arcface="a.npy#0"), aes=5.0) for number in range(ROWS - 1)
    ]
    rows.append(row(ROWS - 1, person(8, 20, 28), person(44, 20, 28), caption="two people"))
    write_pictures(folder, rows)
    (folder / "map.png").write_bytes(class_map())
    (folder / "a.npy").write_bytes(vector())
    write_manifest(folder, rows)


def _damage_manifest(random: Random, folder: Path) -> str:
    manifest = folder / "manifest.jsonl"
    others = [path for path in sorted(folder.rglob("*")) if path.is_file() and path != manifest]
    return damage_file(random, manifest if random.random() < 0.7 else random.choice(others))


def _write_shards(folder: Path) -> None:
    for number in range(2):
        write_shard(folder / f"{number:02d}.tar", [sample(2 * number), sample(2 * number + 1)])


def _damage_shards(random: Random, folder: Path) -> str:
    path = folder / "00.tar"
    way = random.choice(("file", "header", "header", "member", "pattern"))
    if way == "file":
        return damage_file(random, path)
    content = bytearray(path.read_bytes())
    if way == "header":  # of a tar's first member: name 0–99, mode 100, size 124–135, checksum 148, type 156, link 157
        start, length = random.choice(((0, 100), (124, 12), (156, 1), (157, 100), (257, 8), (345, 155)))
        filler = random.choice(
            (b"\xff", b"7", b"\x80", b"../", b"/", b"A", b"1", b"2", b"3", b"L", b"x", b"S", b"\x00")
        )
        content[start : start + length] = (filler * length)[:length]
        if random.random() < 0.8:
            content[148:156] = b"        "
            content[148:156] = f"{sum(content[:512]):06o}\0 ".encode()
    elif way == "member":
        write_shard(
            path,
            [sample(0), {random.choice(("../ran", "/tmp/ran", "a/b/../../../ran", "", "a" * 300)): b"{}"}, sample(1)],
        )
        return way
    path.write_bytes(bytes(content))
    return way


def _read_shards(folder: Path, random: Random) -> object:
    pattern = random.choice(PATTERNS) if random.random() < 0.3 else "{00..01}.tar"
    return list(check(ShardRows([pattern], folder)))


def _write_configs(folder: Path) -> None:
    for number, changes in enumerate(CHANGES):
        (folder / str(number)).mkdir()
        small_config.write(folder / str(number), changes)


def _read_config(folder: Path, random: Random) -> object:
    return [read_config(each, CONFIGS) for each in _sections(folder, "run.toml")]


def _sections(folder: Path, name: str) -> list[Path]:
    """The damaged file alone, of those of one name."""
    marked = (folder / CHOSEN).read_text("utf-8")
    return [folder / marked / name]


def _damage_one(name: str) -> Callable[[Random, Path], str]:
    def damage(random: Random, folder: Path) -> str:
        chosen = random.choice(sorted(path.name for path in folder.iterdir() if path.is_dir()))
        (folder / CHOSEN).write_text(chosen, encoding="utf-8")
        return damage_file(random, folder / chosen / name)

    return damage


def _write_protocols(folder: Path) -> None:
    more = '[[metric]]\nkind = "distance"\n[[metric]]\nkind = "brightness"\n'
    for number, text in enumerate(("", more)):
        (folder / str(number)).mkdir()
        small_kit.write(folder / str(number), more=text)


def _read_protocol(folder: Path, random: Random) -> object:
    return [read_protocol(each, small_kit.KIT) for each in _sections(folder, "p.toml")]


def _write_run(folder: Path) -> None:
    trained(config_for(folder / RUN, steps=STEPS, save_every=1, ema=0.9))


def _damage_run(random: Random, folder: Path) -> str:
    _, newest = checkpoints(folder / RUN)[-1]
    chosen = random.choice(sorted(path for path in newest.rglob("*") if path.is_file()))
    if random.random() < 0.2:
        chosen.unlink()
        return f"{chosen.name} gone"
    if chosen.suffix in (".pkl", ".bin", ".safetensors") and random.random() < 0.4:
        chosen.write_bytes(pickle.dumps({"a": Running(folder.parent / "ran")}))
        return f"{chosen.name} reduce"
    return damage_file(random, chosen)


def _go_on(folder: Path, random: Random) -> object:
    run = trained(config_for(folder / RUN, steps=STEPS + 1, save_every=1, ema=0.9))
    return [parameter.detach() for parameter in run.parameters]


KINDS = (
    FolderKind(
        "manifest and its pictures",
        _write_manifest,
        _damage_manifest,
        lambda folder, random: list(check(ManifestRows(folder / "manifest.jsonl"))),
    ),
    FolderKind("shards (tar)", _write_shards, _damage_shards, _read_shards),
    FolderKind("configuration of training (TOML)", _write_configs, _damage_one("run.toml"), _read_config),
    FolderKind("protocol of an evaluation (TOML)", _write_protocols, _damage_one("p.toml"), _read_protocol),
    FolderKind("checkpoint of a run", _write_run, _damage_run, _go_on),
)
