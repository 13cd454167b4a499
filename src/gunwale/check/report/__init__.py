"""One file a format, named as ``--format`` names it, with ``write(report)``: the whole output as a text."""
