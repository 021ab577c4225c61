//! Checking a set-up file whole: every fault by its place.

use super::{ClinicSetup, OwnCertificates, Queues, Setup, SetupFault, SlotSetup};
use crate::appointment::change::is_whole_minute;
use crate::clinic::{Recipient, SetKey, SetKind, set_of};
use crate::notice::address;
use crate::transport::queue_of;
use jiff::{SignedDuration, Timestamp};
use messages::event::DialogKind;
use messages::person_id::{PersonId, TestSeries};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

/// Reduces queue addresses `host/namespace/queue` to the queue's name and reports every fault of the file at once.
pub fn check(setup: &mut Setup, series: &TestSeries) -> Vec<SetupFault> {
    let mut faults = Faults(Vec::new());
    let (mut her_ids, mut lanes) = (BTreeSet::new(), BTreeMap::new());
    for (n, party) in setup.parties.iter_mut().enumerate() {
        let at = format!("parties[{n}]");
        faults.unless(her_ids.insert(party.her_id), &at, "her_id", "this HER-id is used twice in the file");
        faults.unless(!party.name.trim().is_empty(), &at, "name", NO_NAME);
        faults.check_queues(&at, &mut party.queues);
    }
    for (n, clinic) in setup.clinics.iter_mut().enumerate() {
        let at = format!("clinics[{n}]");
        faults.unless(her_ids.insert(clinic.her_id), &at, "her_id", "this HER-id is used twice in the file");
        for (e, employee) in clinic.employees.iter().enumerate() {
            let unique = employee.her_id.is_none_or(|id| her_ids.insert(id));
            faults.unless(unique, &format!("{at}.employees[{e}]"), "her_id", "this HER-id is used twice in the file");
        }
        if let Some(queues) = &mut clinic.queues {
            faults.check_queues(&at, queues);
        }
        if let Some(queue) = &mut clinic.syncreply_queue {
            match queue_of(queue) {
                Ok(bare) => *queue = bare,
                Err(fault) => faults.unless(false, &at, "syncreply_queue", &fault.to_string()),
            }
        }
        // Clinics may share a queue, but not one's errors with another's dialogs.
        let mut queues = clinic.queues();
        let mut own: Vec<(&str, String)> = queues.all_mut().map(|(lane, name)| (lane, name.clone())).into();
        own.push(("syncreply", clinic.syncreply_queue()));
        for (lane, name) in own {
            let same = *lanes.entry(name.clone()).or_insert(lane) == lane;
            faults.unless(same, &at, &format!("queues.{lane}"), "another clinic of the file reads this queue as a different one");
        }
        for (n, user) in clinic.command_users.iter().enumerate() {
            let good = (1..=255).contains(&user.len()) && !user.chars().any(char::is_control);
            faults.unless(good, &at, &format!("command_users[{n}]"), "the name of a user of the broker has 1 to 255 bytes");
        }
        faults.check_clinic(&at, clinic, series);
    }
    faults.0
}

/// A key of the file as a fault may show it: one that is no word may be a person's data in the wrong place.
pub fn shown_key(key: &str) -> &str {
    let word = (1..=40).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_');
    if word { key } else { "?" }
}

/// Services of the address registry that a GP clinic offers to citizens (message-formats 9).
const SERVICES: [&str; 5] = ["EKONTAKT", "EKONSULTASJON", "RESEPTFORNYELSE", "TIMERESERVASJON", "TIMEONSKE"];
const KINDS: &str = "a kind is EKONTAKT, EKONSULTASJON, RESEPTFORNYELSE or TIMEONSKE";
const NO_NAME: &str = "a name is not empty";
const NO_SERVICE: &str = "a service is EKONTAKT, EKONSULTASJON, RESEPTFORNYELSE, TIMERESERVASJON or TIMEONSKE";

struct Faults(Vec<SetupFault>);

impl Faults {
    fn unless(&mut self, good: bool, at: &str, field: &str, text: &str) {
        if !good {
            self.0.push(SetupFault { field: format!("{at}.{field}"), text: text.to_owned() });
        }
    }

    fn check_queues(&mut self, at: &str, queues: &mut Queues) {
        let Queues { async_queue, sync_queue, error_queue } = &*queues;
        let apart = async_queue != error_queue && async_queue != sync_queue && sync_queue != error_queue;
        self.unless(apart, at, "queues", "the three queues are three");
        for (name, address) in queues.all_mut() {
            match queue_of(address) {
                Ok(bare) => *address = bare,
                Err(fault) => self.unless(false, at, &format!("queues.{name}"), &fault.to_string()),
            }
        }
    }

    fn check_clinic(&mut self, at: &str, clinic: &ClinicSetup, series: &TestSeries) {
        self.unless(!clinic.name.trim().is_empty(), at, "name", NO_NAME);
        let mut ids = BTreeSet::new();
        for (n, employee) in clinic.employees.iter().enumerate() {
            let at_employee = format!("{at}.employees[{n}]");
            self.unless(!employee.name.trim().is_empty(), &at_employee, "name", NO_NAME);
            let is_number = |hpr: &String| (1..=9).contains(&hpr.len()) && hpr.bytes().all(|b| b.is_ascii_digit());
            self.unless(employee.hpr.as_ref().is_none_or(is_number), &at_employee, "hpr", "an HPR number has one to nine digits");
            for (s, service) in employee.services.iter().enumerate() {
                let known = SERVICES.contains(&service.as_str());
                self.unless(known, &format!("{at}.employees[{n}]"), &format!("services[{s}]"), NO_SERVICE);
            }
            let new = !employee.id.is_empty() && ids.insert(employee.id.as_str());
            self.unless(new, &format!("{at}.employees[{n}]"), "id", "an id is not empty and unique in its clinic");
        }
        self.check_keys(at, &clinic.own_certificates);
        self.check_notifications(at, clinic);
        let sets = self.check_sets(at, clinic, &ids);
        self.check_routing(at, clinic, &sets);
        self.check_timeboker(at, clinic, &ids);
        self.check_patients(at, clinic, &ids, series);
    }

    fn check_keys(&mut self, at: &str, own: &OwnCertificates) {
        let at = format!("{at}.own_certificates");
        let legacy = own.legacy_encryption.iter().enumerate().map(|(n, name)| (format!("legacy_encryption[{n}]"), name));
        let current = [("signing", &own.signing), ("encryption", &own.encryption)];
        let current = current.into_iter().filter_map(|(slot, name)| Some((slot.to_owned(), name.as_ref()?)));
        for (slot, name) in current.chain(legacy) {
            let mut parts = Path::new(name).components().peekable();
            let inside = parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)));
            self.unless(inside, &at, &slot, "a key is named by its path below KEYS_DIR, without ..");
        }
    }

    fn check_notifications(&mut self, at: &str, clinic: &ClinicSetup) {
        let Some(notices) = &clinic.notifications else { return };
        let (at, mut channels) = (format!("{at}.notifications"), BTreeSet::new());
        self.unless(!notices.enabled || !notices.channels.is_empty(), &at, "channels", "notices that are on need a channel");
        for (n, channel) in notices.channels.iter().enumerate() {
            self.unless(channels.insert(*channel), &at, &format!("channels[{n}]"), "this channel is named twice");
        }
    }

    /// The sets that are there. Faults name places, not what stands there: a number of a patient may have got among the members.
    fn check_sets(&mut self, at: &str, clinic: &ClinicSetup, employees: &BTreeSet<&str>) -> BTreeSet<SetKey> {
        let mut sets = BTreeSet::new();
        let lists = [(SetKind::Position, &clinic.positions), (SetKind::Group, &clinic.groups), (SetKind::Role, &clinic.roles)];
        for (kind, list) in lists {
            for (n, set) in list.iter().enumerate() {
                let at = format!("{at}.{}s[{n}]", kind.as_str());
                let new = !set.id.is_empty() && sets.insert((kind, set.id.clone()));
                self.unless(new, &at, "id", "an id is not empty and unique among its kind");
                for (m, member) in set.members.iter().enumerate() {
                    let known = employees.contains(member.as_str());
                    self.unless(known, &at, &format!("members[{m}]"), "this is no employee of the clinic");
                }
            }
        }
        sets
    }

    fn check_routing(&mut self, at: &str, clinic: &ClinicSetup, sets: &BTreeSet<SetKey>) {
        for (kind, rule) in &clinic.routing {
            let key = shown_key(kind);
            let at = format!("{at}.routing");
            self.unless(DialogKind::parse(kind).is_some(), &at, key, KINDS);
            let at = format!("{at}.{key}");
            if let Err(text) = rule.rule() {
                self.unless(false, &at, "mode", &text);
            }
            for (n, recipient) in rule.recipients.iter().enumerate() {
                let (known, place) = (set_of(recipient).is_none_or(|key| sets.contains(&key)), format!("recipients[{n}]"));
                self.unless(known, &at, &place, "this position, group or role is not set up");
                self.unless(*recipient != Recipient::Clinic(false), &at, &place, "the whole clinic is {\"clinic\": true}");
            }
        }
    }

    fn check_timeboker(&mut self, at: &str, clinic: &ClinicSetup, employees: &BTreeSet<&str>) {
        self.unless(clinic.cancellation_hours <= 336, at, "cancellation_hours", "there are 0 to 336 hours, two weeks");
        let mut types = BTreeMap::new();
        for (n, of_type) in clinic.appointment_types.iter().enumerate() {
            let at = format!("{at}.appointment_types[{n}]");
            let new = !of_type.id.is_empty() && types.insert(of_type.id.as_str(), of_type.minutes).is_none();
            self.unless(new, &at, "id", "an id is not empty and unique among its kind");
            self.unless(!of_type.name.trim().is_empty(), &at, "name", NO_NAME);
            self.unless((1..=1440).contains(&of_type.minutes), &at, "minutes", "an appointment has 1 to 1440 minutes");
        }
        let mut ids = BTreeSet::new();
        for (n, timebok) in clinic.timeboker.iter().enumerate() {
            let at = format!("{at}.timeboker[{n}]");
            let new = !timebok.id.is_empty() && ids.insert(timebok.id.as_str());
            self.unless(new, &at, "id", "an id is not empty and unique among its kind");
            self.unless(employees.contains(timebok.owner.as_str()), &at, "owner", "this is no employee of the clinic");
            self.check_slots(&at, &timebok.slots, &types);
        }
    }

    fn check_slots(&mut self, at: &str, slots: &[SlotSetup], types: &BTreeMap<&str, u32>) {
        let mut spans = BTreeMap::new();
        for (n, slot) in slots.iter().enumerate() {
            let minutes = types.get(slot.appointment_type.as_str()).copied();
            self.unless(minutes.is_some(), at, &format!("slots[{n}].type"), "this type of appointment is not set up");
            self.unless(is_whole_minute(slot.start), at, &format!("slots[{n}].start"), "a slot begins at a whole minute");
            let end =
                slot.start.checked_add(SignedDuration::from_mins(i64::from(minutes.unwrap_or(1)))).unwrap_or(Timestamp::MAX);
            // By their beginnings none runs into the next.
            let before = spans.range(..=slot.start).next_back().is_none_or(|(_, before_ends)| *before_ends <= slot.start);
            let after = spans.range(slot.start..).next().is_none_or(|(next, _)| end <= *next);
            self.unless(before && after, at, &format!("slots[{n}].start"), "another slot takes some of this time");
            spans.insert(slot.start, end);
        }
    }

    fn check_patients(&mut self, at: &str, clinic: &ClinicSetup, employees: &BTreeSet<&str>, series: &TestSeries) {
        let mut numbers = BTreeSet::new();
        for (n, patient) in clinic.patients.iter().enumerate() {
            let at = format!("{at}.patients[{n}]");
            let good = PersonId::parse(patient.nin.expose(), series).is_ok();
            self.unless(good, &at, "nin", "no fødselsnummer or D-nummer; test series only where TEST_NUMBER_SERIES allows them");
            self.unless(numbers.insert(patient.nin.expose()), &at, "nin", "this patient is listed twice");
            let known = patient.fastlege.as_deref().is_none_or(|id| employees.contains(id));
            self.unless(known, &at, "fastlege", "the fastlege is no employee of the clinic");
            let addresses = [
                ("phone", &patient.phone, address::is_phone as fn(&str) -> bool, "a phone number is + and 8 to 15 digits"),
                ("email", &patient.email, address::is_email, "an e-mail address is one address, in ASCII"),
                ("push", &patient.push, address::is_push, "a push address is 1 to 200 visible ASCII characters"),
            ];
            for (field, given, is_good, text) in addresses {
                self.unless(given.as_ref().is_none_or(|given| is_good(given.expose())), &at, field, text);
            }
        }
    }
}
