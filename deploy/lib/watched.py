"""Whether every metric that dashboards and alerts name is one that Dialogpost or RabbitMQ shows.

usage: dialogpost metrics --json | watched.py FILE...
"""

import json
import re
import sys

# Of RabbitMQ's own, those that its documentation of /metrics/detailed names.
OTHERS = {"rabbitmq_detailed_queue_messages", "rabbitmq_detailed_queue_consumers", "up"}

known = set()
for metric in json.load(sys.stdin)["metrics"]:
    suffixes = ["_bucket", "_sum", "_count"] if metric["kind"] == "histogram" else [""]
    known.update(metric["name"] + suffix for suffix in suffixes)

problems, used = [], set()
for path in sys.argv[1:]:
    text = open(path, encoding="utf-8").read()
    for name in set(re.findall(r"\b(?:dialogpost|rabbitmq)_[a-z_]+\b", text)):
        used.add(name)
        if name not in known and name not in OTHERS:
            problems.append(f"{path}: there is no metric {name}")
if not used:
    problems.append("no metric is named at all")
print("\n".join(problems) or f"{len(used)} metrics, all there")
sys.exit(1 if problems else 0)
