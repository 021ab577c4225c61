//! One of everything the writers write.

use jiff::civil::date;
use messages::Sensitive;
use messages::wire::apprec::{AppRec, AppRecVersion};
use messages::wire::dialogmelding::{Dialogmelding, DialogmeldingVersion, Foresporsel, Notat};
use messages::wire::hodemelding::{
    Code, Content, ConversationRef, Document, HealthcareProfessional, Ident, MsgHead, Organisation, Pasientrelasjon, Person,
};
use messages::wire::icalendar::{CONFIRMED, VIDEO, Vevent};
use messages::wire::resept::Resept;

const DATE: &str = "2026-03-02T08:15:00.125+01:00";

fn text(text: &str) -> Option<Sensitive<String>> {
    Some(text.to_owned().into())
}

fn owned(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn ident(id: &str, kind: &str, list: &str) -> Ident {
    Ident { id: id.to_owned().into(), type_id: Code::in_system(kind, kind, &format!("2.16.578.1.12.4.1.1.{list}")) }
}

fn unit(name: &str, her_id: &str) -> Organisation {
    Organisation { name: owned(name), idents: vec![ident(her_id, "HER", "9051")], ..Organisation::default() }
}

pub(crate) fn helsenorge() -> Organisation {
    let service = Box::new(unit("Helsenorge.no", "8093244"));
    Organisation { organisation: Some(service), ..unit("Norsk Helsenett SF", "115851") }
}

pub(crate) fn clinic() -> Organisation {
    let mut enterprise = unit("Solbakken legesenter AS", "115900");
    enterprise.idents.insert(0, ident("987654321", "ENH", "9051"));
    Organisation { organisation: Some(Box::new(unit("Solbakken \"legesenter\" & <sønn>", "8141333"))), ..enterprise }
}

pub(crate) fn doctor() -> Organisation {
    let person = HealthcareProfessional {
        role_to_patient: Some(Code::in_system("6", "Fastlege", "2.16.578.1.12.4.1.1.9034")),
        family_name: text("Lunde"),
        middle_name: text("Berg"),
        given_name: text("Kari"),
        idents: vec![ident("565501872", "HPR", "8116"), ident("8141334", "HER", "9051")],
    };
    Organisation { healthcare_professional: Some(person), ..unit("Solbakken legesenter AS", "115900") }
}

pub(crate) fn document(content: Content) -> Document {
    let attachment = matches!(content, Content::Attachment(_));
    Document {
        content_description: text("Om timen"),
        issue_date: owned(DATE),
        msg_type: Some(if attachment { Code::new("A", "Vedlegg") } else { Code::new("XML", "XML-instans") }),
        mime_type: attachment.then(|| "application/pdf".to_owned()),
        description: attachment.then(|| "brev æøå.pdf".to_owned().into()),
        compression: None,
        content,
    }
}

pub(crate) fn dialog(foresporsel: Vec<Foresporsel>, notat: Vec<Notat>) -> Content {
    Content::Dialogmelding(Box::new(Dialogmelding { version: DialogmeldingVersion::V1_1, foresporsel, notat }))
}

fn request(kind: &str) -> Content {
    dialog(vec![foresporsel(kind)], vec![])
}

pub(crate) fn foresporsel(kind: &str) -> Foresporsel {
    Foresporsel {
        type_foresp: Some(Code::in_system(kind, "Spørsmål", "2.16.578.1.12.4.1.1.7601")),
        emne_sporsmal: text("Emne"),
        sporsmal: text("Første linje\nandre <linje> & \"mer\"\n\nsiste"),
        fra_dato: Some(date(2026, 3, 9)),
        til_dato: Some(date(2026, 3, 13)),
        kodet_opplysning: Some(Code::in_system("HE", "Hentes", "2.16.578.1.12.4.1.1.8324")),
    }
}

fn answer(theme: &str) -> Content {
    let notat = Notat {
        tema_kodet: Some(Code::in_system(theme, "Svar", "2.16.578.1.12.4.1.1.7602")),
        tema: text("Tema"),
        tekst: text("Svaret står her.\nHilsen Kari"),
        merknad: text("Merknad"),
        foresporsel: Some(foresporsel("SB")),
    };
    dialog(vec![], vec![notat])
}

pub(crate) fn resept(name: &str) -> Content {
    Content::Resept(Box::new(Resept {
        name: text(name),
        atc: Some(Code::in_system("A10BA02", "Metformin", "2.16.578.1.12.4.1.1.7180").into()),
        dosage: text("1 tablett morgen og kveld"),
        reseptgruppe: owned("C"),
        prescribed_on: owned("2025-02-10"),
        expires_on: owned("2026-02-10"),
        packages: owned("1"),
        refills: owned("3"),
        varenr: owned("012345"),
    }))
}

pub(crate) fn guardian() -> Content {
    let person = Person {
        family_name: text("Danser"),
        middle_name: text("Olav"),
        given_name: text("Per"),
        idents: vec![ident("47819030045", "DNR", "8116")],
    };
    let relasjon = Some(Code::in_system("FO", "Foreldreansvar", "2.16.578.1.12.4.1.1.7611"));
    Content::Pasientrelasjon(Box::new(Pasientrelasjon { relasjon, person }))
}

pub(crate) fn people(numbers: &[(&str, &str)]) -> Content {
    let one = |(nin, kind): &(&str, &str)| Person { idents: vec![ident(nin, kind, "8116")], ..Person::default() };
    Content::Personer(numbers.iter().map(one).collect())
}

/// An appointment of which everything is told.
pub(crate) fn appointment() -> Vevent {
    Vevent {
        uid: owned("3b0c9a4e-55f1-4d0a-8e2b-90d2f7a1c601"),
        start: "2027-01-11T07:00:00Z".parse().ok(),
        end: "2027-01-11T07:20:00Z".parse().ok(),
        contact: owned("8141334"),
        status: owned(CONFIRMED),
        sequence: Some(3),
        summary: text("Time hos Kari Lunde"),
        description: text("Ring på <døren> & vent\ni gangen"),
        location: owned(VIDEO),
        service_type: owned("9505:E"),
    }
}

pub(crate) fn calendar(events: usize) -> Content {
    Content::Calendar(vec![appointment(); events])
}

fn locum() -> Content {
    Content::Helsepersonell(HealthcareProfessional {
        role_to_patient: Some(Code::in_system("15", "Vikar for fastlegen", "2.16.578.1.12.4.1.1.9034")),
        family_name: text("Nes"),
        middle_name: None,
        given_name: text("Vegard"),
        idents: vec![ident("8141337", "HER", "8116"), ident("9144902", "HPR", "8116")],
    })
}

pub(crate) fn head(function: &str, sender: Organisation, receiver: Organisation, contents: Vec<Content>) -> MsgHead {
    MsgHead {
        msg_type: Some(Code::new(function, "Dialog med innbygger")),
        mig_version: owned("v1.2 2006-05-24"),
        gen_date: owned(DATE),
        msg_id: owned("5B1d3a52-6f0e-4c8e-9f43-0d2f3f6c1a01"),
        processing_status: Some(Code::new("P", "Produksjon")),
        ack: Some(Code::new("J", "Ja")),
        conversation_ref: None,
        sender: Some(sender),
        receiver: Some(receiver),
        patient: Some(Person {
            family_name: text("Danser"),
            middle_name: None,
            given_name: text("Line"),
            idents: vec![ident("15868549960", "FNR", "8116")],
        }),
        documents: contents.into_iter().map(document).collect(),
    }
}

/// A message of every kind, named.
pub(crate) fn messages() -> Vec<(&'static str, MsgHead)> {
    let conversation = ConversationRef { ref_to_parent: owned("parent"), ref_to_conversation: owned("first") };
    let answer_to = |function, theme, more: Vec<Content>| MsgHead {
        conversation_ref: Some(conversation.clone()),
        ..head(function, doctor(), helsenorge(), std::iter::once(answer(theme)).chain(more).collect())
    };
    let (ekontakt, ekonsultasjon) = ("DIALOG_INNBYGGER_EKONTAKT", "DIALOG_INNBYGGER_EKONSULTASJON");
    let renewal = "DIALOG_INNBYGGER_RESEPTFORNYELSE";
    let booking = "DIALOG_INNBYGGER_TIMERESERVASJON";
    let bare = Content::Calendar(vec![Vevent { start: "2027-01-11T07:00:00.5Z".parse().ok(), ..Vevent::default() }]);
    let digital = "DIALOG_INNBYGGER_DIGITALBRUKER";
    let asked = [("15868549960", "FNR"), ("47819030045", "DNR")];
    let pdf = Content::Attachment(b"%PDF-1.7 nesten".to_vec().into());
    vec![
        ("ekontakt", head(ekontakt, helsenorge(), clinic(), vec![request("HE")])),
        ("ekonsultasjon", head(ekonsultasjon, helsenorge(), doctor(), vec![request("SB"), pdf.clone(), guardian()])),
        (
            "reseptfornyelse",
            head(renewal, helsenorge(), doctor(), vec![request("RFER"), resept("Metformin"), resept("Ventoline")]),
        ),
        ("svar på ekontakt", answer_to(ekontakt, "19", vec![])),
        ("svar på ekonsultasjon", answer_to(ekonsultasjon, "12", vec![pdf])),
        ("svar på reseptfornyelse", answer_to(renewal, "32", vec![resept("Metformin")])),
        (
            "spørsmål om digitale brukere",
            MsgHead { patient: None, ..head(digital, clinic(), helsenorge(), vec![request("SIDAB"), people(&asked)]) },
        ),
        ("svar om digitale brukere", MsgHead { patient: None, ..answer_to(digital, "28", vec![people(&asked[..1])]) }),
        ("ingen digitale brukere", MsgHead { patient: None, ..answer_to(digital, "29", vec![]) }),
        ("endret digital bruker", head(digital, helsenorge(), clinic(), vec![request("SDAB")])),
        ("spørsmål om ledige timer", head(booking, helsenorge(), doctor(), vec![request("HLT")])),
        ("ledige timer", answer_to(booking, "03", vec![calendar(2), bare, locum()])),
        ("reservasjon for et barn", head(booking, helsenorge(), doctor(), vec![request("RT"), calendar(1), guardian()])),
        ("annen behandler", answer_to(booking, "10", vec![calendar(1), locum()])),
        ("avbestilling", head("DIALOG_INNBYGGER_AVTALEAVBESTILLING", helsenorge(), doctor(), vec![request("ART"), calendar(1)])),
        ("avtaleutsending", head("DIALOG_INNBYGGER_AVTALEUTSENDING", doctor(), helsenorge(), vec![request("MOA"), calendar(1)])),
        ("timeønske", head("DIALOG_INNBYGGER_TIMEONSKE", helsenorge(), clinic(), vec![request("OET"), calendar(1)])),
        ("uten pasient", MsgHead { patient: None, ..head(ekontakt, clinic(), helsenorge(), vec![request("KT")]) }),
    ]
}

pub(crate) fn receipt(version: AppRecVersion, sender: Organisation, rejected: bool) -> AppRec {
    let error = |v: &str, ot: Option<&str>| Code { ot: ot.map(str::to_owned), ..Code::new(v, "Feil") };
    AppRec {
        version,
        id: "a4f2e8da-b719-4d79-8ac3-5e9d8fb00305".to_owned(),
        gen_date: DATE.to_owned(),
        sender,
        receiver: helsenorge(),
        status: if rejected { Code::new("2", "Avvist") } else { Code::new("1", "OK") },
        errors: if rejected { vec![error("E21", Some("Legen har \"sluttet\"\n& flyttet")), error("T10", None)] } else { vec![] },
        original_type: Code::new("DIALOG_INNBYGGER_EKONTAKT", "Dialog med innbygger - eKontakt"),
        original_gen_date: "2019-07-16T14:25:01.5226046".to_owned(),
        original_id: "5B1d3a52-6f0e-4c8e-9f43-0d2f3f6c1a01".to_owned(),
    }
}

/// A receipt of every kind, named.
pub(crate) fn receipts() -> Vec<(String, AppRec)> {
    let mut all = Vec::new();
    for version in [AppRecVersion::V1_0, AppRecVersion::V1_1] {
        for (party, sender) in [("service", clinic()), ("person", doctor())] {
            for rejected in [false, true] {
                let mut receipt = receipt(version, sender.clone(), rejected);
                all.push((format!("{version:?} from a {party}, rejected {rejected}"), receipt.clone()));
                std::mem::swap(&mut receipt.sender, &mut receipt.receiver);
                all.push((format!("{version:?} to a {party}, rejected {rejected}"), receipt));
            }
        }
    }
    all
}
