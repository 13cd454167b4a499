"""The audit of an existing project: rules ask its facts, and say what will break in production, and where."""
