"""Protocols: what is drawn and measured, as files say it."""
