//! What the reader makes of profiles and agreements of both generations, and what it refuses.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use messages::wire::cppa::{ActionBinding, CppaError, Document, Kind, LIMITS, PartyInfo, read};
use messages::wire::{Limits, XmlError, namespaces};
use proptest::prelude::*;
use std::path::Path;

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/cpa").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn read_ok(xml: &str) -> Document {
    read(xml.as_bytes(), &LIMITS).unwrap()
}

fn actions(bindings: &[ActionBinding]) -> Vec<&str> {
    bindings.iter().map(|b| b.action.as_deref().unwrap()).collect()
}

fn protocol<'a>(party: &'a PartyInfo, channel: &str) -> Option<&'a str> {
    party.transport(channel)?.protocol.as_deref()
}

#[test]
fn an_agreement_of_the_newer_generation() {
    let cpa = read_ok(&fixture("cpa-v2.xml"));
    assert_eq!(cpa.kind, Kind::Agreement);
    assert_eq!(cpa.id.as_deref(), Some("7f9c1f6e-3a52-4f0e-9d1b-5c2a8e4d6b10"));
    assert_eq!(
        (cpa.status.as_deref(), cpa.start.as_deref(), cpa.end.as_deref()),
        (Some("agreed"), Some("2024-01-15T00:00:00+01:00"), Some("2049-12-31T23:59:59+01:00"))
    );
    let [helsenorge, clinic] = &cpa.parties[..] else { panic!("two parties: {}", cpa.parties.len()) };
    assert_eq!((helsenorge.ids[0].kind.as_deref(), helsenorge.ids[0].id.as_deref()), (Some("HER"), Some("8093244")));
    assert_eq!((clinic.ids[0].id.as_deref(), clinic.name.as_deref()), (Some("8141333"), Some("Solbakken legesenter")));
    let timer = clinic.roles.iter().find(|r| r.process.as_deref() == Some("Dialog_Innbygger_Timer")).unwrap();
    assert_eq!((timer.version.as_deref(), timer.name.as_deref()), (Some("1.1"), Some("Helsepersonell")));
    assert_eq!(timer.certificate_refs, ["enc"]);
    assert_eq!(actions(&timer.sends), ["SvarHenvendelse", "SvarEndring", "SvarAvslutte", "Apprec"]);
    assert_eq!(actions(&timer.receives), ["BekreftTime", "Henvendelse", "EndreTime", "AvslutteTime", "Apprec"]);
    assert_eq!(timer.sends[0].channel.as_deref(), Some("async_8141333"));
    let transport = clinic.transport("sync_8141333").unwrap();
    assert_eq!(transport.endpoint.as_deref(), Some("sb.test.nhn.no/NHNTESTServiceBus/8141333_sync"));
    assert_eq!((protocol(clinic, "async_8141333"), protocol(clinic, "async_8093244")), (Some("AMQP"), None));
    assert_eq!(cpa.namespaces_of("dia10-ical"), [namespaces::MSGHEAD, namespaces::DIALOG_1_0, namespaces::ICALENDAR]);
    assert_eq!(cpa.namespaces_of("nothing"), [""; 0]);
    let ids: Vec<_> = helsenorge.certificates.iter().map(|c| c.id.as_deref().unwrap()).collect();
    assert_eq!(ids, ["sign", "enc"]);
    assert!(helsenorge.certificates.iter().all(|c| c.der.len() == 1 && c.der[0].as_ref().unwrap().starts_with(&[0x30, 0x82])));
}

#[test]
fn the_older_generation_and_a_profile() {
    let cpa = read_ok(&fixture("cpa-v1.xml"));
    let roles = &cpa.parties[0].roles;
    assert_eq!(roles[0].name.as_deref(), Some("DIALOG_INNBYGGER_EKONTAKTreceiver"));
    assert_eq!(roles[1].name.as_deref(), Some("DIALOG_INNBYGGER_EKONTAKTsender"));
    let reservation = roles.iter().find(|r| r.process.as_deref() == Some("DIALOG_INNBYGGER_TIMERESERVASJON")).unwrap();
    let channels: Vec<_> = reservation.receives.iter().map(|b| b.channel.as_deref().unwrap()).collect();
    assert_eq!(channels, ["sync_8093244", "async_8093244", "async_8093244"], "twice, once for each channel, and the receipt");
    let cpp = read_ok(&fixture("cpp-v1.xml"));
    assert_eq!((cpp.kind, cpp.id.as_deref()), (Kind::Profile, Some("2b1d4c6e-8f0a-4b3c-9d5e-7f6a8b9c0d1e")));
    assert_eq!((cpp.status, cpp.start, cpp.end, cpp.parties.len()), (None, None, None, 1));
}

#[test]
fn attributes_may_stand_in_their_namespace_or_in_none_but_in_no_other() {
    let text = fixture("cpa-v2.xml");
    let whole = read_ok(&text);
    let unqualified = text.replace(" tns:", " ");
    assert_ne!(text, unqualified);
    assert_eq!(read_ok(&unqualified), whole);
    assert_eq!(read_ok(&text.replace("tns:", "p:").replace("xmlns:tns", "xmlns:p")), whole, "whatever the prefix");
    assert_eq!(read_ok(&format!("\u{feff}{text}")), whole, "with a byte order mark");
    let foreign = text.replacen("tns:cpaid=", "xlink:cpaid=", 1);
    assert_eq!(read_ok(&foreign).id, None);
}

#[test]
fn what_is_missing_or_unknown_does_no_harm() {
    let cppa = namespaces::CPPA_2_0;
    let bare = read_ok(&format!("<CollaborationProtocolAgreement xmlns='{cppa}'/>"));
    assert_eq!((bare.id, bare.parties.len(), bare.packages.len()), (None, 0, 0));
    let text = fixture("cpa-v2.xml");
    let more =
        text.replace("<tns:Status", "<tns:Later><tns:Status tns:value='no'/></tns:Later><x xmlns='urn:x'>y</x><tns:Status");
    assert_eq!(read_ok(&more), read_ok(&text));
    let broken = text.replacen("<ds:X509Certificate>MII", "<ds:X509Certificate>!", 1);
    assert_eq!(read_ok(&broken).parties[0].certificates[0].der, [None], "no base64 is told from no certificate");
    let channels: String = text.lines().filter(|l| !l.contains("DeliveryChannel")).collect();
    assert_eq!(protocol(&read_ok(&channels).parties[1], "async_8141333"), None, "a channel is optional");
}

#[test]
fn anything_else_is_refused_with_a_reason() {
    let refused = |xml: &str| read(xml.as_bytes(), &LIMITS).unwrap_err();
    let local_name = |name: &str| CppaError::Foreign { local_name: name.to_owned() };
    assert_eq!(refused("<CollaborationProtocolAgreement/>"), local_name("CollaborationProtocolAgreement"), "no namespace");
    assert_eq!(refused(&format!("<PartyInfo xmlns='{}'/>", namespaces::CPPA_2_0)), local_name("PartyInfo"));
    assert!(refused("<html/>").to_string().starts_with("the root is html, not a CollaborationProtocolProfile"));
    assert_eq!(refused("hei"), CppaError::Xml(XmlError::TextOutsideRoot));
    assert_eq!(refused("<!DOCTYPE a><a/>"), CppaError::Xml(XmlError::Doctype));
    let limits = Limits { max_bytes: 100, ..LIMITS };
    assert_eq!(read(fixture("cpa-v2.xml").as_bytes(), &limits), Err(XmlError::TooLarge { limit: 100 }.into()));
    let deep = format!("<p:CollaborationProtocolProfile xmlns:p='{}'>{}", namespaces::CPPA_2_0, "<p:a>".repeat(100));
    assert_eq!(refused(&deep), CppaError::Xml(XmlError::TooDeep { limit: 64 }));
}

const FIXTURES: [&str; 3] = ["cpa-v1.xml", "cpa-v2.xml", "cpp-v1.xml"];

/// Snippets that change what a parser thinks of the rest.
const SPLICES: [&str; 14] = [
    "<",
    ">",
    "&",
    "\"",
    "/>",
    "<!--",
    "<![CDATA[",
    "<?",
    "</tns:PartyInfo>",
    "<tns:Transport>",
    "<ds:KeyInfo>",
    "tns:",
    "xmlns=''",
    "\0",
];

proptest! {
    #[test]
    fn mutated_agreements_never_panic(
        name in proptest::sample::select(&FIXTURES[..]),
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), 0..200_usize, proptest::sample::select(&SPLICES[..]), any::<u8>()), 1..6),
    ) {
        let mut bytes = fixture(name).into_bytes();
        for (place, cut, splice, byte) in edits {
            let at = place.index(bytes.len() + 1);
            let end = (at + cut).min(bytes.len());
            let insert = if byte & 1 == 0 { splice.as_bytes().to_vec() } else { vec![byte] };
            bytes.splice(at..end, insert);
        }
        if let Ok(document) = read(&bytes, &LIMITS) {
            let debug = format!("{document:?}");
            prop_assert!(!debug.contains("\\0") && !debug.contains("\\u{0}"), "no text holds a NUL");
        }
    }

    #[test]
    fn a_cut_agreement_is_refused(name in proptest::sample::select(&FIXTURES[..]), place in any::<proptest::sample::Index>()) {
        let text = fixture(name);
        let end = text.rfind('>').unwrap();
        prop_assert!(read(&text.as_bytes()[..place.index(end)], &LIMITS).is_err());
    }
}
