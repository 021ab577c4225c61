//! Reading the fixtures, and what real senders do to the schemas.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

#[path = "common/fixtures.rs"]
mod fixtures;

use fixtures::{fixture, msg_head, read_ok};
use messages::Sensitive;
use messages::wire::dialogmelding::{Dialogmelding, DialogmeldingVersion, Foresporsel};
use messages::wire::hodemelding::{Code, Content, MsgHead, Organisation, her_id_of};
use messages::wire::resept::Resept;
use messages::wire::{Incoming, Limits, SoapFault, namespaces, read_without_files};

fn dialog(head: &MsgHead) -> &Dialogmelding {
    match &head.documents[0].content {
        Content::Dialogmelding(dialog) => dialog,
        other => panic!("{other:?}"),
    }
}

fn request(head: &MsgHead) -> &Foresporsel {
    &dialog(head).foresporsel[0]
}

fn exposed(text: &Option<Sensitive<String>>) -> Option<&str> {
    text.as_ref().map(|text| text.expose().as_str())
}

fn her_ids(party: &Option<Organisation>) -> (&str, &str) {
    let party = party.as_ref().unwrap();
    (her_id_of(&party.idents).unwrap(), party.level_2_her_id().unwrap())
}

#[test]
fn files_that_are_passed_over_leave_the_rest_as_it_is() {
    let bytes = fixture("ekonsultasjon-vedlegg-foresatt.xml");
    let mut want = msg_head(&bytes);
    let files = want.documents.iter_mut().filter_map(|document| match &mut document.content {
        Content::Attachment(bytes) => Some(bytes),
        _ => None,
    });
    assert!(files.map(|file| *file = Sensitive::new(Vec::new())).count() > 0);
    let got = read_without_files(&bytes, &Limits::default()).unwrap();
    assert!(got.incoming == Incoming::MsgHead(Box::new(want)));
    assert_eq!(read_without_files(b"<a>", &Limits::default()).unwrap_err().code(), "xml-not-well-formed");
}

#[test]
fn ekontakt() {
    let bytes = fixture("ekontakt.xml");
    assert!(read_ok(&bytes).deviations.is_empty());
    let head = msg_head(&bytes);
    assert!(head.msg_type.as_ref().unwrap().is("DIALOG_INNBYGGER_EKONTAKT"));
    assert_eq!(head.mig_version.as_deref(), Some("v1.2 2006-05-24"));
    assert_eq!(head.gen_date.as_deref(), Some("2026-03-02T08:15:00+01:00"));
    assert_eq!(head.msg_id.as_deref(), Some("5b1d3a52-6f0e-4c8e-9f43-0d2f3f6c1a01"));
    assert!(head.ack.as_ref().unwrap().is("J"));
    assert_eq!((head.processing_status.as_ref(), head.conversation_ref.as_ref()), (None, None));
    assert_eq!(her_ids(&head.sender), ("115851", "8093244"));
    assert_eq!(her_ids(&head.receiver), ("115900", "8141333"));
    let patient = head.patient.as_ref().unwrap();
    assert_eq!(patient.national_id().unwrap().expose(), "15868549960");
    assert_eq!((exposed(&patient.given_name), exposed(&patient.family_name)), (Some("Line"), Some("Danser")));
    assert_eq!(exposed(&head.documents[0].content_description), Some("Henvendelse til legekontoret"));
    assert_eq!(dialog(&head).version, DialogmeldingVersion::V1_1);
    assert_eq!(request(&head).type_foresp, Some(Code::in_system("HE", "Henvendelse", "2.16.578.1.12.4.1.1.7601")));
    assert_eq!(exposed(&request(&head).emne_sporsmal), Some("Ny adresse"));
    let text = "Hei!\nJeg har flyttet til Fjellveien 3 & trenger å vite om dere har åpent i påsken.\nHilsen Line";
    assert_eq!(exposed(&request(&head).sporsmal), Some(text));
}

/// Who is an active user, as HelseNorge may write it: other prefixes, with and without names.
#[test]
fn digital_users() {
    let bytes = fixture("digitalbruker-svar.xml");
    assert!(read_ok(&bytes).deviations.is_empty());
    let head = msg_head(&bytes);
    assert!(dialog(&head).notat[0].tema_kodet.as_ref().unwrap().is("28"));
    let named = |head: &MsgHead| -> Vec<String> {
        let Content::Personer(people) = &head.documents[1].content else { panic!("{:?}", head.documents[1].content) };
        people.iter().map(|person| person.national_id().unwrap().expose().clone()).collect()
    };
    assert_eq!(named(&head), ["15868549960", "47819030045"]);
    let text = String::from_utf8(bytes).unwrap();
    let of_common = text.replace("p:Person>", "fk:Person>");
    assert_eq!(named(&msg_head(of_common.as_bytes())), named(&head), "in either namespace");
    let (start, end) = (text.find("<p:Person>").unwrap(), text.find("</p:Personer>").unwrap());
    let many = format!("{}{}{}", &text[..start], text[start..end].repeat(501), &text[end..]);
    assert_eq!(read_ok(many.as_bytes()).deviations, ["persons-too-many"]);
    assert_eq!(named(&msg_head(many.as_bytes())).len(), 1000);
}

#[test]
fn attachment_and_guardian() {
    let head = msg_head(&fixture("ekonsultasjon-vedlegg-foresatt.xml"));
    assert_eq!(head.msg_id.as_deref(), Some("8C0A7E14-2B77-4D0B-8D0E-6A51F4E2B902"), "echoed in the sender's case");
    assert_eq!(her_ids(&head.receiver), ("115900", "8141334"));
    let doctor = head.receiver.as_ref().unwrap().healthcare_professional.as_ref().unwrap();
    assert!(doctor.role_to_patient.as_ref().unwrap().is("6"));
    assert_eq!(doctor.idents.len(), 2);
    let [_, image, relation] = &head.documents[..] else { panic!("three documents") };
    assert_eq!((image.mime_type.as_deref(), exposed(&image.description)), (Some("image/png"), Some("utslett.png")));
    let Content::Attachment(bytes) = &image.content else { panic!("{:?}", image.content) };
    assert!(bytes.expose().starts_with(b"\x89PNG\r\n\x1a\n"));
    assert_eq!(bytes.expose().len(), 71);
    let Content::Pasientrelasjon(relation) = &relation.content else { panic!("{:?}", relation.content) };
    assert!(relation.relasjon.as_ref().unwrap().is("FO"));
    assert_eq!(relation.person.national_id().unwrap().expose(), "47819030045");
    assert_eq!(exposed(&relation.person.given_name), Some("Per Olav"));
}

fn resept(content: &Content) -> &Resept {
    let Content::Resept(resept) = content else { panic!("{content:?}") };
    resept
}

#[test]
fn renewal() {
    let head = msg_head(&fixture("reseptfornyelse.xml"));
    assert!(request(&head).type_foresp.as_ref().unwrap().is("RFER"));
    assert!(request(&head).kodet_opplysning.as_ref().unwrap().is("HE"));
    let (first, second) = (resept(&head.documents[1].content), resept(&head.documents[2].content));
    assert_eq!(exposed(&first.name), Some("Metformin tab 500 mg"));
    assert_eq!(first.atc.as_ref().unwrap().expose().v.as_deref(), Some("A10BA02"));
    assert_eq!(exposed(&first.dosage), Some("1 tablett morgen og kveld"));
    assert_eq!((first.reseptgruppe.as_deref(), first.varenr.as_deref()), (Some("C"), Some("012345")));
    assert_eq!((first.prescribed_on.as_deref(), first.expires_on.as_deref()), (Some("2025-02-10"), Some("2026-02-10")));
    assert_eq!((first.packages.as_deref(), first.refills.as_deref()), (Some("1"), Some("3")));
    assert_eq!((second.prescribed_on.as_deref(), second.refills.as_deref()), (Some("2025-06-01+02:00"), None));
}

#[test]
fn answer_in_a_conversation() {
    let head = msg_head(&fixture("svar.xml"));
    let conversation = head.conversation_ref.as_ref().unwrap();
    assert_eq!(conversation.ref_to_parent.as_deref(), Some("f3e1d7c9-a608-4c68-b9b2-4d8c7eaff204"));
    assert_eq!(conversation.ref_to_conversation.as_deref(), Some("5b1d3a52-6f0e-4c8e-9f43-0d2f3f6c1a01"));
    let note = &dialog(&head).notat[0];
    assert!(note.tema_kodet.as_ref().unwrap().is("22"));
    assert_eq!(exposed(&note.tekst), Some("Takk for svar!\nDa kommer jeg innom tirsdag."));
    assert_eq!(exposed(&note.tema), Some("Åpningstider"));
    assert!(note.foresporsel.as_ref().unwrap().type_foresp.as_ref().unwrap().is("HE"));
}

#[test]
fn encodings() {
    let latin1 = fixture("ekontakt-iso-8859-1.xml");
    assert_eq!(read_ok(&latin1).deviations, ["encoding-not-utf-8"]);
    assert_eq!(exposed(&request(&msg_head(&latin1)).emne_sporsmal), Some("Årskontroll"));
    let bom = fixture("ekontakt-bom.xml");
    assert!(bom.starts_with(b"\xEF\xBB\xBF") && read_ok(&bom).deviations.is_empty());
    assert_eq!(exposed(&request(&msg_head(&bom)).sporsmal), Some("Jeg trenger attest til førerkort klasse C."));
}

#[test]
fn xhtml_becomes_plain_text() {
    let head = msg_head(&fixture("ekonsultasjon-xhtml.xml"));
    let want = "Kneet er hovent & varmt.\nsiden mandag\nverst om natten\nKan jeg\ntrene?";
    assert_eq!(exposed(&request(&head).sporsmal), Some(want));
}

#[test]
fn receipts() {
    let Incoming::AppRec(ok) = read_ok(&fixture("apprec-1.0.xml")).incoming else { panic!("AppRec 1.0") };
    assert!(!ok.is_1_1 && ok.errors.is_empty() && ok.status.as_ref().unwrap().is("1"));
    assert_eq!(ok.sender_her_id.as_deref(), Some("8093244"), "from AdditionalId of Dept");
    assert_eq!(ok.receiver_her_id.as_deref(), Some("8141334"), "from AdditionalId of HCPerson");
    assert_eq!(ok.original_id.as_deref(), Some("F9473D2F-0C6E-42CE-9F18-A3E2E405580A"));
    let Incoming::AppRec(no) = read_ok(&fixture("apprec-1.1-avvist.xml")).incoming else { panic!("AppRec 1.1") };
    assert!(no.is_1_1 && no.status.as_ref().unwrap().is("2"));
    assert_eq!(no.errors.iter().map(|e| e.v.as_deref().unwrap()).collect::<Vec<_>>(), ["E35", "X99"]);
    assert_eq!(no.errors[0].ot.as_deref(), Some("Innbyggeren er ikke lenger på helsenorge.no"));
    assert_eq!((no.sender_her_id.as_deref(), no.receiver_her_id.as_deref()), (Some("8093244"), Some("8141333")));
    assert!(no.original_type.as_ref().unwrap().is("DIALOG_INNBYGGER_EKONTAKT"));
}

#[test]
fn soap_fault() {
    let want = SoapFault {
        code: Some("Receiver".to_owned()),
        reason: Some("Meldingen kunne ikke dekrypteres".to_owned().into()),
        message_id: Some("2c7a6052-3f91-45f1-824b-d615b738880d".to_owned()),
        application_time_stamp: Some("03/05/2026 10:00:02".to_owned()),
    };
    assert_eq!(read_ok(&fixture("soap-fault.xml")).incoming, Incoming::SoapFault(want));
    let other = "<e:Envelope xmlns:e='http://www.w3.org/2003/05/soap-envelope'><e:Body><x/></e:Body></e:Envelope>";
    assert!(matches!(read_ok(other.as_bytes()).incoming, Incoming::Unknown { local_name, .. } if local_name == "Envelope"));
}

/// The fixture with one change.
fn changed(name: &str, from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(fixture(name)).unwrap();
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1).into_bytes()
}

#[test]
fn deviations_are_told_and_forgiven() {
    let whole = read_ok(&fixture("ekontakt.xml")).incoming;
    let ack = "<Ack V=\"J\" DN=\"Ja\"/>";
    for (from, to, deviation) in [
        (ack, "<Ack V=\"J\" DN=\"Ja\" hast=\"nei\"/>", "attribute-unknown"),
        (ack, "<Ack V=\"J\" DN=\"Ja\" q:type=\"x\" xmlns:q=\"urn:x\"/>", "attribute-unknown"),
        (ack, "<Ack V=\"J\" DN=\"Ja\"/><Nytt><Sender/></Nytt>", "element-unknown"),
        (ack, "<Ack V=\"J\" DN=\"Ja\"/><Ack xmlns=\"urn:x\" V=\"N\"/>", "element-unknown"),
        (ack, "<Ack V=\"J\" DN=\"Ja\"/><Ack V=\"N\"/>", "element-repeated"),
        (ack, "<Ack V=\"J\" DN=\"Ja\"/>løs tekst", "text-unexpected"),
        ("<Content>", "<RequestedPriority xmlns='urn:y'/><Content>", "element-unknown"),
        ("</Dialogmelding>", "</Dialogmelding><Dialogmelding/>", "content-repeated"),
    ] {
        let read = read_ok(&changed("ekontakt.xml", from, to));
        assert_eq!(read.deviations, [deviation], "{to}");
        assert_eq!(read.incoming, whole, "{to}");
    }
    let schema = "<MsgHead xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:schemaLocation='a b' xml:lang='nb'";
    assert!(read_ok(&changed("ekontakt.xml", "<MsgHead", schema)).deviations.is_empty());
}

#[test]
fn any_order_within_a_parent() {
    let text = String::from_utf8(fixture("svar.xml")).unwrap();
    let reference = &text[text.find("<ConversationRef>").unwrap()..text.find("</MsgInfo>").unwrap()];
    let reference = &reference[..reference.find("<Sender>").unwrap()];
    let moved = text.replacen(reference, "", 1).replacen("<Type ", &format!("{reference}<Type "), 1);
    let read = read_ok(moved.as_bytes());
    assert_eq!(read.deviations, ["element-order"]);
    assert_eq!(read.incoming, read_ok(text.as_bytes()).incoming);
}

#[test]
fn missing_parts_are_none() {
    let empty = format!("<m:MsgHead xmlns:m='{}'/>", namespaces::MSGHEAD);
    assert_eq!(msg_head(empty.as_bytes()), MsgHead::default());
    let hollow = msg_head(&changed("ekontakt.xml", "5b1d3a52-6f0e-4c8e-9f43-0d2f3f6c1a01", " \n "));
    assert_eq!(hollow.msg_id, None);
    let receipt = format!("<AppRec xmlns='{}'><Sender/><Status/></AppRec>", namespaces::APPREC_1_1);
    let Incoming::AppRec(receipt) = read_ok(receipt.as_bytes()).incoming else { panic!("AppRec") };
    assert_eq!((receipt.sender_her_id.as_ref(), receipt.status.clone()), (None, Some(Code::default())));
}

#[test]
fn ids_are_trimmed_and_text_is_whole() {
    let id = "5b1d3a52-6f0e-4c8e-9f43-0d2f3f6c1a01";
    assert_eq!(msg_head(&changed("ekontakt.xml", id, &format!("\n\t{id} \r\n"))).msg_id.as_deref(), Some(id));
    let pieces = "Ny<!-- x -->&#32;<![CDATA[adr&]]>e&#x73;&amp;<?x y?>se";
    let head = msg_head(&changed("ekontakt.xml", "Ny adresse", pieces));
    assert_eq!(exposed(&request(&head).emne_sporsmal), Some("Ny adr&es&se"));
    let head = msg_head(&changed("ekontakt.xml", "V=\"J\"", "V=\" &#74;\n\""));
    assert!(head.ack.as_ref().unwrap().is("J"));
}

/// A document whose `Content` holds this.
fn with_content(content: &str) -> Content {
    let xml = format!(
        "<MsgHead xmlns='{}'><Document><RefDoc><Content>{content}</Content></RefDoc></Document></MsgHead>",
        namespaces::MSGHEAD
    );
    msg_head(xml.as_bytes()).documents.swap_remove(0).content
}

#[test]
fn contents() {
    let base64 = |inner: &str| {
        with_content(&format!("<b:Base64Container xmlns:b='{}'>{inner}</b:Base64Container>", namespaces::BASE64CONTAINER))
    };
    assert_eq!(base64("aG\r\n Vp\n"), Content::Attachment(b"hei".to_vec().into()));
    assert_eq!(base64("<![CDATA[aGVp]]>"), Content::Attachment(b"hei".to_vec().into()));
    assert_eq!(base64(""), Content::Attachment(Vec::new().into()));
    assert_eq!(base64("dette er ikke base64!"), Content::BadAttachment);
    assert_eq!(base64("aGVp<x/>"), Content::BadAttachment);
    assert_eq!(with_content(""), Content::Empty);
    assert_eq!(with_content("bare tekst"), Content::Empty);
    let unknown = |namespace: &str, local_name: &str| Content::Unknown {
        namespace: namespace.to_owned(),
        local_name: local_name.to_owned(),
    };
    assert_eq!(with_content("<Base64Container>aGVp</Base64Container>"), unknown(namespaces::MSGHEAD, "Base64Container"));
    let newer = "http://www.kith.no/xmlstds/dialog/2015-05-04";
    assert_eq!(
        with_content(&format!("<Dialogmelding xmlns='{newer}'><Notat/></Dialogmelding>")),
        unknown(newer, "Dialogmelding")
    );
    assert_eq!(with_content("<Dialogmelding xmlns=''/>"), unknown("", "Dialogmelding"));
    let older = with_content(&format!("<Dialogmelding xmlns='{}'><Foresporsel/></Dialogmelding>", namespaces::DIALOG_1_0));
    assert!(matches!(older, Content::Dialogmelding(d) if d.version == DialogmeldingVersion::V1_0 && d.foresporsel.len() == 1));
}

#[test]
fn file_reference_is_not_followed() {
    let xml = format!(
        "<MsgHead xmlns='{}'><Document><RefDoc><FileReference>file:///etc/passwd</FileReference></RefDoc></Document></MsgHead>",
        namespaces::MSGHEAD
    );
    assert_eq!(msg_head(xml.as_bytes()).documents[0].content, Content::FileReference);
}

#[test]
fn prescriptions_of_both_generations() {
    let block = "<Forskrivningsdato>2025-01-02</Forskrivningsdato><ReseptDokLegemiddel><Antall>2</Antall><f:Forskrivning>\
        <f:DosVeiledEnkel>1 om dagen</f:DosVeiledEnkel><f:Legemiddelpakning><f:Reseptgruppe V='B'/>\
        <f:PakningsinfoResept><f:Varenavn>Merket</f:Varenavn></f:PakningsinfoResept></f:Legemiddelpakning></f:Forskrivning></ReseptDokLegemiddel>";
    for (m1, prescription) in
        [(namespaces::M1_2013, namespaces::FORSKRIVNING_2013), (namespaces::M1_2010, namespaces::FORSKRIVNING_2010)]
    {
        let content = with_content(&format!("<Resept xmlns='{m1}' xmlns:f='{prescription}'>{block}</Resept>"));
        let resept = resept(&content);
        assert_eq!((exposed(&resept.name), exposed(&resept.dosage)), (Some("Merket"), Some("1 om dagen")));
        assert_eq!((resept.packages.as_deref(), resept.reseptgruppe.as_deref()), (Some("2"), Some("B")));
    }
    let mixture = "<Legemiddelblanding><BestanddelAnnet><NavnFormStyrke>Vann</NavnFormStyrke></BestanddelAnnet><Navn>Pumpe</Navn></Legemiddelblanding>";
    let goods = "<Handelsvare><Navn>Sprøyte</Navn><Varenr>9</Varenr></Handelsvare>";
    for (inner, name) in [
        (
            format!(
                "<ReseptDokLegemiddel><Forskrivning xmlns='{}'>{mixture}</Forskrivning></ReseptDokLegemiddel>",
                namespaces::FORSKRIVNING_2013
            ),
            "Pumpe",
        ),
        (format!("<ReseptDokHandelsvare>{goods}</ReseptDokHandelsvare>"), "Sprøyte"),
    ] {
        let content = with_content(&format!("<Resept xmlns='{}'>{inner}</Resept>", namespaces::M1_2013));
        assert_eq!(exposed(&resept(&content).name), Some(name));
    }
}

#[test]
fn guardian_in_either_namespace() {
    for prefix in ["", "f:"] {
        let content = with_content(&format!(
            "<Pasientrelasjon xmlns='{}' xmlns:f='{}'><Relasjon V='VE'/><Person><{prefix}FamilyName>Danser</{prefix}FamilyName>\
             <{prefix}Ident><{prefix}Id>47819030045</{prefix}Id><{prefix}TypeId V='DNR'/></{prefix}Ident></Person></Pasientrelasjon>",
            namespaces::PASIENTRELASJON,
            namespaces::FELLESKOMPONENT1,
        ));
        let Content::Pasientrelasjon(relation) = content else { panic!("{content:?}") };
        assert_eq!(relation.person.national_id().unwrap().expose(), "47819030045", "{prefix}");
        assert_eq!(exposed(&relation.person.family_name), Some("Danser"), "{prefix}");
    }
}
