//! What is written can be read, and what must not be written is refused by name.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

#[path = "common/fixtures.rs"]
mod fixtures;
#[path = "common/samples.rs"]
mod samples;

use fixtures::{fixture, msg_head, read_ok};
use messages::Sensitive;
use messages::wire::apprec::{AppRec, AppRecVersion};
use messages::wire::dialogmelding::DialogmeldingVersion;
use messages::wire::hodemelding::{Code, Content, ConversationRef, MsgHead};
use messages::wire::icalendar::Vevent;
use messages::wire::{Incoming, WriteError};
use proptest::prelude::*;
use samples::{
    appointment, calendar, clinic, dialog, doctor, document, foresporsel, guardian, head, helsenorge, messages, people, receipt,
    receipts,
};

#[test]
fn messages_come_back_as_written() {
    for (name, message) in messages() {
        let xml = message.to_xml().unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(xml.starts_with(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?><MsgHead xmlns="), "{name}");
        let read = read_ok(&xml);
        assert!(read.deviations.is_empty(), "{name}: {:?}", read.deviations);
        assert!(read.incoming == Incoming::MsgHead(Box::new(message)), "{name} came back changed");
    }
}

/// What was read from someone else is written without loss of what the model holds.
#[test]
fn fixtures_come_back_as_written() {
    for name in [
        "ekontakt.xml",
        "ekonsultasjon-vedlegg-foresatt.xml",
        "ekonsultasjon-xhtml.xml",
        "reseptfornyelse.xml",
        "svar.xml",
        "digitalbruker-svar.xml",
        "hent-ledige-timer.xml",
        "ledige-timer.xml",
        "reserver-avtale-barn.xml",
        "avbestill-avtale.xml",
        "timeonske.xml",
    ] {
        let message = msg_head(&fixture(name));
        assert!(msg_head(&message.to_xml().unwrap()) == message, "{name}");
    }
}

#[test]
fn receipts_come_back_as_written() {
    for (name, receipt) in receipts() {
        let xml = receipt.to_xml().unwrap_or_else(|e| panic!("{name}: {e}"));
        let read = read_ok(&xml);
        assert!(read.deviations.is_empty(), "{name}: {:?}", read.deviations);
        let Incoming::AppRec(got) = read.incoming else { panic!("{name}") };
        assert_eq!(got.is_1_1, receipt.version == AppRecVersion::V1_1, "{name}");
        assert_eq!(got.id.as_ref(), Some(&receipt.id), "{name}");
        assert_eq!(got.sender_her_id.as_deref(), receipt.sender.level_2_her_id(), "{name}");
        assert_eq!(got.receiver_her_id.as_deref(), receipt.receiver.level_2_her_id(), "{name}");
        assert_eq!(
            (got.status.as_ref(), got.original_type.as_ref()),
            (Some(&receipt.status), Some(&receipt.original_type)),
            "{name}"
        );
        assert_eq!(got.original_id.as_ref(), Some(&receipt.original_id), "{name}");
        let with_system = |error: &Code| Code { s: Some("2.16.578.1.12.4.1.1.8221".to_owned()), ..error.clone() };
        assert_eq!(got.errors, receipt.errors.iter().map(with_system).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn parties_of_a_receipt() {
    let xml = |sender| String::from_utf8(receipt(AppRecVersion::V1_1, sender, false).to_xml().unwrap()).unwrap();
    let service = "<Sender><HCP><Inst><Name>Solbakken legesenter AS</Name><Id>115900</Id><TypeId V=\"HER\" DN=\"HER\"/>\
        <Dept><Name>Solbakken \"legesenter\" &amp; &lt;sønn&gt;</Name><Id>8141333</Id><TypeId V=\"HER\" DN=\"HER\"/></Dept>\
        <AdditionalId><Id>987654321</Id><Type V=\"ENH\" DN=\"ENH\"/></AdditionalId></Inst></HCP></Sender>";
    let got = xml(clinic()).replace("&quot;", "\"");
    assert!(got.contains(service), "{got}");
    let person = "<Id>115900</Id><TypeId V=\"HER\" DN=\"HER\"/><HCPerson><Name>Kari Berg Lunde</Name><Id>8141334</Id>\
        <TypeId V=\"HER\" DN=\"HER\"/><AdditionalId><Id>565501872</Id><Type V=\"HPR\" DN=\"HPR\"/></AdditionalId></HCPerson></Inst>";
    assert!(xml(doctor()).contains(person), "{}", xml(doctor()));
    let verbatim = "<IssueDate>2019-07-16T14:25:01.5226046</IssueDate><Id>5B1d3a52-6f0e-4c8e-9f43-0d2f3f6c1a01</Id>";
    assert!(xml(clinic()).contains(verbatim));
}

fn ekontakt() -> MsgHead {
    let request = dialog(vec![foresporsel("HE")], vec![]);
    head("DIALOG_INNBYGGER_EKONTAKT", helsenorge(), clinic(), vec![request])
}

/// The message after a change.
fn but(change: impl FnOnce(&mut MsgHead)) -> Result<Vec<u8>, WriteError> {
    let mut message = ekontakt();
    change(&mut message);
    message.to_xml()
}

fn no(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn headers_that_must_not_be_written() {
    use WriteError::{Illegal, Missing};
    assert_eq!(but(|m| m.msg_type = None), Err(Missing("MsgInfo/Type")));
    assert_eq!(but(|m| m.msg_type = Some(Code::default())), Err(Missing("MsgInfo/Type")));
    assert_eq!(but(|m| m.mig_version = no("v1.1 2006-02-15")), Err(Illegal("MsgInfo/MIGversion")));
    assert_eq!(but(|m| m.gen_date = None), Err(Missing("MsgInfo/GenDate")));
    assert_eq!(but(|m| m.gen_date = no("2026-02-30T10:00:00Z")), Err(Illegal("MsgInfo/GenDate")));
    assert_eq!(but(|m| m.msg_id = None), Err(Missing("MsgInfo/MsgId")));
    assert_eq!(but(|m| m.msg_id = no(" ")), Err(Missing("MsgInfo/MsgId")));
    assert_eq!(but(|m| m.msg_id = no("a\u{1}")), Err(Illegal("MsgInfo/MsgId")));
    assert_eq!(but(|m| m.ack = Some(Code::default())), Err(Missing("MsgInfo/Ack")));
    assert_eq!(but(|m| m.conversation_ref = Some(ConversationRef::default())), Err(Missing("ConversationRef/RefToParent")));
    assert_eq!(but(|m| m.sender = None), Err(Missing("MsgInfo/Sender")));
    assert_eq!(but(|m| m.receiver = None), Err(Missing("MsgInfo/Receiver")));
    assert_eq!(but(|m| m.sender.as_mut().unwrap().name = no("")), Err(Missing("Organisation/OrganisationName")));
    assert_eq!(but(|m| m.sender.as_mut().unwrap().idents.clear()), Err(Missing("Organisation/Ident")));
    assert_eq!(but(|m| m.sender.as_mut().unwrap().idents[0].id = String::new().into()), Err(Missing("Ident/Id")));
    assert_eq!(but(|m| m.sender.as_mut().unwrap().idents[0].type_id.s = no("HER")), Err(Illegal("Ident/TypeId")));
    assert_eq!(but(|m| m.sender.as_mut().unwrap().idents[0].type_id.s = no("2..1")), Err(Illegal("Ident/TypeId")));
}

#[test]
fn documents_that_must_not_be_written() {
    use WriteError::{Illegal, Missing, Unsupported};
    let with = |content: Content| but(|m| m.documents[0].content = content);
    assert_eq!(but(|m| m.documents.clear()), Err(Missing("Document")));
    assert_eq!(but(|m| m.documents[0].issue_date = no("2026-03-02")), Err(Illegal("RefDoc/IssueDate")));
    assert_eq!(with(Content::Empty), Err(Missing("RefDoc/Content")));
    assert_eq!(with(Content::FileReference), Err(Unsupported("RefDoc/FileReference")));
    assert_eq!(with(Content::BadAttachment), Err(Unsupported("RefDoc/Content")));
    let unknown = Content::Unknown { namespace: String::new(), local_name: "a".to_owned() };
    assert_eq!(with(unknown), Err(Unsupported("RefDoc/Content")));
    assert_eq!(with(dialog(vec![], vec![])), Err(Missing("Dialogmelding/Foresporsel")));
    assert_eq!(with(dialog(vec![foresporsel("HE")], vec![Default::default()])), Err(Illegal("Dialogmelding/Notat")));
    assert_eq!(with(dialog(vec![Default::default()], vec![])), Err(Missing("Foresporsel/TypeForesp")));
    assert_eq!(with(dialog(vec![], vec![Default::default()])), Err(Missing("Notat/TemaKodet")));
    let Content::Dialogmelding(mut old) = dialog(vec![foresporsel("HE")], vec![]) else { panic!("dialog") };
    old.version = DialogmeldingVersion::V1_0;
    assert_eq!(with(Content::Dialogmelding(old)), Err(Unsupported("Dialogmelding 1.0")));
    let Content::Pasientrelasjon(mut relation) = guardian() else { panic!("relation") };
    relation.relasjon = None;
    assert_eq!(with(Content::Pasientrelasjon(relation)), Err(Missing("Pasientrelasjon/Relasjon")));
    assert_eq!(with(people(&[])), Err(Missing("Personer/Person")));
    assert_eq!(with(Content::Personer(vec![Default::default()])), Err(Missing("Person/Ident")));
    assert_eq!(with(people(&[("15868549960", "FNR"); 1001])), Err(Illegal("Personer/Person")));
    let nobody = Content::Helsepersonell(Default::default());
    assert_eq!(with(nobody), Err(Missing("HealthcareProfessional/Ident")));
    let mut of_old = foresporsel("HLT");
    of_old.til_dato = Some(jiff::civil::date(0, 12, 31));
    assert_eq!(with(dialog(vec![of_old], vec![])), Err(Illegal("Foresporsel/TilDato")));
}

#[test]
fn calendars_that_must_not_be_written() {
    use WriteError::{Illegal, Missing};
    let with = |change: fn(&mut Vevent)| {
        let mut event = appointment();
        change(&mut event);
        but(|m| m.documents.push(document(Content::Calendar(vec![event]))))
    };
    assert!(with(|_| {}).is_ok());
    assert_eq!(with(|e| e.uid = no(" ")), Err(Missing("vevent/uid")));
    assert_eq!(with(|e| e.uid = no("a\u{1}")), Err(Illegal("vevent/uid")));
    assert_eq!(with(|e| e.contact = no("")), Err(Missing("vevent/contact")));
    assert_eq!(with(|e| e.status = no("")), Err(Missing("vevent/status")));
    assert_eq!(with(|e| e.service_type = no("")), Err(Missing("vevent/x-servicetype")));
    assert_eq!(with(|e| e.start = Some(jiff::Timestamp::MIN)), Err(Illegal("vevent/dtstart")));
    assert_eq!(with(|e| e.end = Some(jiff::Timestamp::MIN)), Err(Illegal("vevent/dtend")));
    let of = |events| but(|m| m.documents.push(document(calendar(events))));
    assert_eq!(of(0), Err(Missing("icalendar/vevent")));
    assert_eq!(of(1001), Err(Illegal("icalendar/vevent")));
}

/// A stray control character goes from what people write about a time, and an event says no more than what is known of it.
#[test]
fn what_is_written_of_an_event() {
    let event = Vevent { uid: no("a"), summary: Some("før\u{b}etter".to_owned().into()), ..Vevent::default() };
    let xml = but(|m| m.documents.push(document(Content::Calendar(vec![event])))).unwrap();
    let want = "<vevent><properties><uid><text>a</text></uid><summary><text>føretter</text></summary></properties></vevent>";
    assert!(String::from_utf8(xml).unwrap().contains(want));
    let xml = but(|m| m.documents.push(document(calendar(1)))).unwrap();
    let in_utc = "<dtstart><date-time>2027-01-11T07:00:00Z</date-time></dtstart>";
    assert!(String::from_utf8(xml).unwrap().contains(in_utc));
}

#[test]
fn receipts_that_must_not_be_written() {
    use WriteError::{Illegal, Missing};
    let but = |change: fn(&mut AppRec)| {
        let mut receipt = receipt(AppRecVersion::V1_1, clinic(), true);
        change(&mut receipt);
        receipt.to_xml()
    };
    assert!(but(|_| {}).is_ok());
    assert_eq!(but(|r| r.id.clear()), Err(Missing("Id")));
    assert_eq!(but(|r| r.gen_date = "i går".to_owned()), Err(Illegal("GenDate")));
    assert_eq!(but(|r| r.status = Code::default()), Err(Missing("Status")));
    assert_eq!(but(|r| r.errors.clear()), Err(Missing("Error")));
    assert_eq!(but(|r| r.errors[0].v = None), Err(Missing("Error")));
    assert_eq!(but(|r| r.errors[0].s = Some("feil".to_owned())), Err(Illegal("Error")));
    assert_eq!(but(|r| r.original_type = Code::default()), Err(Missing("OriginalMsgId/MsgType")));
    assert_eq!(but(|r| r.original_gen_date = "1991-12-4".to_owned()), Err(Illegal("OriginalMsgId/IssueDate")));
    assert_eq!(but(|r| r.original_id.clear()), Err(Missing("OriginalMsgId/Id")));
    assert_eq!(but(|r| r.sender.idents[0].id = "\u{0}".to_owned().into()), Err(Illegal("HCP/AdditionalId/Id")));
}

/// A stray control character pasted into a text goes; the text stays.
#[test]
fn texts_lose_what_xml_cannot_carry() {
    let mut request = foresporsel("HE");
    request.sporsmal = Some("før\u{b}etter\0\u{ffff} ]]> <x/>".to_owned().into());
    request.type_foresp.as_mut().unwrap().dn = Some("a\u{1}b".to_owned());
    let xml = but(|m| m.documents[0].content = dialog(vec![request], vec![])).unwrap();
    let Content::Dialogmelding(back) = msg_head(&xml).documents.swap_remove(0).content else { panic!("dialog") };
    assert_eq!(back.foresporsel[0].sporsmal.as_ref().unwrap().expose(), "føretter ]]> <x/>");
    assert_eq!(back.foresporsel[0].type_foresp.as_ref().unwrap().dn.as_deref(), Some("ab"));
}

/// Attachments and everything around them survive, whatever their length.
#[test]
fn a_megabyte_comes_back() {
    for length in [0, 1, 2, 3, 6143, 6144, 1_048_577] {
        let bytes: Vec<u8> = (0..length).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let content = Content::Attachment(bytes.into());
        let xml = but(|m| m.documents.push(document(content.clone()))).unwrap();
        assert!(msg_head(&xml).documents[1].content == content, "{length}");
    }
}

/// As many people as one question may be about.
#[test]
fn a_thousand_people_come_back() {
    let content = people(&[("15868549960", "FNR"); 1000]);
    let xml = but(|m| m.documents.push(document(content.clone()))).unwrap();
    assert!(msg_head(&xml).documents[1].content == content);
}

/// As many events as one calendar may have.
#[test]
fn a_thousand_events_come_back() {
    let content = calendar(1000);
    let xml = but(|m| m.documents.push(document(content.clone()))).unwrap();
    assert!(msg_head(&xml).documents[1].content == content);
}

proptest! {
    #[test]
    fn any_text_comes_back(text in "\\PC{0,20}|(?s).{0,40}", ot in "(?s).{0,20}") {
        let mut request = foresporsel("HE");
        request.sporsmal = Some(text.clone().into());
        request.type_foresp.as_mut().unwrap().ot = Some(ot.clone());
        let xml = but(|m| m.documents[0].content = dialog(vec![request], vec![])).unwrap();
        let Content::Dialogmelding(back) = msg_head(&xml).documents.swap_remove(0).content else { panic!("dialog") };
        let kept = |text: &str| {
            let legal = |c: &char| !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
            Some(text.chars().filter(legal).collect::<String>().trim().to_owned()).filter(|text| !text.is_empty())
        };
        prop_assert_eq!(back.foresporsel[0].sporsmal.clone().map(Sensitive::into_inner), kept(&text));
        prop_assert_eq!(back.foresporsel[0].type_foresp.clone().unwrap().ot, kept(&ot));
    }
}

#[test]
fn errors_name_the_field() {
    assert_eq!(WriteError::Missing("MsgInfo/MsgId").to_string(), "MsgInfo/MsgId is missing");
    assert_eq!(WriteError::Illegal("Error").to_string(), "Error is not valid");
}
