#!/usr/bin/env python3
"""One total for the whole room: everyone can change it, everyone sees it."""

import re
import sys

# Nine digits are plenty, and keep a client from stopping the room with a million of them.
NUMBER = re.compile(r"[+-]?[0-9]{1,9}")


def step(message):
    """What a message adds to the total: 0 when it is no number."""
    if message in ("+", "-"):
        message += "1"
    return int(message) if NUMBER.fullmatch(message) else 0


total = 0
for line in sys.stdin:
    total += step(line.strip())
    # Python keeps what it prints into a pipe until some kilobytes have come together, unless it is told to flush.
    print(total, flush=True)
