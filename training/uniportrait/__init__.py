"""Training of UniPortrait: both stages, their pictures, people and losses."""
