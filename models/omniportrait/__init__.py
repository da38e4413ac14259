"""OmniPortrait (ICLR 2026): a pivot in the prompt and guidance by the features of a reference."""
