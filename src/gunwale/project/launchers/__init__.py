"""One file a way to start the application: which commands of the project's files a deployment runs.

A launcher is a module with ``launches(project)``, which yields `gunwale.project.launch.Launch`.
It is found by its file name. Launchers never import one another.
"""
