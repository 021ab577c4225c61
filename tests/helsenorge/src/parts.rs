//! Parts of a header and its documents.

use crate::example::doctor_name;
use messages::Sensitive;
use messages::event::DialogKind;
use messages::wire::dialogmelding::{Dialogmelding, DialogmeldingVersion, Foresporsel, Notat};
use messages::wire::hodemelding::{
    Code, Content, Document, HealthcareProfessional, Ident, Organisation, Pasientrelasjon, Person,
};
use messages::wire::icalendar::Vevent;
use messages::wire::resept::Resept;

fn oid(list: u16) -> String {
    format!("2.16.578.1.12.4.1.1.{list}")
}

pub(crate) fn code(v: &str, dn: &str, list: u16) -> Code {
    Code::in_system(v, dn, &oid(list))
}

fn her_ident(her_id: i64) -> Ident {
    Ident { id: her_id.to_string().into(), type_id: code("HER", "HER-id", 9051) }
}

fn unit(name: &str, her_id: i64) -> Organisation {
    Organisation { name: Some(name.to_owned()), idents: vec![her_ident(her_id)], ..Organisation::default() }
}

/// An enterprise with the service that communicates.
pub(crate) fn service(enterprise: (&str, i64), service: (&str, i64)) -> Organisation {
    Organisation { organisation: Some(Box::new(unit(service.0, service.1))), ..unit(enterprise.0, enterprise.1) }
}

/// An enterprise with the person who communicates.
pub(crate) fn doctor(enterprise: (&str, i64), her_id: i64) -> Organisation {
    let (given, family) = doctor_name(her_id);
    let person = HealthcareProfessional {
        role_to_patient: Some(code("6", "Fastlege", 9034)),
        family_name: text(family),
        given_name: text(given),
        idents: vec![her_ident(her_id)],
        ..HealthcareProfessional::default()
    };
    Organisation { healthcare_professional: Some(person), ..unit(enterprise.0, enterprise.1) }
}

/// A person known by a national number; a D-nummer is told by its first digit.
pub(crate) fn person(nin: &str, given: &str, family: &str) -> Person {
    let type_id = match nin.as_bytes().first() {
        Some(b'4'..=b'7') => code("DNR", "D-nummer", 8116),
        _ => code("FNR", "Fødselsnummer", 8116),
    };
    Person {
        family_name: text(family),
        given_name: text(given),
        idents: vec![Ident { id: nin.to_owned().into(), type_id }],
        ..Person::default()
    }
}

pub(crate) fn text(text: &str) -> Option<Sensitive<String>> {
    Some(text.to_owned().into())
}

pub(crate) fn document(content: Content) -> Document {
    let msg_type = match &content {
        Content::Attachment(_) => Code::new("A", "Vedlegg"),
        _ => Code::new("XML", "XML-instans"),
    };
    Document {
        content_description: None,
        issue_date: None,
        msg_type: Some(msg_type),
        mime_type: None,
        description: None,
        compression: None,
        content,
    }
}

/// The main document of a request that says nothing but its code.
pub(crate) fn bare_request(v: &str, dn: &str) -> Document {
    test(code(v, dn, 7601))
}

/// A calendar.
pub(crate) fn calendar(events: &[Vevent]) -> Document {
    document(Content::Calendar(events.to_vec()))
}

fn dialog(foresporsel: Vec<Foresporsel>, notat: Vec<Notat>) -> Document {
    document(Content::Dialogmelding(Box::new(Dialogmelding { version: DialogmeldingVersion::V1_1, foresporsel, notat })))
}

/// The main document of a request.
pub(crate) fn request(kind: DialogKind) -> Document {
    let (type_foresp, subject, body) = match kind {
        DialogKind::EKontakt => (code("HE", "Henvendelse", 7601), "Åpningstider", "Hei!\nHar dere åpent i påsken?"),
        DialogKind::EKonsultasjon => {
            (code("SB", "Spørsmål til behandler", 7601), "Vondt i kneet", "Kneet er hovent etter løpeturen.\nBør jeg ta en time?")
        }
        DialogKind::Reseptfornyelse => {
            (code("RFER", "Reseptfornyelse, e-resept", 7601), "Fornye resept", "Jeg går snart tom.\nKan resepten fornyes?")
        }
        DialogKind::Timeonske => {
            (code("OT", "Ønske om time", 7601), "Time hos fastlegen", "Jeg ønsker en time.\nHelst på ettermiddagen.")
        }
    };
    let foresporsel = Foresporsel {
        type_foresp: Some(type_foresp),
        emne_sporsmal: text(subject),
        sporsmal: text(body),
        ..Foresporsel::default()
    };
    dialog(vec![foresporsel], vec![])
}

/// The only document of a communication test.
pub(crate) fn communication_test() -> Document {
    test(code("KT", "Kommunikasjonstest", 7603))
}

/// The only document of its answer.
pub(crate) fn communication_reply() -> Document {
    test(code("RKT", "Respons kommunikasjonstest", 7603))
}

fn test(type_foresp: Code) -> Document {
    dialog(vec![Foresporsel { type_foresp: Some(type_foresp), ..Foresporsel::default() }], vec![])
}

/// The main document of a citizen's answer.
pub(crate) fn answer() -> Document {
    let notat = Notat {
        tema_kodet: Some(code("22", "Svar fra innbygger", 7602)),
        tema: text("Svar"),
        tekst: text("Takk for svaret!\nDa gjør jeg det."),
        ..Notat::default()
    };
    dialog(vec![], vec![notat])
}

/// The main document of what HelseNorge says about digital users: an answer.
pub(crate) fn digital_users(v: &str) -> Document {
    let notat = Notat { tema_kodet: Some(code(v, "Digitale brukere", 7602)), ..Notat::default() };
    dialog(vec![], vec![notat])
}

/// The same unasked: somebody's status has changed.
pub(crate) fn digital_user_changed() -> Document {
    bare_request("SDAB", "Status digital aktiv bruker")
}

/// Those whom an answer names.
pub(crate) fn people(numbers: &[String]) -> Document {
    let nameless = |nin: &String| Person { family_name: None, given_name: None, ..person(nin, "", "") };
    document(Content::Personer(numbers.iter().map(nameless).collect()))
}

pub(crate) fn attachment(file_name: &str, mime: &str, bytes: &[u8]) -> Document {
    Document {
        mime_type: Some(mime.to_owned()),
        description: text(file_name),
        ..document(Content::Attachment(bytes.to_vec().into()))
    }
}

/// Someone with parental responsibility.
pub(crate) fn guardian(nin: &str, given: &str, family: &str) -> Document {
    let relasjon = Some(code("FO", "Foreldreansvar", 7611));
    document(Content::Pasientrelasjon(Box::new(Pasientrelasjon { relasjon, person: person(nin, given, family) })))
}

pub(crate) fn prescription(name: &str, atc: &str, group: &str) -> Document {
    let some = |text: &str| Some(text.to_owned());
    document(Content::Resept(Box::new(Resept {
        name: text(name),
        atc: Some(code(atc, name, 7180).into()),
        dosage: text("1 tablett morgen og kveld"),
        reseptgruppe: some(group),
        prescribed_on: some("2025-02-10"),
        expires_on: some("2026-02-10"),
        packages: some("1"),
        refills: some("3"),
        varenr: some("012345"),
    })))
}
