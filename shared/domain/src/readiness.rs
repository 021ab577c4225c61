//! May the clinic take part (features J1)?

use crate::clinic::Clinic;
use crate::services::takes_part;

/// Something activation still lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The clinic is no member of Norsk Helsenett.
    NhnMembership,
    /// The clinic has not ordered Digital Dialog.
    DigitalDialogOrder,
    /// Nobody at the clinic offers a service.
    Service,
    /// An employee who takes part has no HER-id.
    EmployeeHerId {
        /// The employee's id in the set-up file.
        employee: String,
    },
}

impl Missing {
    /// Stable, kebab-case.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NhnMembership => "nhn-membership",
            Self::DigitalDialogOrder => "digital-dialog-order",
            Self::Service => "service",
            Self::EmployeeHerId { .. } => "employee-her-id",
        }
    }

    /// What to do about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::NhnMembership => "apply for membership of Norsk Helsenett, then set nhn_member",
            Self::DigitalDialogOrder => "order Digital Dialog from NHN, then set digital_dialog_ordered",
            Self::Service => "register a service for at least one employee in the address registry, then list it under services",
            Self::EmployeeHerId { .. } => "register the employee in the address registry, then set his her_id",
        }
    }
}

/// Everything activation still lacks; empty = the clinic is ready.
pub fn missing(clinic: &Clinic) -> Vec<Missing> {
    let takes_part = || clinic.employees.iter().filter(|(_, e)| takes_part(e));
    let mut missing = Vec::new();
    if !clinic.nhn_member {
        missing.push(Missing::NhnMembership);
    }
    if !clinic.digital_dialog_ordered {
        missing.push(Missing::DigitalDialogOrder);
    }
    if takes_part().next().is_none() {
        missing.push(Missing::Service);
    }
    missing
        .extend(takes_part().filter(|(_, e)| e.her_id.is_none()).map(|(id, _)| Missing::EmployeeHerId { employee: id.clone() }));
    missing
}
