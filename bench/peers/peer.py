"""What the peers in Python have in common. peer.go describes the requests."""

import sys
import threading
import time
from unittest.mock import MagicMock


def missing(reason):
    print("missing", " ".join(str(reason).split()), flush=True)
    sys.exit(0)


def stand_in(*names):
    """Lets packages be imported without their large dependencies, which are not used here."""
    for name in names:
        sys.modules.setdefault(name, MagicMock())


try:
    import numpy as np
except ImportError as error:
    missing(error)


def copy(dst, src, threads):
    if threads == 1:
        np.copyto(dst, src)
        return
    each = -(-len(src) // threads)
    parts = [
        threading.Thread(target=np.copyto, args=(dst[i : i + each], src[i : i + each]))
        for i in range(0, len(src), each)
    ]
    for part in parts:
        part.start()
    for part in parts:
        part.join()


def timed(work):
    """Returns the nanoseconds that work takes."""
    start = time.perf_counter_ns()
    work()
    return time.perf_counter_ns() - start


def serve(prepare):
    """Reads the weights, calls prepare(pieces, threads) and answers requests. prepare returns the size of a weight
    or an exponent in bits, and a function for every request. The functions take the number of threads and the
    piece. They return nanoseconds, followed by the number of weights if these are not all of the piece."""
    lines = sys.stdin.buffer
    pieces, threads = map(int, lines.readline().split())
    lengths = [int(lines.readline()) for _ in range(pieces)]
    weights = np.frombuffer(lines.read(2 * sum(lengths)), dtype="<u2")
    copied = np.ones_like(weights)
    ends = np.cumsum(lengths)
    spans = [slice(end - length, end) for end, length in zip(ends, lengths)]
    bits, do = prepare([weights[s] for s in spans], threads)
    do["memcpy"] = lambda threads, p: timed(lambda: copy(copied[spans[p]], weights[spans[p]], threads))
    print("ok", bits, flush=True)
    for line in lines:
        what, threads, p = line.decode().split()
        took = do[what](int(threads), int(p))
        took, done = took if isinstance(took, tuple) else (took, lengths[int(p)])
        print(done, took, flush=True)
