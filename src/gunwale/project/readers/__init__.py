"""One file a format: which files are of it, and what each says.

A reader is a module with ``TOPIC`` (of what a file that cannot be read leaves unchecked), ``is_one(path)``
(by the file's name alone), ``read(source)``, and the class of what it returns: `Project.of(Class)` finds the
reader by the class's module. ``read`` returns None for a file that is none of its own after all, and raises
UnreadableError for one that it cannot read. Readers never import one another.
"""
