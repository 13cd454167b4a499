import sys
import time

print("importing slowly", file=sys.stderr, flush=True)
time.sleep(60)
