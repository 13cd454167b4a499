"""The syntaxes several formats share, as nodes with their places."""
