"""Where the miniature's weights lie: beside the code, in the repository."""

from __future__ import annotations

from pathlib import Path

PACK = Path(__file__).resolve().parents[2]
WEIGHTS = PACK / "miniature" / "weights"
BASE = WEIGHTS / "base.safetensors"
FACES = WEIGHTS / "faces.safetensors"
UNIPORTRAIT = WEIGHTS / "uniportrait.safetensors"
CONSISTENTID = WEIGHTS / "consistentid.safetensors"
OMNIPORTRAIT = WEIGHTS / "omniportrait.safetensors"
JUDGE = WEIGHTS / "judge.safetensors"
PORTRAITS = tuple(PACK / "workflows" / "portraits" / f"miniature-person-{number}.png" for number in (1, 2))
