"""What identity cards cost, on a small photo."""

from __future__ import annotations

import pytest
from likeness.benchmarks.people import identity_cards


def test_size_is_that_of_the_encodings_and_of_what_is_kept(tmp_path):
    sizes = {
        keeps: identity_cards.measure(tmp_path, 1, 64, ("UniPortrait",), keeps)[2] for keeps in ("nothing", "photos")
    }
    encodings = 4 * (257 * 1280 + 64 * 56 * 56 + 128 * 28 * 28 + 256 * 14 * 14 + 512 * 7 * 7)
    assert 0 < sizes["nothing"] - encodings < 4000
    assert sizes["photos"] - sizes["nothing"] == pytest.approx(3 * (64 * 64 + 224 * 224 + 96 * 96), abs=4000)


def test_what_comes_back_otherwise_is_found_out(tmp_path, monkeypatch):
    real = identity_cards.read_card

    def broken(path):
        card = real(path)
        next(iter(card.encodings.values()))[0].add_(1)
        return card

    monkeypatch.setattr(identity_cards, "read_card", broken)
    with pytest.raises(AssertionError, match="came back as something else"):
        identity_cards.measure(tmp_path, 1, 64, ("IP-Adapter",), "nothing")


def test_a_line_for_each_kind_of_card(monkeypatch, capsys):
    monkeypatch.setattr(identity_cards, "TIMES", 1)
    monkeypatch.setattr("sys.argv", ["identity_cards", "--side", "64"])
    identity_cards.main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 7
    assert all("write" in line and "MB" in line for line in lines[1:])
