//! How a dialog is called in lists: its kind, "helsenorge.no" where HelseNorge carries it (R1), and its subject.

use crate::command::dialog::Kind;
use messages::Sensitive;
use messages::event::DialogKind;

/// The title of a dialog with this subject.
pub fn title(kind: Kind, subject: Option<&str>) -> Sensitive<String> {
    let label = label(kind);
    Sensitive::new(match subject.map(str::trim).filter(|subject| !subject.is_empty()) {
        Some(subject) => format!("{label}: {subject}"),
        None => label.to_owned(),
    })
}

/// The same title for another kind.
pub fn retitled(old: &str, from: Kind, to: Kind) -> Sensitive<String> {
    let subject = old.strip_prefix(label(from)).and_then(|rest| rest.strip_prefix(": "));
    title(to, subject)
}

const fn label(kind: Kind) -> &'static str {
    match kind {
        Kind::HelseNorge(DialogKind::EKontakt) => "eKontakt – helsenorge.no",
        Kind::HelseNorge(DialogKind::EKonsultasjon) => "eKonsultasjon – helsenorge.no",
        Kind::HelseNorge(DialogKind::Reseptfornyelse) => "Reseptfornyelse – helsenorge.no",
        Kind::HelseNorge(DialogKind::Timeonske) => "Timeønske – helsenorge.no",
        Kind::EDialog => "E-dialog",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r1_helsenorge_is_named_where_it_carries_the_dialog() {
        let (contact, consultation) = (Kind::HelseNorge(DialogKind::EKontakt), Kind::HelseNorge(DialogKind::EKonsultasjon));
        let table = [
            (contact, Some("Time?"), "eKontakt – helsenorge.no: Time?"),
            (contact, Some(" "), "eKontakt – helsenorge.no"),
            (consultation, None, "eKonsultasjon – helsenorge.no"),
            (Kind::HelseNorge(DialogKind::Reseptfornyelse), Some("Astma"), "Reseptfornyelse – helsenorge.no: Astma"),
            (Kind::HelseNorge(DialogKind::Timeonske), Some("Ny time"), "Timeønske – helsenorge.no: Ny time"),
            (Kind::EDialog, Some("Møte"), "E-dialog: Møte"),
        ];
        for (kind, subject, want) in table {
            assert_eq!(title(kind, subject).expose(), want);
        }
        for subject in ["Time?", "eKontakt – helsenorge.no: a: b"] {
            let before = title(contact, Some(subject));
            assert_eq!(retitled(before.expose(), contact, consultation), title(consultation, Some(subject)));
        }
        assert_eq!(retitled("eKontakt – helsenorge.no", contact, consultation).expose(), "eKonsultasjon – helsenorge.no");
    }
}
