"""The limit of sign-in: `bcrypt.checkpw` on every core and nothing else; prints checks a second."""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import bcrypt

seconds, cost = float(sys.argv[1]), int(sys.argv[2])
password = b"a password of the benchmark"
stored = bcrypt.hashpw(password, bcrypt.gensalt(cost))
start = time.perf_counter()


def check(_: int) -> int:
    """Check until the time is over; bcrypt lets go of the interpreter's lock meanwhile."""
    done = 0
    while time.perf_counter() - start < seconds:
        assert bcrypt.checkpw(password, stored)
        done += 1
    return done


cores = os.cpu_count() or 1
with ThreadPoolExecutor(cores) as pool:
    checks = sum(pool.map(check, range(cores)))
print(checks / (time.perf_counter() - start))
