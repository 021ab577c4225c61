"""Sends to a queue what HelseNorge's library could send over AMQP 1.0, and what it should not."""
import sys
import uuid
from proton import Message, ulong
from proton.utils import BlockingConnection

address, vhost, user, password = sys.argv[1:]
connection = BlockingConnection(
    "amqp://" + address, timeout=10, allowed_mechs="PLAIN", virtual_host="vhost:" + vhost, user=user, password=password)
sender = connection.create_sender("/exchange/NHNTESTServiceBus/93238_async")


def send(message_id, body=b"<a/>"):
    sender.send(Message(
        id=message_id, subject="DIALOG_INNBYGGER_EKONTAKT", address="93238_async", reply_to="/queue/93252_async",
        correlation_id="c1", content_type="application/pkcs7-mime", body=body, inferred=True,
        properties={"fromHerId": "93252", "count": 7, "norsk": "bl\u00e5b\u00e6r"}))


for n in range(90):
    if n == 30:
        send(uuid.uuid4())
    if n == 60:
        send(ulong(17))
    send("%05d" % n)
send("00090", "<a/>")
connection.close()
