"""One file a program that start paths run through: a server, a shell, an interpreter, a wrapper.

A program is a module with ``NAMES`` (of its command) and ``follow(call, path)``, which returns a Server, a
NotWeb, an Unknown, or what another call comes to: `path.follow(call.with_words(…))`. It is found by its file
name. Programs never import one another.
"""
