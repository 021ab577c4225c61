//! Why a message of the clinic did not reach the patient, in words (S5): what the codes of an AppRec and of an error message mean to those
//! who wrote it. Nowhere else.

use messages::command::answer::Reason;

/// An error of code list 8221, general errors in an AppRec.
struct Error {
    code: &'static str,
    /// As the list has it.
    name: &'static str,
    norwegian: &'static str,
    english: &'static str,
}

const fn error(code: &'static str, name: &'static str, norwegian: &'static str, english: &'static str) -> Error {
    Error { code, name, norwegian, english }
}

const ERRORS: [Error; 19] = [
    error(
        "E10",
        "Ugyldig meldingsidentifikator",
        "Mottakeren godtok ikke meldingens id.",
        "The receiver did not accept the message's id.",
    ),
    error("E20", "Lege finnes ikke", "Mottakeren kjenner ikke legen.", "The receiver does not know the doctor."),
    error("E21", "Mottaker finnes ikke", "Mottakeren finnes ikke.", "The receiver does not exist."),
    error(
        "E30",
        "Pasientens fødselsnummer mangler",
        "Pasientens fødselsnummer mangler i meldingen.",
        "The message lacks the patient's identity number.",
    ),
    error(
        "E31",
        "Pasientens fødselsnummer er feil",
        "Pasientens fødselsnummer er feil.",
        "The patient's identity number is wrong.",
    ),
    error("E32", "Pasientens navn mangler", "Pasientens navn mangler i meldingen.", "The message lacks the patient's name."),
    error(
        "E35",
        "Pasienten finnes ikke i mottakersystemet",
        "Mottakeren kjenner ikke pasienten.",
        "The receiver does not know the patient.",
    ),
    error(
        "E36",
        "Pasientopplysninger er utilstrekkelige",
        "Meldingen sier for lite om pasienten.",
        "The message says too little about the patient.",
    ),
    error(
        "E53",
        "Pasientens fødselsnummer eller D-nummer finnes ikke registrert i Folkeregisteret",
        "Pasientens fødselsnummer eller D-nummer finnes ikke i Folkeregisteret.",
        "The patient's number is not in the national population register.",
    ),
    error(
        "E54",
        "Pasientens fødselsnummer er ikke registrert i mottagersystemet",
        "Pasientens fødselsnummer er ikke registrert hos mottakeren.",
        "The patient's identity number is not registered with the receiver.",
    ),
    error("S01", "Feil på signatur", "Mottakeren fant en feil ved vår signatur.", "The receiver found a fault in our signature."),
    error("S02", "Ugyldig sertifikat", "Mottakeren godtok ikke vårt sertifikat.", "The receiver did not accept our certificate."),
    error("S03", "Tilbaketrukket sertifikat", "Vårt sertifikat er trukket tilbake.", "Our certificate was revoked."),
    error(
        "S99",
        "Annen feil på signatur eller sertifikat",
        "Mottakeren fant en feil ved vår signatur eller vårt sertifikat.",
        "The receiver found a fault in our signature or our certificate.",
    ),
    error("T01", "Ikke XML", "Mottakeren kunne ikke lese meldingen.", "The receiver could not read the message."),
    error("T02", "Ikke gyldig XML", "Meldingen er ikke bygd opp slik den skal.", "The message is not built as it must be."),
    error(
        "T10",
        "Ustøttet format",
        "Mottakeren tar ikke imot meldinger av denne typen.",
        "The receiver does not take messages of this type.",
    ),
    error(
        "T99",
        "Annen formatfeil",
        "Mottakeren fant en feil i meldingens form.",
        "The receiver found a fault in the message's form.",
    ),
    error(
        "X99",
        "Annen feil",
        "Mottakeren avviste meldingen uten at en kode sier hvorfor.",
        "The receiver turned the message down, and no code says why.",
    ),
];

/// Conditions of error messages (nhn-messaging 2.5) and codes of ours, with what they mean.
const FAILURES: [(&str, &str, &str); 12] = [
    ("transport:not-well-formed-xml", "HelseNorge kunne ikke lese meldingen.", "HelseNorge could not read the message."),
    (
        "transport:unsupported-message",
        "HelseNorge tar ikke imot meldinger av denne typen.",
        "HelseNorge does not take messages of this type.",
    ),
    (
        "transport:invalid-field-value",
        "HelseNorge fant en feil i meldingens adressering.",
        "HelseNorge found a fault in how the message was addressed.",
    ),
    ("transport:missing-certificate", "HelseNorge fant ikke vårt sertifikat.", "HelseNorge did not find our certificate."),
    (
        "transport:invalid-certificate",
        "HelseNorge godtok ikke vår signatur, vårt sertifikat eller vår kryptering.",
        "HelseNorge did not accept our signature, our certificate or our encryption.",
    ),
    ("transport:expired-certificate", "Et sertifikat er utløpt.", "A certificate has expired."),
    ("transport:revoked-certificate", "Et sertifikat er trukket tilbake.", "A certificate was revoked."),
    (
        "transport:internal-error",
        "HelseNorge kunne ikke ta imot meldingen på grunn av en feil hos seg.",
        "HelseNorge could not take the message through a fault of its own.",
    ),
    (
        "abuse:spoofing-attack",
        "HelseNorge mener at meldingen utgir seg for å være fra en annen.",
        "HelseNorge holds that the message pretends to be from somebody else.",
    ),
    (
        "recipient-certificate-missing",
        "Meldingen ble ikke sendt: HelseNorges sertifikat er ikke kjent her.",
        "The message was not sent: HelseNorge's certificate is not known here.",
    ),
    (
        "recipient-certificate-refused",
        "Meldingen ble ikke sendt: HelseNorges sertifikat er ikke til å stole på.",
        "The message was not sent: HelseNorge's certificate is not to be trusted.",
    ),
    (
        "own-certificate-refused",
        "Meldingen ble ikke sendt: legekontorets eget sertifikat kan ikke brukes.",
        "The message was not sent: the clinic's own certificate cannot be used.",
    ),
];

/// How code list 8221 calls an error.
pub fn name_8221(code: &str) -> &'static str {
    ERRORS.iter().find(|error| error.code == code).map_or("Annen feil", |error| error.name)
}

/// Why a message was turned down, or was not sent, by the codes that were given: one reason each, and one where none was given.
pub fn reasons(codes: &[String]) -> Vec<Reason> {
    if codes.is_empty() {
        return vec![Reason { code: None, ..unexplained() }];
    }
    codes.iter().map(|code| reason(code)).collect()
}

fn reason(code: &str) -> Reason {
    let of_receipt = ERRORS.iter().find(|error| error.code == code).map(|error| (error.norwegian, error.english));
    let of_failure = || FAILURES.iter().find(|(failure, ..)| *failure == code).map(|(_, no, en)| (*no, *en));
    let words = of_receipt.or_else(of_failure).map(|(norwegian, english)| (norwegian.to_owned(), english.to_owned()));
    let (norwegian, english) = words.unwrap_or_else(|| (unexplained().norwegian, unexplained().english));
    Reason { code: Some(code.to_owned()), norwegian, english }
}

fn unexplained() -> Reason {
    Reason {
        code: None,
        norwegian: "Meldingen nådde ikke pasienten; hvorfor er ikke kjent her.".to_owned(),
        english: "The message did not reach the patient; why is not known here.".to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::transport::{INVALID_FIELD, NOT_WELL_FORMED, SPOOFING, UNSUPPORTED};
    use std::collections::BTreeSet;

    #[test]
    fn s5_every_known_code_has_its_own_words() {
        let known: Vec<String> =
            ERRORS.iter().map(|e| e.code.to_owned()).chain(FAILURES.iter().map(|(code, ..)| (*code).to_owned())).collect();
        let told = reasons(&known);
        let words: BTreeSet<&str> = told.iter().flat_map(|r| [r.norwegian.as_str(), r.english.as_str()]).collect();
        assert_eq!(words.len(), known.len() * 2, "no two say the same");
        assert!(words.iter().all(|sentence| sentence.ends_with('.')));
        for ours in [INVALID_FIELD, NOT_WELL_FORMED, SPOOFING, UNSUPPORTED] {
            assert!(known.iter().any(|code| code == ours), "{ours}");
        }
    }

    #[test]
    fn s5_what_nobody_explains_is_told_all_the_same() {
        let told = |codes: &[&str]| reasons(&codes.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>());
        assert_eq!(told(&["E21"]).pop().unwrap().english, "The receiver does not exist.");
        let both = told(&["E35", "not-a-code"]);
        assert_eq!(both.iter().map(|r| r.code.as_deref()).collect::<Vec<_>>(), [Some("E35"), Some("not-a-code")]);
        assert_eq!(both.last().unwrap().norwegian, unexplained().norwegian);
        assert_eq!(told(&[]), [unexplained()]);
    }

    #[test]
    fn errors_bear_the_lists_names() {
        assert_eq!((name_8221("E20"), name_8221("Z1")), ("Lege finnes ikke", "Annen feil"));
    }
}
