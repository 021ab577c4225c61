//! `dialogpost run`.

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};
use runtime::{Config, Worker, process};
use std::process::ExitCode;

/// Every worker of the fleet, in the order a message meets them.
pub const WORKERS: [Worker; 8] = [
    helsenorge_inbound::WORKER,
    recipient_routing::WORKER,
    ekonsultasjon_journaling::WORKER,
    appointment_booking::WORKER,
    helsenorge_outbound::WORKER,
    clinic_commands::WORKER,
    appointment_notifications::WORKER,
    dead_letter_keeper::WORKER,
];

/// Runs workers in one process until SIGTERM or Ctrl-C.
///
/// The same workers are containers of their own in a larger set-up; any number of processes may run the same worker. Before the first
/// start: dialogpost migrate, dialogpost topology apply.
#[derive(Debug, Args)]
#[command(after_help = SHORT, after_long_help = LONG)]
#[group(required = true, multiple = false)]
pub struct Run {
    /// Workers to run.
    #[arg(value_name = "WORKER", value_parser = names())]
    workers: Vec<String>,
    /// Run the whole fleet.
    #[arg(long)]
    all: bool,
}

const SHORT: &str = "\
Examples:
  dialogpost run --all
  dialogpost run helsenorge-inbound recipient-routing

Environment: see dialogpost run --help";

const LONG: &str = "\
Environment (what is needed and missing is listed at once; X_FILE names a file that holds the value of X; set one of the two):
  DATABASE_URL, DATABASE_URL_FILE    Needed. postgres://user:password@host:5432/database?sslmode=require
  AMQP_URL, AMQP_URL_FILE            Needed. Our broker: amqp://user:password@host:5672/vhost, or amqps://
  NHN_AMQP_URL, NHN_AMQP_URL_FILE    NHN's broker. Default: AMQP_URL
  NHN_EXCHANGE                       Exchange that messages to NHN's queues go through. Default: NHNTESTServiceBus
  LISTEN                             Address of /healthz, /readyz and /metrics. Default: 127.0.0.1:8090
  BATCH                              Messages in one transaction at most, 1 to 1000. Default: 64
  LANES                              Pipelines of one worker in one process, 1 to 16. Default: 1
  DATABASE_CONNECTIONS               Connections for each worker at most, 1 to 100. Default: 4
  KEYS_DIR                           Our private keys with their certificates, PEM or PKCS#12, named by the set-up file. Default: none
  KEYS_PASSWORD, KEYS_PASSWORD_FILE  Of the key files that are encrypted. Default: none are
  TRUST_DIR                          Certificates of the authorities we trust (*.pem, *.crt), read at the start, and revocation lists
                                     (*.crl), read every minute. Default: none, and nobody is trusted
  REVOCATION                         required: without a revocation list a message waits; soft-fail: it passes; off: none is looked for
                                     Default: required
  LEGACY_ALGORITHMS                  3DES and SHA-1 in what we receive: refuse, or warn, which takes and counts them. Default: refuse
  PLAIN_CONTENT                      Content that is not signed and encrypted: refuse, or accept, for tests only, which takes it, and sends it
                                     where a key or certificate is missing. Default: refuse
  FUNCTIONS_WITHOUT_AGREEMENT        Message functions that go by a party's own certificates, whatever was agreed, with commas between
                                     Default: none
  RECEIPT_LIMIT_MINUTES              A receipt that has not come by then is overdue, 1 to 525600. Default: 240, four hours
  RETENTION                          What is kept for how long, table=days with commas between. Default: processed=90,message=180,
                                     command=365,contact_question=30,dead_letter=365,notification=365
  OTEL_EXPORTER_OTLP_ENDPOINT        A collector that traces are sent to, OTLP over HTTP, such as http://collector:4318. Default: none
  OTEL_TRACES_SAMPLER_ARG            Of which share of the messages, 0 to 1; what carries a trace goes by that. Default: 1
  TEST_NUMBER_SERIES                 Test series of identity numbers that are accepted: 80, 40 or 80,40. Default: none, as in production
  CONTACT_SERVICE                    How HelseNorge is asked whom it can reach: amqp, by message; rest, HelsenorgeAktivSjekken; or off
                                     Default: amqp
  CONTACT_URL                        Where HelsenorgeAktivSjekken is, https only, or http of this machine itself
                                     Default: https://eksternapi.helsenorge.no/digitaltaktiv/helsenorgeaktivsjekken/v1
  CONTACT_TOKEN_FILE                 Holds the bearer token for it, read at each call: whoever renews it writes it there. Needed for rest
  CONTACT_AGE_HOURS                  What HelseNorge said longer ago counts as unknown, 1 to 720. Default: 24
  CONTACT_UNKNOWN                    A dialog to a patient of whom nobody knows: refuse, or allow. Default: refuse
  SMTP_URL, SMTP_URL_FILE            Where notices go out by e-mail: smtps://user:password@host:465, or smtp://user:password@host:587?tls=required
                                     In the clear only smtp:// of this machine itself. Default: none, and such notices wait
  SMTP_FROM                          The address they are from. Needed for SMTP_URL
  SMS_URL, PUSH_URL                  Webhooks that deliver text messages, and push, https only, or http of this machine itself
                                     Default: none, and such notices wait
  WEBHOOK_SECRET, WEBHOOK_SECRET_FILE  What is exchanged with them is signed with, 16 characters or more. Needed for the two and for
                                     RECEIPTS_LISTEN
  RECEIPTS_LISTEN                    Address where they say what became of notices: POST /receipts. Default: none
  EXTRA_ROOTS                        File of authorities (PEM) that vouch for all these servers, brokers and the database too, beside the
                                     public ones. Default: none
  RUST_LOG                           What is logged. Default: info
  LOG_FORMAT                         human, json, or auto: human on a terminal, JSON otherwise. Default: auto

Examples:
  DATABASE_URL=postgres://dialogpost:secret@localhost/dialogpost AMQP_URL=amqp://guest:guest@localhost/%2f dialogpost run --all
  dialogpost run helsenorge-inbound recipient-routing

Exit codes: 0 stopped as asked; 1 a worker or its surroundings failed; 2 wrong usage or environment.";

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(WORKERS.map(|w| PossibleValue::new(w.name).help(w.about)))
}

impl Run {
    /// Runs until stopped.
    pub fn serve(&self) -> ExitCode {
        match Config::from_env() {
            Ok(config) => process::serve(config, &self.chosen()),
            Err(faults) => {
                process::report(&faults);
                ExitCode::from(2)
            }
        }
    }

    /// Each worker once, however often it is named.
    fn chosen(&self) -> Vec<Worker> {
        WORKERS.into_iter().filter(|w| self.all || self.workers.iter().any(|name| name == w.name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn every_variable_is_documented() {
        let asked = Mutex::new(Vec::new());
        let _ = Config::read(&|name| {
            asked.lock().ok()?.push(name.to_owned());
            None
        });
        let asked = asked.into_inner().unwrap_or_default();
        assert!(asked.len() > 10);
        for name in asked {
            assert!(LONG.contains(&name), "{name}");
        }
    }

    #[test]
    fn a_worker_runs_once_however_often_it_is_named() {
        let run = |names: &[&str], all| Run { workers: names.iter().map(|n| (*n).to_owned()).collect(), all }.chosen().len();
        assert_eq!(run(&["recipient-routing", "recipient-routing", "helsenorge-inbound"], false), 2);
        assert_eq!(run(&[], true), WORKERS.len());
    }
}
