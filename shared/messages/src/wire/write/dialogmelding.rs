//! Dialogmelding 1.1.

use super::CodeType::Cv;
use super::{WriteError, Xml, required};
use crate::Sensitive;
use crate::wire::dialogmelding::{Dialogmelding, DialogmeldingVersion, Foresporsel, Notat};
use crate::wire::namespaces::DIALOG_1_1;

pub(super) fn write(xml: &mut Xml, dialog: &Dialogmelding) -> Result<(), WriteError> {
    if dialog.version == DialogmeldingVersion::V1_0 {
        return Err(WriteError::Unsupported("Dialogmelding 1.0"));
    }
    match (dialog.foresporsel.is_empty(), dialog.notat.is_empty()) {
        (true, true) => return Err(WriteError::Missing("Dialogmelding/Foresporsel")),
        (false, false) => return Err(WriteError::Illegal("Dialogmelding/Notat")),
        _ => {}
    }
    xml.element_with("Dialogmelding", &[("xmlns", DIALOG_1_1)], |xml| {
        dialog.foresporsel.iter().try_for_each(|request| foresporsel(xml, request))?;
        dialog.notat.iter().try_for_each(|note| notat(xml, note))
    })
}

fn foresporsel(xml: &mut Xml, request: &Foresporsel) -> Result<(), WriteError> {
    xml.element("Foresporsel", |xml| {
        let kind = required("Foresporsel/TypeForesp", request.type_foresp.as_ref())?;
        xml.code("TypeForesp", "Foresporsel/TypeForesp", kind, Cv)?;
        xml.text("EmneSporsmal", request.emne_sporsmal.as_ref().map(Sensitive::expose));
        xml.text("Sporsmal", request.sporsmal.as_ref().map(Sensitive::expose));
        for (name, field, day) in
            [("FraDato", "Foresporsel/FraDato", request.fra_dato), ("TilDato", "Foresporsel/TilDato", request.til_dato)]
        {
            day.map_or(Ok(()), |day| xml.date(name, field, day))?;
        }
        xml.optional_code("KodetOpplysning", "Foresporsel/KodetOpplysning", request.kodet_opplysning.as_ref(), Cv)
    })
}

fn notat(xml: &mut Xml, note: &Notat) -> Result<(), WriteError> {
    xml.element("Notat", |xml| {
        let theme = required("Notat/TemaKodet", note.tema_kodet.as_ref())?;
        xml.code("TemaKodet", "Notat/TemaKodet", theme, Cv)?;
        xml.text("Tema", note.tema.as_ref().map(Sensitive::expose));
        xml.text("TekstNotatInnhold", note.tekst.as_ref().map(Sensitive::expose));
        xml.text("Merknad", note.merknad.as_ref().map(Sensitive::expose));
        note.foresporsel.as_ref().map_or(Ok(()), |request| foresporsel(xml, request))
    })
}
