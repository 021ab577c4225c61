//! The rules: pure and synchronous. A rule takes a message, facts and `now`, and returns a decision; it cannot wait, log or look at
//! the clock.
//!
//! - [`clinic`], [`setup`]: what a clinic is, and the file that describes one
//! - [`readiness`]: may it take part (J1); [`services`]: who offers what (J2); [`reach`]: its way to HelseNorge
//! - [`agreement`]: what was agreed with whom, and whose certificates to expect
//! - [`arrival`], [`transport`], [`acceptance`]: what becomes of a message that arrives
//! - [`sending`]: what we write, on its way out
//! - [`sync`]: what is answered while its sender waits
//! - [`digital_user`]: what HelseNorge tells of its users
//! - [`entry`]: what is kept of its content
//! - [`receipts`]: what the sender is told; [`turned_down`]: what we are told, in words
//! - [`routing`]: whose inbox (R2–R4); [`journaling`]: which journal (K1, K2)
//! - [`appointment`]: timebøker, slots and appointments
//! - [`notice`]: whether, when, how and in which words a patient is told of appointments and messages (N1–N5)
//! - [`command`]: what a clinic may do
//! - [`title`]: how a dialog is called
//! - [`audit`]: who did what, provably
//! - [`retention`]: what is kept, and for how long
//! - [`retry`]: when to try again; [`dead_letter`]: what is to be done about what could not be handled

pub mod acceptance;
pub mod agreement;
pub mod appointment;
pub mod arrival;
pub mod audit;
pub mod clinic;
pub mod command;
pub mod dead_letter;
pub mod digital_user;
pub mod entry;
pub mod journaling;
pub mod notice;
pub mod reach;
pub mod readiness;
pub mod receipts;
pub mod retention;
pub mod retry;
pub mod routing;
pub mod sending;
pub mod services;
pub mod setup;
pub mod sync;
pub mod title;
pub mod transport;
pub mod turned_down;
