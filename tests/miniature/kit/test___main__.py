"""The command begins a folder of its own, or runs the protocol that is named."""

from __future__ import annotations

from likeness.evaluation.protocol.file import read_protocol
from likeness.miniature.kit import __main__ as module
from likeness.miniature.kit.built_in import KIT


def test_a_new_folder_is_begun_and_run(tmp_path, monkeypatch):
    called = []
    monkeypatch.setattr(module, "run", lambda given, **names: called.append((given, names)) or 0)
    assert module.main(["--new", str(tmp_path / "new"), "--ray"]) == 0
    assert module.main([str(tmp_path / "p.toml")]) == 0
    (first, names), (second, _) = called
    assert first == [str(tmp_path / "new" / "protocol.toml"), "--ray"]
    assert second == [str(tmp_path / "p.toml")]
    assert names["home"] == "likeness.miniature.kit.built_in"
    assert len(read_protocol(first[0], KIT).people) == module.PEOPLE
