//! What a command asks of the environment: only what it needs, every fault at once.

use crate::failure::Failure;
use runtime::Config;
use runtime::config::LogFormat;
use runtime::telemetry;
use store::{Session, Store};

/// A part of the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The database.
    Database,
    /// Our broker.
    Amqp,
    /// NHN's broker, which is ours unless the environment names another.
    Nhn,
    /// Which test series of identity numbers are accepted.
    TestSeries,
    /// Our private keys.
    Keys,
    /// Where the process shows its health.
    Listen,
}

impl Need {
    const fn variables(self) -> &'static [&'static str] {
        match self {
            Self::Database => &["DATABASE_URL", "DATABASE_URL_FILE", "EXTRA_ROOTS"],
            Self::Amqp => &["AMQP_URL", "AMQP_URL_FILE", "EXTRA_ROOTS"],
            Self::Nhn => &["NHN_AMQP_URL", "NHN_AMQP_URL_FILE", "NHN_EXCHANGE", "EXTRA_ROOTS"],
            Self::TestSeries => &["TEST_NUMBER_SERIES"],
            Self::Keys => &["KEYS_DIR", "KEYS_PASSWORD", "KEYS_PASSWORD_FILE", "TRUST_DIR"],
            Self::Listen => &["LISTEN"],
        }
    }
}

/// Reads what is needed and starts logging of errors (more with `RUST_LOG`). What is not needed holds no meaning.
///
/// # Errors
/// Every fault of what is needed.
pub fn read(needs: &[Need]) -> Result<Config, Failure> {
    let config = from(needs, &|name| std::env::var(name).ok())?;
    telemetry::logs(LogFormat::Human, &config.log_filter);
    Ok(config)
}

/// As [`read`], through `get` and without logging.
///
/// # Errors
/// Every fault of what is needed.
pub fn from(needs: &[Need], get: &dyn Fn(&str) -> Option<String>) -> Result<Config, Failure> {
    let needed = |name: &str| needs.iter().any(|need| need.variables().contains(&name));
    let stand_in = |name: &str| match name {
        "DATABASE_URL" => Some("postgres://unused".to_owned()),
        "AMQP_URL" => Some("amqp://unused".to_owned()),
        "RUST_LOG" => Some(get(name).unwrap_or_else(|| "error".to_owned())),
        _ => None,
    };
    Config::read(&|name| if needed(name) { get(name) } else { stand_in(name) }).map_err(Failure::Environment)
}

/// A connection to a database whose schema this build knows.
///
/// # Errors
/// The database is away, or its schema is of another version.
pub async fn database(config: &Config) -> Result<Session, Failure> {
    let store =
        Store::new(&config.store("dialogpost-operator", 1)).map_err(|text| Failure::Usage(format!("DATABASE_URL: {text}")))?;
    store::require_current(&store).await?;
    Ok(store.session().await?)
}

/// Who does it, for the audit: the one named, else `$USER`, else `operator`.
pub fn actor(named: Option<&str>) -> String {
    let named = named.map(str::to_owned).or_else(|| std::env::var("USER").ok());
    named.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).unwrap_or_else(|| "operator".to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn faults(needs: &[Need], vars: &[(&str, &str)]) -> Vec<&'static str> {
        let get = |name: &str| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        match from(needs, &get) {
            Err(Failure::Environment(faults)) => faults.into_iter().map(|f| f.variable).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn only_what_is_needed_is_asked_for() {
        assert_eq!(faults(&[Need::Database], &[("AMQP_URL", "nonsense"), ("BATCH", "x")]), ["DATABASE_URL"]);
        assert_eq!(faults(&[Need::Amqp], &[("AMQP_URL", "amqp://h")]), [""; 0]);
        assert_eq!(faults(&[Need::Amqp, Need::Database], &[]), ["DATABASE_URL", "AMQP_URL"]);
        assert_eq!(faults(&[Need::TestSeries], &[("TEST_NUMBER_SERIES", "65")]), ["TEST_NUMBER_SERIES"]);
    }

    #[test]
    fn a_blank_actor_is_nobody() {
        assert_eq!((actor(Some(" ")), actor(Some(" kari "))), ("operator".to_owned(), "kari".to_owned()));
    }

    #[test]
    fn a_needed_url_may_come_from_a_file() {
        assert_eq!(faults(&[Need::Database], &[("DATABASE_URL_FILE", "/nowhere/secret")]), ["DATABASE_URL_FILE", "DATABASE_URL"]);
    }
}
