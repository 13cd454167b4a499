"""The in-worker half of each server: hooks and closing connections, one file a server."""
