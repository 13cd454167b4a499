"""An application whose process dies a moment after its start."""

import os
import threading

from probe import application

threading.Timer(0.5, os._exit, args=(9,)).start()

__all__ = ["application"]
