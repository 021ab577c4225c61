//! The right part for every process of nhn-messaging 6.3, in both generations (conformance 41, 42).

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use domain::agreement::Delivery::{Async, Sync};
use domain::agreement::{AgreedParty, Agreement, Delivery, Direction, Kind, Part, PartFault, Role, Wanted};
use messages::HerId;
use messages::wire::apprec::AppRecVersion::{self, V1_0, V1_1};
use messages::wire::namespaces as ns;
use std::collections::BTreeMap;
use uuid::Uuid;

const CLINIC: i64 = 8_141_333;
const HELSENORGE: i64 = 8_093_244;

fn her_id(n: i64) -> HerId {
    n.try_into().unwrap()
}

const PERSON: &str = "http://www.kith.no/xmlstds/person/2014-03-28";
const FHIR: &str = "http://hl7.org/fhir";
const TJENESTEOVERSIKT: &str = "http://www.ehelse.no/xmlstds/tjenesteoversikt";
const D10: &[&str] = &[ns::MSGHEAD, ns::DIALOG_1_0];
const D10_ICAL: &[&str] = &[ns::MSGHEAD, ns::DIALOG_1_0, ns::ICALENDAR];
const D11: &[&str] = &[ns::MSGHEAD, ns::DIALOG_1_1];
const D11_PAS: &[&str] = &[ns::MSGHEAD, ns::DIALOG_1_1, ns::PASIENTRELASJON];
const D11_M1: &[&str] = &[ns::MSGHEAD, ns::DIALOG_1_1, ns::M1_2013];
const D11_PER: &[&str] = &[ns::MSGHEAD, ns::DIALOG_1_1, PERSON];
const D11_ICAL: &[&str] = &[ns::MSGHEAD, ns::DIALOG_1_1, ns::ICALENDAR];
const D11_ICAL_PAS: &[&str] = &[ns::MSGHEAD, ns::DIALOG_1_1, ns::ICALENDAR, ns::PASIENTRELASJON];
const D11_ICAL_HP: &[&str] = &[ns::MSGHEAD, ns::DIALOG_1_1, ns::ICALENDAR, ns::HELSEPERSONELL];
const D11_ICAL_HP_PAS: &[&str] = &[ns::MSGHEAD, ns::DIALOG_1_1, ns::ICALENDAR, ns::HELSEPERSONELL, ns::PASIENTRELASJON];
const STU3: &[&str] = &[ns::MSGHEAD, FHIR];
const OVERSIKT: &[&str] = &[ns::MSGHEAD, TJENESTEOVERSIKT];
const A10: &[&str] = &[ns::APPREC_1_0];
const A11: &[&str] = &[ns::APPREC_1_1];

type Action = (&'static str, &'static [&'static str]);

/// A process as the clinic sees it.
struct Process {
    name: &'static str,
    sends: &'static [Action],
    receives: &'static [Action],
    /// Of its receipts, when it has any.
    receipt: Option<AppRecVersion>,
}

const PROCESSES: [Process; 12] = [
    Process {
        name: "Dialog_Innbygger_Ekontakt",
        sends: &[("Foresporsel", D11), ("Svar", D11), ("Apprec", A11)],
        receives: &[("Foresporsel", D11_PAS), ("Svar", D11_PAS), ("Apprec", A11)],
        receipt: Some(V1_1),
    },
    Process {
        name: "Dialog_Innbygger_Ekonsultasjon",
        sends: &[("Foresporsel", D11), ("Svar", D11), ("Apprec", A11)],
        receives: &[("Foresporsel", D11_PAS), ("Svar", D11_PAS), ("Apprec", A11)],
        receipt: Some(V1_1),
    },
    // The second thing the clinic receives is an AppRec under a wrong name, as seen in use.
    Process {
        name: "Dialog_Innbygger_Reseptfornyelse",
        sends: &[("Svar", D11_M1), ("Apprec", A11)],
        receives: &[("Foresporsel", D11_PAS), ("Svar", A11)],
        receipt: Some(V1_1),
    },
    Process {
        name: "Dialog_Innbygger_Timereservasjon",
        sends: &[("SvarLedigeTimer", D11_ICAL_HP), ("SvarAvtaleReservasjon", D11_ICAL_HP_PAS), ("Apprec", A11)],
        receives: &[
            ("HentLedigeTimer", D11),
            ("ReserverAvtale", D11_ICAL_PAS),
            ("AvbestillAvtale", D11_ICAL_PAS),
            ("Apprec", A11),
        ],
        receipt: Some(V1_1),
    },
    // The AppRec for the clinic's side names the package of a dialog, as seen in use.
    Process {
        name: "Dialog_Innbygger_Timeonske",
        sends: &[("SvarOnske", D11_ICAL), ("Apprec", D11_ICAL_PAS)],
        receives: &[
            ("OnskeReserver", D11_ICAL_PAS),
            ("OnskeEndring", D11_ICAL_PAS),
            ("OnskeAvbestill", D11_ICAL_PAS),
            ("Apprec", A11),
        ],
        receipt: Some(V1_1),
    },
    Process {
        name: "Dialog_Innbygger_Timer",
        sends: &[("SvarHenvendelse", D10_ICAL), ("SvarEndring", D10_ICAL), ("SvarAvslutte", D10_ICAL), ("Apprec", A10)],
        receives: &[
            ("BekreftTime", D10_ICAL),
            ("Henvendelse", D10_ICAL),
            ("EndreTime", D10_ICAL),
            ("AvslutteTime", D10_ICAL),
            ("Apprec", A10),
        ],
        receipt: Some(V1_0),
    },
    Process {
        name: "Dialog_Innbygger_Digitalbruker",
        sends: &[("SjekkStatus", D11_PER), ("Apprec", A11)],
        receives: &[("StatusEndring", D11), ("StatusSvar", D11_PER), ("Apprec", A11)],
        receipt: Some(V1_1),
    },
    Process {
        name: "Dialog_Innbygger_Test",
        sends: &[("Foresporsel", D11), ("Svar", D11)],
        receives: &[("Foresporsel", D11), ("Svar", D11)],
        receipt: None,
    },
    Process { name: "Notifikasjon_Innbygger_time", sends: &[("Time", STU3)], receives: &[("Apprec", A11)], receipt: Some(V1_1) },
    Process {
        name: "Dialog_Innbygger_Koordinator",
        sends: &[("SvarHenvendelse", D10), ("Apprec", A10)],
        receives: &[("Henvendelse", D10), ("Apprec", A10)],
        receipt: Some(V1_0),
    },
    Process {
        name: "Dialog_Innbygger_TjenesteOversikt",
        sends: &[("Oversikt", OVERSIKT)],
        receives: &[("Apprec", A11)],
        receipt: Some(V1_1),
    },
    Process { name: "Dialog_Innbygger_HL7_Dokumentnotifikasjon", sends: &[("Notifiser", D10)], receives: &[], receipt: None },
];

impl Process {
    /// What crosses the wire, with who receives it; no receipts.
    fn messages(&self) -> impl Iterator<Item = (HerId, Action)> {
        let business = |(action, package): &&Action| *action != "Apprec" && *package != A11;
        let sent = self.sends.iter().filter(business).map(|a| (her_id(HELSENORGE), *a));
        sent.chain(self.receives.iter().filter(business).map(|a| (her_id(CLINIC), *a)))
    }

    fn delivery(&self, action: &str) -> Delivery {
        let sync = self.name.ends_with("_Test") || matches!(action, "HentLedigeTimer" | "SvarLedigeTimer");
        if sync { Sync } else { Async }
    }
}

fn part(action: &str, package: &[&str]) -> Part {
    Part {
        action: action.into(),
        package: Some(package.join(" ")),
        protocol: Some("AMQP".into()),
        endpoint: Some("sb.test.nhn.no/NHNTESTServiceBus/8093244_async".into()),
    }
}

fn role(process: &str, name: &str, sends: Vec<Part>, receives: Vec<Part>) -> Role {
    Role { process: process.into(), version: Some("1.1".into()), name: Some(name.into()), sends, receives }
}

/// Both sides of each process, listed by both parties, as agreements in use do it.
fn agreement(roles: &[Role]) -> Agreement {
    let party = |n| AgreedParty { her_id: her_id(n), name: String::new(), roles: roles.to_vec(), certificates: vec![] };
    let parts = roles.iter().flat_map(|r| r.sends.iter().chain(&r.receives));
    let packages: BTreeMap<String, Vec<String>> =
        parts.filter_map(|p| p.package.clone()).map(|id| (id.clone(), id.split(' ').map(str::to_owned).collect())).collect();
    Agreement {
        kind: Kind::Cpa,
        id: Uuid::from_u128(1),
        status: Some("agreed".into()),
        start: None,
        end: None,
        parties: vec![party(HELSENORGE), party(CLINIC)],
        packages,
    }
}

fn newer() -> Agreement {
    let parts = |actions: &[Action]| actions.iter().map(|(action, package)| part(action, package)).collect::<Vec<_>>();
    let sides = |p: &Process| {
        [
            role(p.name, "Helsepersonell", parts(p.sends), parts(p.receives)),
            role(p.name, "Innbygger", parts(p.receives), parts(p.sends)),
        ]
    };
    agreement(&PROCESSES.iter().flat_map(sides).collect::<Vec<_>>())
}

/// One action for each process, its name in capitals; Timereservasjon twice, once for each channel.
fn older() -> Agreement {
    let sides = |p: &Process| {
        let function = p.name.to_ascii_uppercase();
        let all: Vec<&str> = p.messages().flat_map(|(_, (_, package))| package).copied().collect();
        let mut parts = vec![part(&function, &all)];
        if function.ends_with("TIMERESERVASJON") {
            parts.push(part(&function, &all));
        }
        parts.extend(p.receipt.map(|v| part("APPREC", if v == V1_0 { A10 } else { A11 })));
        ["receiver", "sender"].map(|side| role(&function, &format!("{function}{side}"), parts.clone(), parts.clone()))
    };
    agreement(&PROCESSES.iter().flat_map(sides).collect::<Vec<_>>())
}

#[test]
fn conformance_41_every_message_of_every_process_finds_its_part_in_the_newer_generation() {
    let agreement = newer();
    for process in &PROCESSES {
        for (receiver, (action, namespaces)) in process.messages() {
            let function = process.name.to_ascii_uppercase();
            let wanted = Wanted { function: &function, action: Some(action), namespaces };
            let chosen = agreement.part_for(receiver, Direction::Receives, &wanted).unwrap();
            let part = chosen.part.unwrap();
            assert_eq!((part.action.as_str(), part.package.clone().unwrap()), (action, namespaces.join(" ")), "{function}");
            assert_eq!(chosen.role.unwrap().process, process.name);
            assert_eq!(chosen.delivery, process.delivery(action), "{function} {action}");
            let receipt = process.receipt.filter(|_| chosen.delivery == Async);
            assert_eq!(chosen.receipt, receipt, "{function} {action}");
        }
    }
}

#[test]
fn conformance_41_every_message_of_every_process_finds_its_part_in_the_older_generation() {
    let agreement = older();
    for process in &PROCESSES {
        for (receiver, (action, namespaces)) in process.messages() {
            let function = process.name.to_ascii_uppercase();
            let wanted = Wanted { function: &function, action: Some(action), namespaces };
            let chosen = agreement.part_for(receiver, Direction::Receives, &wanted).unwrap();
            assert_eq!(chosen.part.unwrap().action, function);
            assert_eq!(chosen.delivery, process.delivery(action), "{function} {action}");
            assert_eq!(chosen.receipt, process.receipt.filter(|_| chosen.delivery == Async), "{function} {action}");
        }
    }
}

#[test]
fn a_receipt_is_found_through_the_function_it_receipts() {
    for (agreement, generation) in [(newer(), "newer"), (older(), "older")] {
        for process in &PROCESSES {
            let function = process.name.to_ascii_uppercase();
            for receiver in [HELSENORGE, CLINIC] {
                let found = agreement.receipt_for(her_id(receiver), Direction::Receives, &function);
                match process.receipt {
                    Some(version) => assert_eq!(found.unwrap().receipt, Some(version), "{function} {generation}"),
                    None => assert_eq!(
                        found.unwrap_err().to_string(),
                        format!("HER-id {receiver} has not agreed to APPREC of {function}")
                    ),
                }
            }
        }
    }
}

fn refused(agreement: &Agreement, function: &str, action: Option<&str>, namespaces: &[&str]) -> PartFault {
    let wanted = Wanted { function, action, namespaces };
    agreement.part_for(her_id(HELSENORGE), Direction::Receives, &wanted).unwrap_err()
}

#[test]
fn conformance_42_what_was_not_agreed_is_not_sent_and_says_so() {
    let agreement = newer();
    let fault = refused(&agreement, "DIALOG_INNBYGGER_HELSEREGISTER", None, &[]);
    assert_eq!(fault.to_string(), "HER-id 8093244 has not agreed to DIALOG_INNBYGGER_HELSEREGISTER");
    assert_eq!(fault.fault().code, "function-not-agreed");
    let fault = refused(&agreement, "DIALOG_INNBYGGER_RESEPTFORNYELSE", Some("Avbestill"), D11);
    assert_eq!(fault.fault().code, "function-not-agreed", "the process, but not this action");
    let fault = refused(&agreement, "DIALOG_INNBYGGER_EKONTAKT", Some("Svar"), D10);
    assert_eq!(fault.fault().code, "package-not-agreed");
    assert!(!refused(&agreement, "Line Danser", None, &[]).to_string().contains("Line"));
    let mut agreement = newer();
    let parts = agreement.parties.iter_mut().flat_map(|p| &mut p.roles).flat_map(|r| &mut r.receives);
    parts.for_each(|part| part.protocol = Some("SMTP".into()));
    let fault = refused(&agreement, "DIALOG_INNBYGGER_EKONTAKT", Some("Svar"), D11);
    assert_eq!(fault.to_string(), "HER-id 8093244 has agreed to DIALOG_INNBYGGER_EKONTAKT, but not over AMQP");
    let receipt = agreement.receipt_for(her_id(HELSENORGE), Direction::Receives, "DIALOG_INNBYGGER_EKONTAKT");
    assert_eq!(receipt.unwrap_err().fault().code, "protocol-not-agreed");
    let nobody = agreement.part_for(her_id(7), Direction::Receives, &Wanted { function: "X", action: None, namespaces: &[] });
    assert!(matches!(nobody, Err(PartFault::NotAgreed { .. })));
}

#[test]
fn case_channels_and_undescribed_packages_do_not_matter() {
    let mut agreement = newer();
    for function in ["DIALOG_INNBYGGER_EKONTAKT", "dialog_innbygger_ekontakt", "Dialog_Innbygger_Ekontakt"] {
        let wanted = Wanted { function, action: Some("SVAR"), namespaces: D11 };
        assert!(agreement.part_for(her_id(HELSENORGE), Direction::Receives, &wanted).is_ok(), "{function}");
    }
    let parts = agreement.parties.iter_mut().flat_map(|p| &mut p.roles).flat_map(|r| &mut r.receives);
    parts.for_each(|part| (part.protocol, part.package) = (None, None));
    let wanted = Wanted { function: "DIALOG_INNBYGGER_EKONTAKT", action: None, namespaces: D10 };
    let chosen = agreement.part_for(her_id(HELSENORGE), Direction::Receives, &wanted).unwrap();
    assert_eq!((chosen.delivery, chosen.receipt), (Async, Some(V1_1)));
}

#[test]
fn without_a_process_of_its_name_an_action_of_its_name_will_do() {
    let svar = role("Noe_Annet", "Innbygger", vec![], vec![part("DIALOG_INNBYGGER_NY", D11)]);
    let agreement = agreement(&[svar]);
    let wanted = Wanted { function: "Dialog_Innbygger_Ny", action: Some("Svar"), namespaces: D11 };
    let chosen = agreement.part_for(her_id(HELSENORGE), Direction::Receives, &wanted).unwrap();
    assert_eq!((chosen.part.unwrap().action.as_str(), chosen.receipt), ("DIALOG_INNBYGGER_NY", None));
}

/// What the clinic changes goes out under the process of its own where that was agreed, else under that of booking.
#[test]
fn appointments_are_told_under_what_was_agreed() {
    use domain::agreement::lookup::{Known, Question, look_up};
    use domain::appointment::letter::{AVTALEUTSENDING, TIMERESERVASJON, process_of};
    let told = |agreements: Vec<Agreement>| {
        let known = Known { of_pair: agreements, ..Known::default() };
        process_of(|function| {
            let question = Question {
                own: her_id(CLINIC),
                other: her_id(HELSENORGE),
                cpa_id: None,
                function,
                excluded: &[],
                now: "2027-01-11T08:00:00Z".parse().unwrap(),
            };
            look_up(&known, &question)
        })
    };
    assert_eq!(told(vec![]), TIMERESERVASJON, "nothing is known of it");
    assert_eq!(told(vec![newer()]), TIMERESERVASJON);
    let avtale = |package| {
        let (sends, receipts) = (vec![part("Avtale", package)], vec![part("Apprec", A11)]);
        let process = "Dialog_Innbygger_Avtaleutsending";
        let clinic = role(process, "Helsepersonell", sends.clone(), receipts.clone());
        let mut roles: Vec<Role> = newer().parties.into_iter().flat_map(|party| party.roles).collect();
        roles.extend([clinic, role(process, "Innbygger", receipts, sends)]);
        agreement(&roles)
    };
    assert_eq!(told(vec![avtale(D11_ICAL)]), AVTALEUTSENDING);
    assert_eq!(told(vec![avtale(D11)]), TIMERESERVASJON, "it holds no calendar");
}
