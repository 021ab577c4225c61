//! What keeps a command from doing its work, and what to do about it. Holds no values: no passwords, no persons.

use domain::setup::SetupFault;
use messages::{Fault, HerId};
use runtime::config::ConfigFault;
use std::fmt;
use store::StoreError;

/// Why a command was not carried out.
#[derive(Debug)]
pub enum Failure {
    /// Variables are missing or wrong.
    Environment(Vec<ConfigFault>),
    /// The database.
    Database(StoreError),
    /// A broker, and the variable that holds its address.
    Broker {
        /// The variable.
        variable: &'static str,
        /// What the broker said.
        fault: Fault,
    },
    /// The set-up file has faults; nothing was written.
    Setup(Vec<SetupFault>),
    /// No such clinic.
    UnknownClinic {
        /// The HER-id that was asked for.
        her_id: HerId,
        /// The clinic whose employee has it.
        employee_of: Option<HerId>,
    },
    /// Anything else, said in full.
    Usage(String),
}

impl std::error::Error for Failure {}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Database(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(faults) => {
                f.write_str("The environment is not right:")?;
                faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))?;
                f.write_str("\nWhat each variable means: dialogpost run --help")
            }
            Self::Database(error) => database(f, error),
            Self::Broker { variable, fault } => {
                write!(f, "{} ({})", fault.text, fault.code)?;
                match fault.code {
                    "amqp-topology-conflict" => Ok(()),
                    "amqp-untrusted" => untrusted(f, variable),
                    _ => write!(
                        f,
                        "\nCheck {variable}, and that the broker it names runs and knows the user and the virtual host."
                    ),
                }
            }
            Self::Setup(faults) => {
                let n = faults.len();
                write!(f, "The file has {n} fault{}; nothing was written:", if n == 1 { "" } else { "s" })?;
                faults.iter().try_for_each(|fault| write!(f, "\n  {}: {}", fault.field, fault.text))
            }
            Self::UnknownClinic { her_id, employee_of: Some(clinic) } => {
                write!(f, "{her_id} is an employee, not a clinic. Ask for the clinic: dialogpost check {clinic}")
            }
            Self::UnknownClinic { her_id, employee_of: None } => {
                write!(f, "No clinic has the HER-id {her_id}. Set it up first: dialogpost apply FILE")
            }
            Self::Usage(text) => f.write_str(text),
        }
    }
}

fn untrusted(f: &mut fmt::Formatter<'_>, variable: &str) -> fmt::Result {
    write!(f, "\nCheck that the name in {variable} is its certificate's, and that EXTRA_ROOTS holds who vouches for it.")
}

fn database(f: &mut fmt::Formatter<'_>, error: &StoreError) -> fmt::Result {
    match error {
        error if error.is_untrusted() => {
            write!(f, "The database cannot be trusted: {error}")?;
            untrusted(f, "DATABASE_URL")
        }
        StoreError::Unavailable { .. } => {
            write!(
                f,
                "The database does not answer: {error}\nCheck DATABASE_URL, and that the server it names runs and takes connections."
            )
        }
        StoreError::Bug { step: "connect", code } => {
            write!(f, "The database refused the connection ({code}).\nCheck user, password and database name in DATABASE_URL.")
        }
        StoreError::Bug { step: "migrate", .. } => {
            write!(
                f,
                "The migration failed and was rolled back ({error}).\nThe log line above says why; correct that, then run dialogpost migrate again."
            )
        }
        StoreError::Schema { found, needed } if found < needed => {
            write!(f, "The database schema is at version {found}, this build needs {needed}.\nRun dialogpost migrate.")
        }
        StoreError::Schema { found, needed } => {
            write!(f, "The database schema is at version {found}, this build knows {needed}.\nRun a newer build.")
        }
        StoreError::Conflict { .. } => write!(f, "Somebody else changed the same rows: {error}.\nRun the command again."),
        StoreError::Content { .. } | StoreError::Bug { .. } => {
            write!(f, "{error}.\nThis is a fault of dialogpost: report the step and the code.")
        }
    }
}
