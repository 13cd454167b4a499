"""What is joined of the Python files: where a module lies, values, applications, configuration, routes.

Each function takes the project; rules ask by `project.derive(function)`, so each is worked out once.
"""
