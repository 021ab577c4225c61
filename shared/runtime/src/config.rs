//! Configuration from the environment: typed, every fault listed at once, secrets also from files.

mod contact;
mod notices;
mod retention;
mod roots;
mod traces;

pub use contact::ContactService;
pub use notices::{Notices, Smtp, SmtpTls, Webhooks};
pub use roots::Roots;

use crate::traces::TracesConfig;
use broker::AmqpUrl;
use domain::command::contact::Caution;
use domain::retention::Retention;
use jiff::SignedDuration;
use messages::person_id::TestSeries;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use trust::{Legacy, Revocation, Zeroizing};

/// What a worker is told.
#[derive(Clone)]
pub struct Config {
    /// `DATABASE_URL`, or the content of the file `DATABASE_URL_FILE` names.
    pub database_url: String,
    /// `AMQP_URL`, or `AMQP_URL_FILE`: our broker.
    pub amqp_url: AmqpUrl,
    /// `NHN_AMQP_URL`, or `NHN_AMQP_URL_FILE`: NHN's broker; default `AMQP_URL`.
    pub nhn_amqp_url: AmqpUrl,
    /// `NHN_EXCHANGE`, default `NHNTESTServiceBus`.
    pub nhn_exchange: String,
    /// `LISTEN`, default `127.0.0.1:8090`: health and metrics.
    pub listen: SocketAddr,
    /// `RUST_LOG`, default `info`.
    pub log_filter: String,
    /// `LOG_FORMAT`: `human`, `json`, or `auto` (people on a terminal, JSON otherwise).
    pub log_format: LogFormat,
    /// `BATCH`, 1 to 1000, default 64: messages in one transaction at most.
    pub batch: usize,
    /// `LANES`, 1 to 16, default 1: pipelines of one worker in one process.
    pub lanes: usize,
    /// `DATABASE_CONNECTIONS`, 1 to 100, default 4 for each worker.
    pub database_connections: usize,
    /// `KEYS_DIR`: our private keys, named by the set-up file.
    pub keys_dir: Option<PathBuf>,
    /// `KEYS_PASSWORD`, or `KEYS_PASSWORD_FILE`: of the key files that are encrypted.
    pub keys_password: Option<Zeroizing<String>>,
    /// `TRUST_DIR`: certificates of authorities (`*.pem`, `*.crt`) and revocation lists (`*.crl`).
    pub trust_dir: Option<PathBuf>,
    /// `REVOCATION`: `required` (default), `soft-fail` or `off`.
    pub revocation: Revocation,
    /// `LEGACY_ALGORITHMS`: `refuse` (default) or `warn`: 3DES and SHA-1.
    pub legacy_algorithms: Legacy,
    /// `PLAIN_CONTENT`: `refuse` (default) or `accept`: messages without protection, for tests only.
    pub plain_content: bool,
    /// `FUNCTIONS_WITHOUT_AGREEMENT`, with commas between: message functions that go by the party's own certificates, whatever was agreed.
    pub without_agreement: Vec<String>,
    /// `RECEIPT_LIMIT_MINUTES`, 1 to 525600, default 240: an AppRec that has not come by then is overdue.
    pub receipt_limit: SignedDuration,
    /// `TEST_NUMBER_SERIES`: test series of identity numbers that are accepted, such as `80,40`; default none, as in production.
    pub test_series: TestSeries,
    /// `CONTACT_SERVICE`: `amqp` (default), `rest`, which asks at `CONTACT_URL` with the token in `CONTACT_TOKEN_FILE`, or `off`.
    pub contact_service: ContactService,
    /// `CONTACT_AGE_HOURS`, 1 to 720, default 24, and `CONTACT_UNKNOWN`, `refuse` (default) or `allow`.
    pub contact_caution: Caution,
    /// How notices go out.
    pub notices: Notices,
    /// `RETENTION`: `table=days` with commas between.
    pub retention: Retention,
    /// Where traces go, and how many.
    pub traces: TracesConfig,
    /// `EXTRA_ROOTS`: authorities that vouch for brokers, the database, collectors, and those that deliver notices, beside the public ones.
    pub extra_roots: Roots,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// People on a terminal, JSON otherwise.
    Auto,
    /// One line for people.
    Human,
    /// One JSON object a line.
    Json,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("nhn_exchange", &self.nhn_exchange).field("listen", &self.listen).finish_non_exhaustive()
    }
}

/// What is wrong with one variable; never quotes a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFault {
    /// The variable.
    pub variable: &'static str,
    /// What is wrong and what is allowed.
    pub text: String,
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.variable, self.text)
    }
}

struct Reader<'a> {
    get: &'a dyn Fn(&str) -> Option<String>,
    faults: Vec<ConfigFault>,
}

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// Every fault, not only the first.
    pub fn from_env() -> Result<Self, Vec<ConfigFault>> {
        Self::read(&|name| std::env::var(name).ok())
    }

    /// Reads variables through `get`.
    ///
    /// # Errors
    /// Every fault, not only the first.
    pub fn read(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, Vec<ConfigFault>> {
        let mut r = Reader { get, faults: Vec::new() };
        let extra_roots = r.extra_roots();
        let database_url = r.secret("DATABASE_URL", "DATABASE_URL_FILE").and_then(|url| r.database(url));
        let database_url = r.required("DATABASE_URL", database_url, "is not set: postgres://user:password@host:5432/database");
        let amqp = r.secret("AMQP_URL", "AMQP_URL_FILE").and_then(|url| r.amqp("AMQP_URL", &url));
        let amqp = r.required("AMQP_URL", amqp, "is not set: amqp://user:password@host:5672/vhost");
        let nhn =
            r.secret("NHN_AMQP_URL", "NHN_AMQP_URL_FILE").and_then(|url| r.amqp("NHN_AMQP_URL", &url)).or_else(|| amqp.clone());
        let listen = r.parsed("LISTEN", "127.0.0.1:8090", |t| t.parse().ok(), "an address and port such as 0.0.0.0:8090");
        let log_format = r.parsed("LOG_FORMAT", "auto", log_format, "auto, human or json");
        let batch = r.parsed("BATCH", "64", |t| within(t, 1, 1000), "a number from 1 to 1000");
        let lanes = r.parsed("LANES", "1", |t| within(t, 1, 16), "a number from 1 to 16");
        let connections = r.parsed("DATABASE_CONNECTIONS", "4", |t| within(t, 1, 100), "a number from 1 to 100");
        let revocation = r.parsed("REVOCATION", "required", revocation, "required, soft-fail or off");
        let legacy = r.parsed("LEGACY_ALGORITHMS", "refuse", legacy, "refuse or warn");
        let plain = r.parsed("PLAIN_CONTENT", "refuse", plain, "refuse or accept");
        let receipts =
            r.parsed("RECEIPT_LIMIT_MINUTES", "240", |t| within(t, 1, 525_600), "a number of minutes from 1 to 525600");
        let keys_dir = r.directory("KEYS_DIR");
        let trust_dir = r.directory("TRUST_DIR");
        let keys_password = r.secret("KEYS_PASSWORD", "KEYS_PASSWORD_FILE").map(Zeroizing::new);
        let series = r.parsed("TEST_NUMBER_SERIES", "", |t| TestSeries::from_config(t).ok(), "80, 40 or 80,40");
        let (service, caution) = (r.contact_service(), r.contact_caution());
        let notices = r.notices();
        let (retention, traces) = (r.retention(), r.traces());
        let without_agreement = r.text("FUNCTIONS_WITHOUT_AGREEMENT").map_or_else(Vec::new, |t| list(&t));
        let nhn_exchange = r.text("NHN_EXCHANGE").unwrap_or_else(|| "NHNTESTServiceBus".into());
        let log_filter = r.text("RUST_LOG").unwrap_or_else(|| "info".into());
        match (
            database_url,
            amqp,
            nhn,
            listen,
            log_format,
            batch,
            lanes,
            connections,
            series,
            revocation,
            legacy,
            plain,
            receipts,
            service,
            caution,
            notices,
            retention,
            traces,
        ) {
            (
                Some(database_url),
                Some(amqp_url),
                Some(nhn_amqp_url),
                Some(listen),
                Some(log_format),
                Some(batch),
                Some(lanes),
                Some(database_connections),
                Some(test_series),
                Some(revocation),
                Some(legacy_algorithms),
                Some(plain_content),
                Some(receipt_limit),
                Some(contact_service),
                Some(contact_caution),
                Some(notices),
                Some(retention),
                Some(traces),
            ) if r.faults.is_empty() => Ok(Self {
                database_url,
                amqp_url: extra_roots.vouch_for(amqp_url),
                nhn_amqp_url: extra_roots.vouch_for(nhn_amqp_url),
                nhn_exchange,
                listen,
                log_filter,
                log_format,
                batch,
                lanes,
                database_connections,
                keys_dir,
                keys_password,
                trust_dir,
                revocation,
                legacy_algorithms,
                plain_content,
                without_agreement,
                receipt_limit: SignedDuration::from_mins(i64::try_from(receipt_limit).unwrap_or(i64::MAX)),
                test_series,
                contact_service,
                contact_caution,
                notices,
                retention,
                traces,
                extra_roots,
            }),
            _ => Err(r.faults),
        }
    }
}

impl Reader<'_> {
    fn fault(&mut self, variable: &'static str, text: impl Into<String>) {
        if !self.faults.iter().any(|f| f.variable == variable) {
            self.faults.push(ConfigFault { variable, text: text.into() });
        }
    }

    fn text(&self, variable: &str) -> Option<String> {
        (self.get)(variable).map(|t| t.trim().to_owned()).filter(|t| !t.is_empty())
    }

    /// A secret: the variable itself, else the content of the file that `{variable}_FILE` names.
    fn secret(&mut self, variable: &'static str, file: &'static str) -> Option<String> {
        match (self.text(variable), self.text(file)) {
            (Some(_), Some(_)) => {
                self.fault(variable, format!("is set, and so is {file}: set one of them"));
                None
            }
            (Some(value), None) => Some(value),
            (None, Some(path)) => match std::fs::read_to_string(&path) {
                Ok(value) => Some(value.trim().to_owned()),
                Err(error) => {
                    self.fault(file, format!("the file cannot be read ({})", error.kind()));
                    // The variable is not missing, its file is unreadable: one fault is enough.
                    self.fault(variable, format!("has no value, see {file}"));
                    None
                }
            },
            (None, None) => None,
        }
    }

    fn directory(&mut self, variable: &'static str) -> Option<PathBuf> {
        let path = PathBuf::from(self.text(variable)?);
        if !path.is_dir() {
            self.fault(variable, "names no directory that can be read");
        }
        Some(path)
    }

    fn database(&mut self, url: String) -> Option<String> {
        let config = store::StoreConfig { url: url.clone(), application: String::new(), connections: 1, authorities: vec![] };
        match store::Store::new(&config) {
            Ok(_) => Some(url),
            Err(text) => {
                self.fault("DATABASE_URL", format!("is {text}"));
                None
            }
        }
    }

    fn amqp(&mut self, variable: &'static str, url: &str) -> Option<AmqpUrl> {
        match url.parse() {
            Ok(url) => Some(url),
            Err(fault) => {
                let fault: messages::Fault = fault;
                self.fault(variable, fault.text.into_owned());
                None
            }
        }
    }

    fn required<T>(&mut self, variable: &'static str, value: Option<T>, text: &str) -> Option<T> {
        if value.is_none() {
            self.fault(variable, text);
        }
        value
    }

    fn parsed<T>(&mut self, variable: &'static str, default: &str, parse: impl Fn(&str) -> Option<T>, text: &str) -> Option<T> {
        let given = self.text(variable);
        let value = parse(given.as_deref().unwrap_or(default));
        if value.is_none() {
            self.fault(variable, format!("must be {text}, not {:?}", given.unwrap_or_default()));
        }
        value
    }
}

fn within(text: &str, min: usize, max: usize) -> Option<usize> {
    text.parse().ok().filter(|n| (min..=max).contains(n))
}

fn revocation(text: &str) -> Option<Revocation> {
    match text {
        "required" => Some(Revocation::Required),
        "soft-fail" => Some(Revocation::SoftFail),
        "off" => Some(Revocation::Off),
        _ => None,
    }
}

fn legacy(text: &str) -> Option<Legacy> {
    match text {
        "refuse" => Some(Legacy::Refuse),
        "warn" => Some(Legacy::Warn),
        _ => None,
    }
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

fn plain(text: &str) -> Option<bool> {
    match text {
        "refuse" => Some(false),
        "accept" => Some(true),
        _ => None,
    }
}

fn log_format(text: &str) -> Option<LogFormat> {
    match text {
        "auto" => Some(LogFormat::Auto),
        "human" => Some(LogFormat::Human),
        "json" => Some(LogFormat::Json),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<Config, Vec<&'static str>> {
        let get = |name: &str| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        Config::read(&get).map_err(|faults| faults.into_iter().map(|f| f.variable).collect())
    }

    const GOOD: [(&str, &str); 2] = [("DATABASE_URL", "postgres://u:p@h/d"), ("AMQP_URL", "amqp://u:p@h/v")];

    #[test]
    fn defaults() {
        let config = read(&GOOD).unwrap();
        assert_eq!((config.batch, config.lanes, config.database_connections), (64, 1, 4));
        assert_eq!(config.nhn_exchange, "NHNTESTServiceBus");
        assert_eq!(config.listen.to_string(), "127.0.0.1:8090");
    }

    #[test]
    fn every_fault_is_listed_at_once() {
        let vars = [("BATCH", "0"), ("LANES", "x"), ("LISTEN", "here"), ("LOG_FORMAT", "xml"), ("TEST_NUMBER_SERIES", "65")];
        let mut faults = read(&vars).unwrap_err();
        faults.sort_unstable();
        assert_eq!(faults, ["AMQP_URL", "BATCH", "DATABASE_URL", "LANES", "LISTEN", "LOG_FORMAT", "TEST_NUMBER_SERIES"]);
    }

    #[test]
    fn secrets_come_from_files_too_but_not_from_both() {
        let file = std::env::temp_dir().join(format!("dialogpost-config-{}", std::process::id()));
        std::fs::write(&file, "postgres://u:hemmelig@h/d\n").unwrap();
        let path = file.to_str().unwrap();
        let config = read(&[("DATABASE_URL_FILE", path), GOOD[1]]).unwrap();
        assert_eq!(config.database_url, "postgres://u:hemmelig@h/d");
        assert_eq!(read(&[GOOD[0], ("DATABASE_URL_FILE", path), GOOD[1]]).unwrap_err(), ["DATABASE_URL"]);
        std::fs::remove_file(&file).unwrap();
        assert_eq!(read(&[("DATABASE_URL_FILE", path), GOOD[1]]).unwrap_err(), ["DATABASE_URL_FILE", "DATABASE_URL"]);
    }

    #[test]
    fn nothing_secret_is_shown() {
        let config = read(&[("DATABASE_URL", "postgres://u:hemmelig@h/d"), ("AMQP_URL", "amqp://u:hemmelig@h/v")]).unwrap();
        assert!(!format!("{config:?} {:?}", config.amqp_url).contains("hemmelig"));
    }
}
