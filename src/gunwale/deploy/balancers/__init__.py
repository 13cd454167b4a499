"""Balancers that a roll-out steers, one file each; they do not know one another."""
