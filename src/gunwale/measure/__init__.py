"""Measurements: load, and what was lost under it."""
