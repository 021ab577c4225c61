//! Every kind of message is what the fleet's reader takes it for.

use helsenorge::example::{KARI, OLE, SOLBAKKEN, TROND};
use helsenorge::{ErrorMessage, Generation, Message, Receipt};
use messages::event::DialogKind;
use messages::wire::dialogmelding::Dialogmelding;
use messages::wire::hodemelding::{Content, MsgHead};
use messages::wire::{Incoming, Limits, read};

pub(crate) fn head(message: &Message) -> MsgHead {
    let read = read(&message.build().body, &Limits::default()).unwrap();
    assert_eq!(read.deviations, Vec::<&str>::new());
    let Incoming::MsgHead(head) = read.incoming else { panic!("no MsgHead") };
    *head
}

pub(crate) fn dialog(head: &MsgHead) -> &Dialogmelding {
    let Content::Dialogmelding(dialog) = &head.documents[0].content else { panic!("no dialog") };
    dialog
}

#[test]
fn requests_have_the_right_type_code_and_addresses() {
    for (message, function, type_foresp) in [
        (Message::ekontakt(), "DIALOG_INNBYGGER_EKONTAKT", "HE"),
        (Message::ekonsultasjon(), "DIALOG_INNBYGGER_EKONSULTASJON", "SB"),
        (Message::reseptfornyelse(), "DIALOG_INNBYGGER_RESEPTFORNYELSE", "RFER"),
    ] {
        let head = head(&message);
        assert!(head.msg_type.as_ref().unwrap().is(function));
        assert!(dialog(&head).foresporsel[0].type_foresp.as_ref().unwrap().is(type_foresp));
        assert_eq!(head.sender.unwrap().level_2_her_id(), Some("8093244"));
        assert_eq!(head.receiver.unwrap().level_2_her_id(), Some("8141333"));
        assert_eq!(head.patient.unwrap().national_id().unwrap().expose(), "15868549960");
        assert_eq!(message.build().properties.subject.as_deref(), Some(function));
    }
}

#[test]
fn properties_are_helsenorges_whole_set() {
    let message = Message::ekonsultasjon()
        .to_doctor(SOLBAKKEN, OLE)
        .in_conversation("parent", "first")
        .attachment("bilde.png", "image/png", b"1234")
        .guardian(TROND.nin, TROND.given, TROND.family);
    let sent = message.build();
    let p = &sent.properties;
    assert_eq!(p.message_id.as_deref(), Some(sent.transport_id.as_str()));
    assert_eq!(p.correlation_id, p.message_id);
    assert_eq!(p.to.as_deref(), Some("8141333_async"));
    assert_eq!(p.reply_to.as_deref(), Some("8093244_async"));
    assert_eq!(p.content_type.as_deref(), Some("text/plain"));
    for (key, want) in [
        ("fromHerId", "8093244"),
        ("toHerId", "8141335"),
        ("X-MessageInfo-Type", "DIALOG_INNBYGGER_EKONSULTASJON"),
        ("X-MessageInfo-MsgId", &sent.msg_id),
        ("X-MessageInfo-RefToParent", "parent"),
        ("X-MessageInfo-RefToConversation", "first"),
        ("X-MessageInfo-SchemaNamespace", "http://www.kith.no/xmlstds/dialog/2013-01-23"),
        ("X-Sender-Lvl1Id", "115851"),
        ("X-Sender-Lvl2Id", "8093244"),
        ("X-Receiver-Lvl1Id", "115900"),
        ("X-Receiver-Lvl2Id", "8141335"),
        ("X-AttachmentInfo-Count", "2"),
        ("X-AttachmentInfo-TotalSizeInBytes", "8"),
        ("X-AttachmentInfo-HasExternalReference", "False"),
    ] {
        assert_eq!(p.application(key), Some(want), "{key}");
    }
    let stamp = p.application("applicationTimeStamp").unwrap();
    assert!(stamp.len() == 20 && stamp.ends_with('Z'), "{stamp}");
    assert_eq!(p.application("enqueuedTimeUtc").unwrap().len(), 19);
    for key in ["X-SystemIdentifier", "X-ExecutingAssembly", "X-ExecutingAssemblyVersion", "X-TargetFramework"] {
        assert!(p.application(key).is_some(), "{key}");
    }
    assert_eq!(message.clone().without_metadata().build().properties.application.len(), 8);
    assert_eq!(message.build(), sent, "building is repeatable");
}

#[test]
fn content_is_what_was_asked_for() {
    let message = Message::reseptfornyelse()
        .to_doctor(SOLBAKKEN, KARI)
        .patient(TROND.nin, TROND.given, TROND.family)
        .subject("Emne <å>")
        .text("Første linje\nandre & siste")
        .prescription("Metformin tab 500 mg", "A10BA02", "C")
        .prescription("Sobril tab 15 mg", "N05BA04", "B")
        .msg_id("A76D8934-D4BA-4A22-8F5D-5DF5E3FC5756")
        .ack("N");
    let head = head(&message);
    assert_eq!(head.msg_id.as_deref(), Some("A76D8934-D4BA-4A22-8F5D-5DF5E3FC5756"));
    assert!(head.ack.as_ref().unwrap().is("N"));
    let patient = head.patient.as_ref().unwrap();
    assert!(patient.idents[0].type_id.is("DNR"));
    let foresporsel = &dialog(&head).foresporsel[0];
    assert_eq!(foresporsel.emne_sporsmal.as_ref().unwrap().expose(), "Emne <å>");
    assert_eq!(foresporsel.sporsmal.as_ref().unwrap().expose(), &message.written_text());
    let names = head.documents[1..].iter().map(|d| match &d.content {
        Content::Resept(resept) => resept.name.as_ref().unwrap().expose().as_str(),
        _ => panic!("no prescription"),
    });
    assert_eq!(names.collect::<Vec<_>>(), ["Metformin tab 500 mg", "Sobril tab 15 mg"]);
    let doctor = head.receiver.unwrap().healthcare_professional.unwrap();
    assert_eq!(doctor.family_name.unwrap().expose(), "Lunde");
}

#[test]
fn an_answer_belongs_to_its_conversation() {
    let message = Message::svar().of_kind(DialogKind::EKonsultasjon).in_conversation("b", "a").text("Ja takk");
    let head = head(&message);
    assert!(head.msg_type.as_ref().unwrap().is("DIALOG_INNBYGGER_EKONSULTASJON"));
    let conversation = head.conversation_ref.clone().unwrap();
    assert_eq!((conversation.ref_to_parent.as_deref(), conversation.ref_to_conversation.as_deref()), (Some("b"), Some("a")));
    let notat = &dialog(&head).notat[0];
    assert!(notat.tema_kodet.as_ref().unwrap().is("22"));
    assert_eq!(notat.tekst.as_ref().unwrap().expose(), "Ja takk");
}

#[test]
fn what_is_needed_can_be_left_out() {
    assert_eq!(head(&Message::ekontakt().without_msg_id()).msg_id, None);
    assert_eq!(head(&Message::ekontakt().without_patient()).patient, None);
    assert_eq!(head(&Message::ekontakt().without_ack()).ack, None);
    assert!(head(&Message::ekontakt().without_patient_ident()).patient.unwrap().national_id().is_none());
    assert_eq!(Message::ekontakt().without_msg_id().build().msg_id, "");
    assert_eq!(Message::ekontakt().without_msg_id().build().properties.application("X-MessageInfo-MsgId"), None);
    let bare =
        Message::ekontakt().without_property("subject").without_property("fromHerId").without_property("message-id").build();
    assert_eq!((bare.properties.subject.as_deref(), bare.properties.application("fromHerId")), (None, None));
    assert_eq!(bare.properties.message_id, None);
    let wrong = Message::ekontakt()
        .property("reply-to", "andre_async")
        .property("toHerId", "abc")
        .content_type("x/y")
        .raw_body("<")
        .build();
    assert_eq!(wrong.properties.reply_to.as_deref(), Some("andre_async"));
    assert_eq!(wrong.properties.application("toHerId"), Some("abc"));
    assert_eq!((wrong.properties.content_type.as_deref(), &wrong.body[..]), (Some("x/y"), &b"<"[..]));
    let doctype = Message::ekontakt().replacing("<MsgHead", "<!DOCTYPE x><MsgHead").build();
    assert!(read(&doctype.body, &Limits::default()).is_err());
}

#[test]
fn error_messages_of_three_generations() {
    let mut original = Message::ekontakt().build().properties;
    original.application.insert("fromHerId".into(), SOLBAKKEN.to_string());
    original.application.insert("toHerId".into(), "8093244".into());
    let about = ErrorMessage::about(&original).condition("transport:not-well-formed-xml", "Not XML").data("Label;");
    let built = |generation| about.clone().generation(generation).transport_id("e1").build();
    let [complete, bare, clone] = [Generation::Complete, Generation::WithoutContentType, Generation::Clone].map(built);
    for sent in [&complete, &bare, &clone] {
        assert_eq!((sent.queue.as_str(), sent.body.len()), ("8141333_error", 0));
        assert_eq!(sent.properties.application("originalMessageId"), original.message_id.as_deref());
        assert_eq!(sent.properties.application("errorCondition"), Some("transport:not-well-formed-xml"));
        assert_eq!(sent.properties.application("errorConditionData"), Some("Label;"));
    }
    assert_eq!((complete.transport_id.as_str(), complete.properties.application("toHerId")), ("e1", Some("8141333")));
    assert!(complete.properties.content_type.as_ref().unwrap().starts_with("application/pkcs7-mime"));
    assert_eq!((bare.properties.content_type, bare.properties.correlation_id), (None, None));
    assert_eq!(
        (Some(&clone.transport_id), clone.properties.application("toHerId")),
        (original.message_id.as_ref(), Some("8093244"))
    );
}

#[test]
fn receipts_accept_or_reject() {
    let apprec = |receipt: &Receipt| match read(&receipt.to_message().build().body, &Limits::default()).unwrap().incoming {
        Incoming::AppRec(apprec) => apprec,
        _ => panic!("no AppRec"),
    };
    let receipt = Receipt::for_message("m1").of_kind(DialogKind::EKonsultasjon).original_gen_date("2026-01-02T03:04:05");
    let accepted = apprec(&receipt);
    assert!(accepted.is_1_1 && accepted.status.as_ref().unwrap().is("1"));
    assert_eq!((accepted.original_id.as_deref(), accepted.sender_her_id.as_deref()), (Some("m1"), Some("8093244")));
    let rejected = apprec(&receipt.clone().rejected("E21", "Mottaker finnes ikke"));
    assert!(rejected.status.as_ref().unwrap().is("2") && rejected.errors[0].is("E21"));
    let sent = receipt.to_message().build();
    assert_eq!((sent.queue.as_str(), sent.properties.subject.as_deref()), ("8141333_async", Some("APPREC")));
    assert_eq!(sent.properties.application("X-MessageInfo-OriginalMsgType"), Some("DIALOG_INNBYGGER_EKONSULTASJON"));
    assert_eq!(sent.properties.application("X-AttachmentInfo-Count"), None);
    assert_eq!(sent.properties.application("X-MessageInfo-MsgId"), Some(sent.msg_id.as_str()));
}
