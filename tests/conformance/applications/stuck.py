"""An application whose requests get stuck, each in another way."""

import socket
import time

from probe import TEXT, index, number
from probe import application as probe

SILENT = socket.create_server(("127.0.0.1", 0))  # a database that accepts, and then says nothing


def application(environ, start_response):
    stuck = STUCK.get(environ["PATH_INFO"])
    if stuck is not None:
        stuck()
        return index(environ, start_response)
    if environ["PATH_INFO"] == "/ticks":
        start_response("200 OK", [*TEXT])
        return ticks(number(environ, "seconds", 5))
    return probe(environ, start_response)


def ticks(seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield b"tick\n"
        time.sleep(0.2)
    yield b"end\n"


def spins_forever():
    while True:
        pass


def waits_for_the_database():
    with socket.create_connection(SILENT.getsockname()) as connection:
        connection.recv(1)


def sleeps_forever():
    time.sleep(10_000)


def holds_the_lock():
    sum(range(10**12))  # one call into C, which never gives the interpreter's lock away


STUCK = {
    "/spins": spins_forever,
    "/database": waits_for_the_database,
    "/sleeps": sleeps_forever,
    "/holds": holds_the_lock,
}
