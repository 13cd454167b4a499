"""A project as it lies on disk, read into facts with their places; nothing of it is run or imported."""
