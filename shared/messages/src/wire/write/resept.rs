//! M1 v2.5: as much as a list of prescriptions needs (message-formats 3.1).

use super::CodeType::Cv;
use super::{WriteError, Xml, is_oid, legal, present};
use crate::Sensitive;
use crate::wire::hodemelding::Code;
use crate::wire::namespaces::{FORSKRIVNING_2013, M1_2013};
use crate::wire::resept::Resept;

pub(super) fn write(xml: &mut Xml, resept: &Resept) -> Result<(), WriteError> {
    xml.element_with("Resept", &[("xmlns", M1_2013), ("xmlns:fs", FORSKRIVNING_2013)], |xml| {
        xml.text("Forskrivningsdato", resept.prescribed_on.as_ref());
        xml.text("Utloper", resept.expires_on.as_ref());
        xml.element("ReseptDokLegemiddel", |xml| {
            xml.empty("Varegruppekode", &[("V", "L"), ("DN", "Legemiddel")]);
            xml.text("Antall", resept.packages.as_ref());
            xml.text("Reiterasjon", resept.refills.as_ref());
            xml.element("fs:Forskrivning", |xml| {
                xml.text("fs:DosVeiledEnkel", resept.dosage.as_ref().map(Sensitive::expose));
                xml.element("fs:Legemiddelpakning", |xml| product(xml, resept))
            })
        })
    })
}

/// A code as far as it can be written: a prescription is repeated as it came, and mixtures come without one.
fn writable(code: &Code) -> Option<Code> {
    let code_system = code.s.clone().filter(|s| is_oid(s));
    present("Atc", code.v.as_deref()).ok().map(|_| Code { s: code_system, ..code.clone() })
}

fn product(xml: &mut Xml, resept: &Resept) -> Result<(), WriteError> {
    if let Some(atc) = resept.atc.as_ref().and_then(|atc| writable(atc.expose())) {
        xml.code("fs:Atc", "Legemiddelpakning/Atc", &atc, Cv)?;
    }
    xml.text("fs:NavnFormStyrke", resept.name.as_ref().map(Sensitive::expose));
    if let Some(group) = &resept.reseptgruppe {
        xml.empty("fs:Reseptgruppe", &[("V", &legal(group))]);
    }
    xml.text("fs:Varenr", resept.varenr.as_ref());
    Ok(())
}
