#!/usr/bin/python3
"""Walks every command that a journal system can send, with an ordinary AMQP client and the published schemas.

Wants a running fleet with the example clinic, and a prescription request and a wish for an appointment that wait for their answers:
    deploy/demo.sh --stay && eval "$(deploy/demo.sh --env)" && dialogpost schema --dir target/schemas
    /usr/bin/python3 deploy/epj.py target/schemas      # Debian's python3-pika and python3-jsonschema
"""
import base64
import json
import os
import pathlib
import sys
import time
import uuid
from datetime import datetime, timedelta, timezone

import jsonschema
import pika

CLINIC, PATIENT, OTHER = 8141333, "15868549960", "47819030045"  # synthetic
SUFFIX = ".schema.json"
schemas = {path.name.removesuffix(SUFFIX): json.loads(path.read_text()) for path in pathlib.Path(sys.argv[1]).glob("*" + SUFFIX)}
walked = set()
channel = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"])).channel()
answers = channel.queue_declare("", exclusive=True).method.queue


def ask(name, actor="kari", **arguments):
    """Sends a command and waits for its answer; sent again under the same id it would get the same."""
    command = {"command": name, "version": 1, "id": str(uuid.uuid4()), "clinic": CLINIC, "actor": actor, "arguments": arguments}
    jsonschema.validate(command, schemas[name])
    properties = pika.BasicProperties(reply_to=answers, correlation_id=command["id"], delivery_mode=2)
    channel.basic_publish("", "dialogpost.clinic-commands", json.dumps(command).encode(), properties)
    for _, got, body in channel.consume(answers, auto_ack=True, inactivity_timeout=30):
        if body is None:
            sys.exit(f"{name}: no answer within 30 s")
        if got.correlation_id == command["id"]:
            break
    answer = json.loads(body)
    jsonschema.validate(answer, schemas["Answer"])
    walked.add(name)
    if answer["outcome"] == "refused":
        sys.exit(f"{name}: {answer['refusal']['norwegian']} ({answer['refusal']['code']})")
    print(f"{name:28} {answer['result']['type']}")
    return answer["result"]


upload = str(uuid.uuid4())
ask("CheckContactability", patients=[PATIENT])
ask("UploadAttachment", upload=upload, part=1, parts=1, bytes=base64.b64encode(b"%PDF-1.7 synthetic").decode())
files = [{"file_name": "svar.pdf", "upload": upload}]
dialog = ask("StartDialog", kind="EKONTAKT", patient=PATIENT, subject="Prøvesvar", text="Alt er fint.", attachments=files)["dialog"]
ask("ReplyToDialog", dialog=dialog, text="Ring oss gjerne.")
ask("ConvertDialog", dialog=dialog, to="EKONSULTASJON")
entries = ask("ShowDialog", dialog=dialog)["dialog"]["entries"]
ask("FetchAttachment", entry=entries[0]["entry"], number=1)
ask("CloseDialog", dialog=dialog, text="Da avslutter vi.")
waiting = {dialog["kind"]: dialog["dialog"] for dialog in ask("ListDialogs", only="unanswered_request")["dialogs"]}
if len(waiting) < 2:
    sys.exit("no prescription request or no wish waits for its answer: run `demo` once more")
ask("AnswerTimeonske", dialog=waiting["TIMEONSKE"], becomes={"type": "unavailable"}, text="Vi har ingen ledige timer.")
ask("AnswerPrescriptionRequest", dialog=waiting["RESEPTFORNYELSE"], choice="renewed", text="Hentes på apoteket.")
day = datetime.now(timezone.utc).replace(hour=8, minute=0, second=0, microsecond=0) + timedelta(days=60)
start = day.isoformat()
ask("ReleaseSlots", timebok="kari-bok", slots=[{"start": start, "appointment_type": "vanlig"}])
booked = ask("BookAppointment", timebok="kari-bok", patient=OTHER, start=start, appointment_type="vanlig")["appointment"]
ask("ShowTimebok", timebok="kari-bok", **{"from": str(day.date())})
ask("ListAppointments", patient=OTHER)
ask("ChangeAppointmentType", appointment=booked, appointment_type="video")
soon = (datetime.now(timezone.utc) + timedelta(seconds=62)).replace(second=0, microsecond=0)
ask("MoveAppointment", appointment=booked, start=soon.isoformat())
print("waiting until the appointment has begun, at most a minute ...", flush=True)
time.sleep((soon - datetime.now(timezone.utc)).total_seconds() + 1)
ask("MarkNoShow", appointment=booked)
ask("CancelAppointment", appointment=booked)
choosable = ask("ShowRecipients")["recipients"]["choosable"]
ask("SetRecipients", actor="siri", kind="EKONTAKT", mode="fast", recipients=[{"group": choosable["groups"][0]["id"]}])
ask("SetRecipients", actor="siri", kind="EKONTAKT", mode="default")
missed = set(schemas) - walked - {"Answer", "Event"}
sys.exit(f"not walked: {', '.join(sorted(missed))}" if missed else 0)
