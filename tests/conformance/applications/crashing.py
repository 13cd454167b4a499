"""An application whose process dies a moment after its start: CRASH_AFTER seconds."""

import os
import threading

from probe import application

threading.Timer(float(os.environ["CRASH_AFTER"]), os._exit, args=(9,)).start()

__all__ = ["application"]
