"""How steady detectors are."""
