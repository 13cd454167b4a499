"""Proxies, one file a product, by their names: each says where its files hand requests on.

A module has `passages(project)`, which yields a `Passage` (project/passage.py) for every such place.
"""
