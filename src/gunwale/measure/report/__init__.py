"""A rehearsal as one self-contained HTML page."""
