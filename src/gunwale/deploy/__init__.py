"""Replacing a version by the next: the recipe, the balancers and the platforms it runs on."""
