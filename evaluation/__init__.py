"""Measuring likeness: statistics today, protocols and reports as they come."""
