//! AppRec 1.0 and 1.1: the same tree in two namespaces.

use super::CodeType::{Cs, Cv};
use super::{WriteError, Xml};
use crate::wire::apprec::{AppRec, AppRecVersion};
use crate::wire::hodemelding::{Code, HealthcareProfessional, Ident, Organisation};
use crate::wire::namespaces::{APPREC_1_0, APPREC_1_1};

/// The code system of errors in general messages.
const ERRORS_8221: &str = "2.16.578.1.12.4.1.1.8221";

impl AppRec {
    /// The receipt as a document, valid by its schema.
    ///
    /// # Errors
    /// [`WriteError`] names the field that is missing or not valid.
    pub fn to_xml(&self) -> Result<Vec<u8>, WriteError> {
        let (namespace, mig_version) = match self.version {
            AppRecVersion::V1_0 => (APPREC_1_0, "1.0 2004-11-21"),
            AppRecVersion::V1_1 => (APPREC_1_1, "v1.1 2012-02-15"),
        };
        if self.status.is("2") && self.errors.is_empty() {
            return Err(WriteError::Missing("Error"));
        }
        let mut xml = Xml::new();
        xml.element_with("AppRec", &[("xmlns", namespace)], |xml| {
            xml.empty("MsgType", &[("V", "APPREC"), ("DN", "Applikasjonskvittering")]);
            xml.id("MIGversion", "MIGversion", mig_version)?;
            xml.date_time("GenDate", "GenDate", Some(&self.gen_date))?;
            xml.id("Id", "Id", &self.id)?;
            party(xml, "Sender", &self.sender)?;
            party(xml, "Receiver", &self.receiver)?;
            xml.code("Status", "Status", &self.status, Cs)?;
            self.errors.iter().try_for_each(|error| xml.code("Error", "Error", &with_system(error), Cv))?;
            self.original(xml)
        })?;
        Ok(xml.into_bytes())
    }

    fn original(&self, xml: &mut Xml) -> Result<(), WriteError> {
        xml.element("OriginalMsgId", |xml| {
            xml.code("MsgType", "OriginalMsgId/MsgType", &self.original_type, Cs)?;
            xml.date_time("IssueDate", "OriginalMsgId/IssueDate", Some(&self.original_gen_date))?;
            xml.id("Id", "OriginalMsgId/Id", &self.original_id)
        })
    }
}

fn with_system(error: &Code) -> Code {
    Code { s: error.s.clone().or_else(|| Some(ERRORS_8221.to_owned())), ..error.clone() }
}

/// `Sender` or `Receiver`: the enterprise is `Inst`, its unit `Dept`, its person `HCPerson`.
fn party(xml: &mut Xml, name: &str, organisation: &Organisation) -> Result<(), WriteError> {
    let department = organisation.organisation.as_deref();
    let person = organisation.healthcare_professional.as_ref();
    let person = person.or_else(|| department.and_then(|unit| unit.healthcare_professional.as_ref()));
    xml.element(name, |xml| {
        xml.element("HCP", |xml| {
            xml.element("Inst", |xml| {
                xml.text("Name", organisation.name.as_ref());
                main_ident(xml, &organisation.idents)?;
                if let Some(unit) = department {
                    xml.element("Dept", |xml| {
                        xml.text("Name", unit.name.as_ref());
                        main_ident(xml, &unit.idents)?;
                        additional_idents(xml, &unit.idents)
                    })?;
                }
                additional_idents(xml, &organisation.idents)?;
                person.map_or(Ok(()), |person| hc_person(xml, person))
            })
        })
    })
}

fn hc_person(xml: &mut Xml, person: &HealthcareProfessional) -> Result<(), WriteError> {
    let names = [&person.given_name, &person.middle_name, &person.family_name];
    let names: Vec<&str> = names.into_iter().flatten().map(|name| name.expose().as_str()).collect();
    xml.element("HCPerson", |xml| {
        xml.text("Name", Some(&names.join(" ")).filter(|name| !name.is_empty()));
        main_ident(xml, &person.idents)?;
        additional_idents(xml, &person.idents)
    })
}

/// Which identifier goes in front: the HER-id, else the first.
fn main_place(idents: &[Ident]) -> usize {
    idents.iter().position(|ident| ident.type_id.is("HER")).unwrap_or(0)
}

fn main_ident(xml: &mut Xml, idents: &[Ident]) -> Result<(), WriteError> {
    let Some(ident) = idents.get(main_place(idents)) else { return Ok(()) };
    xml.id("Id", "HCP/Id", ident.id.expose())?;
    xml.code("TypeId", "HCP/TypeId", &ident.type_id, Cs)
}

fn additional_idents(xml: &mut Xml, idents: &[Ident]) -> Result<(), WriteError> {
    let main = main_place(idents);
    idents.iter().enumerate().filter(|(place, _)| *place != main).try_for_each(|(_, ident)| {
        xml.element("AdditionalId", |xml| {
            xml.id("Id", "HCP/AdditionalId/Id", ident.id.expose())?;
            xml.code("Type", "HCP/AdditionalId/Type", &ident.type_id, Cs)
        })
    })
}
