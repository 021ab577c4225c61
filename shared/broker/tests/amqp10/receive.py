"""Prints the next message of a queue as an AMQP 1.0 receiver sees it."""
import sys
from proton.utils import BlockingConnection

address, vhost, user, password = sys.argv[1:]
connection = BlockingConnection(
    "amqp://" + address, timeout=10, allowed_mechs="PLAIN", virtual_host="vhost:" + vhost, user=user, password=password)
receiver = connection.create_receiver("/amq/queue/93252_async")
m = receiver.receive(timeout=5)
print(m.id, m.subject, m.address, m.reply_to, m.correlation_id, m.content_type, m.durable, m.ttl, m.properties, bytes(m.body), sep="|")
receiver.accept()
connection.close()
