//! Everything the writers write, judged by the national schemas.

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

use schemas::{driver, validate};

#[test]
fn messages_are_valid() {
    let Some(driver) = driver() else { return };
    for (name, message) in samples::messages() {
        validate(&driver, name, &message.to_xml().unwrap());
    }
}

#[test]
fn receipts_are_valid() {
    let Some(driver) = driver() else { return };
    for (name, receipt) in samples::receipts() {
        validate(&driver, &name, &receipt.to_xml().unwrap());
    }
}

/// What others write about appointments is judged valid before we rely on reading it, and so is what we make of it.
#[test]
fn fixtures_about_appointments_are_valid() {
    let Some(driver) = driver() else { return };
    for name in ["hent-ledige-timer.xml", "ledige-timer.xml", "reserver-avtale-barn.xml", "avbestill-avtale.xml", "timeonske.xml"]
    {
        let bytes = fixtures::fixture(name);
        validate(&driver, name, &bytes);
        validate(&driver, &format!("{name}, written"), &fixtures::msg_head(&bytes).to_xml().unwrap());
    }
}

/// The schemas say no to something, so their yes means something.
#[test]
fn the_schemas_judge() {
    let Some(driver) = driver() else { return };
    let xml = String::from_utf8(samples::messages().swap_remove(0).1.to_xml().unwrap()).unwrap();
    let broken = xml.replacen("<MIGversion>v1.2", "<MIGversion>v1.3", 1);
    let judged = std::panic::catch_unwind(|| validate(&driver, "broken", broken.as_bytes()));
    assert!(judged.is_err());
}

/// Parties in their barest form and receipts without offset are valid too.
#[test]
fn bare_receipts_are_valid() {
    let Some(driver) = driver() else { return };
    for version in [messages::wire::apprec::AppRecVersion::V1_0, messages::wire::apprec::AppRecVersion::V1_1] {
        let mut receipt = samples::receipt(version, samples::clinic(), true);
        receipt.sender = Default::default();
        receipt.gen_date = "2026-03-02T24:00:00".to_owned();
        validate(&driver, "bare", &receipt.to_xml().unwrap());
    }
}
