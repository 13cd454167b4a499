"""Platforms that a roll-out runs on, one file each; they do not know one another."""
