"""What a team has beside its own gunicorn command: hooks, a worker class and a logger class of its own."""

import os
from pathlib import Path

from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

RECORD = Path(__file__).with_name("record")


def record(*words):
    with RECORD.open("a") as file:
        file.write(" ".join(str(word) for word in words) + "\n")


def at_exit():
    record("at_exit", os.getpid(), os.getppid())


def failing():
    record("failing")
    raise RuntimeError("the exit went wrong")


class Worker(ThreadWorker):
    def init_process(self):
        record("Worker", os.getpid())
        super().init_process()


class Log(Logger):
    def info(self, msg, *args, **kwargs):
        super().info(f"own log: {msg}", *args, **kwargs)


class Application:
    def __init__(self):
        record("loaded", os.getpid())

    def __call__(self, _environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"{os.getpid()} {os.environ.get('RELEASE', '')}".encode()]


def create_app(name="shop"):
    return Application()
