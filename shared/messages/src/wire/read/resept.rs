//! M1. No schema is public, so nothing here is a deviation.

use super::sensitive;
use crate::Sensitive;
use crate::wire::limits::XmlError;
use crate::wire::reader::{Children, Reader};
use crate::wire::resept::Resept;
use crate::wire::shape::{self, Ns};

/// The names a product may have, best first.
#[derive(Default)]
struct Names {
    name_form_strength: Option<Sensitive<String>>,
    brand: Option<Sensitive<String>>,
    plain: Option<Sensitive<String>>,
}

impl Names {
    fn best(self) -> Option<Sensitive<String>> {
        self.name_form_strength.or(self.brand).or(self.plain)
    }
}

/// Reads `Resept`.
pub(super) fn read(reader: &mut Reader<'_>, ns: Ns) -> Result<Resept, XmlError> {
    let mut resept = Resept::default();
    let mut names = Names::default();
    let mut children = Children::of(&shape::ANY, ns);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "Forskrivningsdato" => resept.prescribed_on = reader.text()?,
            "Utloper" => resept.expires_on = reader.text()?,
            "ReseptDokLegemiddel" | "ReseptDokHandelsvare" => goods(reader, ns, &mut resept, &mut names)?,
            _ => reader.skip()?,
        }
    }
    resept.name = names.best();
    Ok(resept)
}

fn goods(reader: &mut Reader<'_>, ns: Ns, resept: &mut Resept, names: &mut Names) -> Result<(), XmlError> {
    let mut children = Children::of(&shape::ANY, ns);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "Antall" => resept.packages = reader.text()?,
            "Reiterasjon" => resept.refills = reader.text()?,
            "Forskrivning" => prescription(reader, tag.ns, resept, names)?,
            "Varegruppekode" | "RefHjemmel" | "RefKode" | "BytteresRekvirent" | "Mengde" | "Merknad" => reader.skip()?,
            // Goods: what their block is called is not public.
            "NavnFormStyrke" | "Varenavn" | "Navn" | "Varenr" => one_of_product(reader, tag.local(), tag.ns, resept, names)?,
            _ => product(reader, tag.ns, resept, names)?,
        }
    }
    Ok(())
}

fn prescription(reader: &mut Reader<'_>, ns: Ns, resept: &mut Resept, names: &mut Names) -> Result<(), XmlError> {
    let mut children = Children::of(&shape::ANY, ns);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "DosVeiledEnkel" => resept.dosage = sensitive(reader)?,
            "Legemiddelpakning" | "LegemiddelMerkevare" | "Legemiddelblanding" | "LegemiddelVirkestoff" => {
                product(reader, tag.ns, resept, names)?;
            }
            _ => reader.skip()?,
        }
    }
    Ok(())
}

fn product(reader: &mut Reader<'_>, ns: Ns, resept: &mut Resept, names: &mut Names) -> Result<(), XmlError> {
    let mut children = Children::of(&shape::ANY, ns);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "Atc" => resept.atc = reader.code(&tag)?.map(Sensitive::new),
            "Reseptgruppe" => {
                resept.reseptgruppe = tag.attribute("V");
                reader.skip()?;
            }
            local => one_of_product(reader, local, tag.ns, resept, names)?,
        }
    }
    Ok(())
}

fn one_of_product(reader: &mut Reader<'_>, local: &str, ns: Ns, resept: &mut Resept, names: &mut Names) -> Result<(), XmlError> {
    match local {
        "NavnFormStyrke" => names.name_form_strength = sensitive(reader)?,
        "Varenavn" => names.brand = sensitive(reader)?,
        "Navn" => names.plain = sensitive(reader)?,
        "Varenr" => resept.varenr = reader.text()?,
        "PakningsinfoResept" => {
            let mut children = Children::of(&shape::ANY, ns);
            while let Some(tag) = reader.child(&mut children)? {
                match tag.local() {
                    "Varenavn" if names.brand.is_none() => names.brand = sensitive(reader)?,
                    _ => reader.skip()?,
                }
            }
        }
        _ => reader.skip()?,
    }
    Ok(())
}
