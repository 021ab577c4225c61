#!/usr/bin/python3
"""HelseNorge over AMQP 1.0, with the client library that other vendors use (Debian package python3-qpid-proton).

  helsenorge.py send QUEUE [--properties FILE] [--body FILE]
  helsenorge.py receive QUEUE [--count N] [--timeout SECONDS]

The broker is NHN_AMQP_URL (amqp://user:password@host:port/vhost), the namespace NHN_EXCHANGE.

`send` reads the properties as JSON from the file or standard input:
  {"message_id": "…", "to": "…", "subject": "…", "reply_to": "…", "correlation_id": "…", "content_type": "…", "ttl_ms": 15000,
   "application": {"fromHerId": "…"}, "body": "base64, unless there is a --body", "durable": false, "uuid_ids": false}
Ids are strings unless `uuid_ids` says otherwise. The body goes into one data section.

`receive` prints one JSON object for each message, and takes it off the queue.
"""

import argparse
import base64
import json
import os
import sys
import time
import uuid
from urllib.parse import quote, unquote, urlsplit

from proton import Message, ProtonException, Timeout, symbol
from proton.utils import BlockingConnection, LinkDetached, SendException


def connect(timeout):
    url = urlsplit(os.environ["NHN_AMQP_URL"])
    vhost = unquote(url.path[1:]) or "/"
    scheme = "amqps" if url.scheme == "amqps" else "amqp"
    port = url.port or (5671 if scheme == "amqps" else 5672)
    return BlockingConnection(
        f"{scheme}://{url.hostname}:{port}",
        timeout=timeout,
        user=unquote(url.username or "guest"),
        password=unquote(url.password or "guest"),
        allowed_mechs="PLAIN",
        virtual_host=f"vhost:{vhost}",
    )


def send(arguments):
    with open(arguments.properties, encoding="utf-8") if arguments.properties else sys.stdin as source:
        given = json.load(source)
    if arguments.body:
        with open(arguments.body, "rb") as source:
            body = source.read()
    else:
        body = base64.b64decode(given.get("body", ""))
    identifier = uuid.UUID if given.get("uuid_ids") else str
    # inferred: bytes become a data section and not a value.
    message = Message(body=body, inferred=True, durable=bool(given.get("durable")))
    if given.get("message_id") is not None:
        message.id = identifier(given["message_id"])
    if given.get("correlation_id") is not None:
        message.correlation_id = identifier(given["correlation_id"])
    if given.get("to") is not None:
        message.address = given["to"]
    if given.get("subject") is not None:
        message.subject = given["subject"]
    if given.get("reply_to") is not None:
        message.reply_to = given["reply_to"]
    if given.get("content_type") is not None:
        message.content_type = symbol(given["content_type"])
    if given.get("ttl_ms"):
        message.ttl = given["ttl_ms"] / 1000
    message.properties = {key: str(value) for key, value in given.get("application", {}).items()}

    connection = connect(arguments.timeout)
    try:
        exchange, queue = quote(os.environ["NHN_EXCHANGE"], safe=""), quote(arguments.queue, safe="")
        connection.create_sender(f"/exchange/{exchange}/{queue}").send(message)
    finally:
        connection.close()


def receive(arguments):
    connection = connect(arguments.timeout)
    try:
        receiver = connection.create_receiver(f"/amq/queue/{quote(arguments.queue, safe='')}", credit=arguments.count)
        deadline = time.monotonic() + arguments.timeout
        for _ in range(arguments.count):
            try:
                message = receiver.receive(timeout=max(0.01, deadline - time.monotonic()))
            except Timeout:
                break
            print(json.dumps(described(message), ensure_ascii=False), flush=True)
            receiver.accept()
    finally:
        connection.close()


def described(message):
    body = message.body
    raw = bytes(body) if isinstance(body, (bytes, memoryview)) else str(body).encode()
    application = message.properties or {}
    return {
        "properties": {
            "message_id": text(message.id),
            "to": message.address,
            "subject": message.subject,
            "reply_to": message.reply_to,
            "correlation_id": text(message.correlation_id),
            "content_type": text(message.content_type) or None,
            "ttl_ms": round(message.ttl * 1000) or None,
            "application": {key: text(value) for key, value in application.items()},
        },
        "message_id_type": type(message.id).__name__,
        "correlation_id_type": type(message.correlation_id).__name__,
        "application_types": sorted({type(value).__name__ for value in application.values()}),
        "annotations": sorted(str(key) for key in (message.annotations or {})),
        "durable": message.durable,
        "body": base64.b64encode(raw).decode(),
        "body_is_data": message.inferred and isinstance(body, (bytes, memoryview)),
    }


def text(value):
    return None if value is None else str(value)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    sending = verbs.add_parser("send", help="send one message")
    sending.add_argument("queue")
    sending.add_argument("--properties", help="JSON file; standard input without")
    sending.add_argument("--body", help="file")
    sending.add_argument("--timeout", type=float, default=10)
    sending.set_defaults(run=send)
    receiving = verbs.add_parser("receive", help="take messages off a queue")
    receiving.add_argument("queue")
    receiving.add_argument("--count", type=int, default=1)
    receiving.add_argument("--timeout", type=float, default=10)
    receiving.set_defaults(run=receive)
    arguments = parser.parse_args()
    try:
        arguments.run(arguments)
    except SendException as error:
        sys.exit(f"no queue took the message: {error}")
    except (ProtonException, LinkDetached, OSError) as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
