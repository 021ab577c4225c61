#!/usr/bin/python3
"""Lists test programs that cargo has built, from its JSON messages on standard input: package, its folder, and the program."""

import json
import os
import sys

for line in sys.stdin:
    message = json.loads(line)
    if message["reason"] == "compiler-artifact" and message["executable"] and message["profile"]["test"]:
        folder = os.path.dirname(message["manifest_path"])
        print(os.path.basename(folder), folder, message["executable"], sep="\t")
