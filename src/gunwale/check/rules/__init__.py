"""One file a rule, found by its name; its docstring is its page and its test (docs/writing-rules.md).

Rules never import one another.
"""
