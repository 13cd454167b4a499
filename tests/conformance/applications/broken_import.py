import no_such_module_of_ours  # noqa: F401
