"""Weights lie below the folder of models."""

from __future__ import annotations

import pytest
from likeness.evaluation.protocol.weights import Weights


@pytest.mark.parametrize(("kind", "other"), [("file", "folder"), ("folder", "file")])
def test_what_is_not_there_is_named_with_its_folder(tmp_path, kind, other):
    (tmp_path / "clip" / "folder").mkdir(parents=True)
    (tmp_path / "clip" / "file").touch()
    assert Weights(kind).read(f"clip/{kind}", tmp_path) == tmp_path / "clip" / kind
    with pytest.raises(ValueError, match=rf'^the {kind} "{other}" is not in {tmp_path / "clip"}$'):
        Weights(kind).read(f"clip/{other}", tmp_path)
    with pytest.raises(ValueError, match=r"^$"):
        Weights(kind).read(" ", tmp_path)
