//! Dialogmelding 1.0 and 1.1.

use super::sensitive;
use crate::Sensitive;
use crate::wire::datetime;
use crate::wire::dialogmelding::{Dialogmelding, DialogmeldingVersion, Foresporsel, Notat};
use crate::wire::limits::XmlError;
use crate::wire::reader::{Children, Reader};
use crate::wire::richtext;
use crate::wire::shape::{self, Ns};
use jiff::civil::Date;

/// Reads `Dialogmelding`.
pub(super) fn read(reader: &mut Reader<'_>, ns: Ns) -> Result<Dialogmelding, XmlError> {
    let version = if ns == Ns::Dialog10 { DialogmeldingVersion::V1_0 } else { DialogmeldingVersion::V1_1 };
    let mut dialog = Dialogmelding { version, foresporsel: Vec::new(), notat: Vec::new() };
    let mut children = Children::of(&shape::DIALOGMELDING, ns);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "Foresporsel" => dialog.foresporsel.push(foresporsel(reader, ns)?),
            "Notat" => dialog.notat.push(notat(reader, ns)?),
            _ => reader.skip()?,
        }
    }
    Ok(dialog)
}

fn foresporsel(reader: &mut Reader<'_>, ns: Ns) -> Result<Foresporsel, XmlError> {
    let mut request = Foresporsel::default();
    let mut children = Children::of(&shape::FORESPORSEL, ns);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "TypeForesp" => request.type_foresp = reader.code(&tag)?,
            "EmneSporsmal" => request.emne_sporsmal = sensitive(reader)?,
            "Sporsmal" => request.sporsmal = rich(reader)?,
            "FraDato" => request.fra_dato = day(reader)?,
            "TilDato" => request.til_dato = day(reader)?,
            "KodetOpplysning" => request.kodet_opplysning = reader.code(&tag)?,
            _ => reader.skip()?,
        }
    }
    Ok(request)
}

fn notat(reader: &mut Reader<'_>, ns: Ns) -> Result<Notat, XmlError> {
    let mut note = Notat::default();
    let mut children = Children::of(&shape::NOTAT, ns);
    while let Some(tag) = reader.child(&mut children)? {
        match tag.local() {
            "TemaKodet" => note.tema_kodet = reader.code(&tag)?,
            "Tema" => note.tema = sensitive(reader)?,
            "TekstNotatInnhold" => note.tekst = rich(reader)?,
            "Merknad" => note.merknad = sensitive(reader)?,
            "Foresporsel" => note.foresporsel = Some(foresporsel(reader, ns)?),
            _ => reader.skip()?,
        }
    }
    Ok(note)
}

fn day(reader: &mut Reader<'_>) -> Result<Option<Date>, XmlError> {
    reader.value(datetime::day)
}

fn rich(reader: &mut Reader<'_>) -> Result<Option<Sensitive<String>>, XmlError> {
    Ok(richtext::read(reader)?.map(Sensitive::new))
}
