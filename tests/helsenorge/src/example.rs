//! Who is who in the example clinic. All people are synthetic.

/// HelseNorge, the communication party.
pub const HELSENORGE: i64 = 8_093_244;
/// The enterprise that HelseNorge belongs to.
pub const HELSENORGE_PARENT: i64 = 115_851;
/// Solbakken legesenter.
pub const SOLBAKKEN: i64 = 8_141_333;
/// The enterprise that Solbakken belongs to.
pub const SOLBAKKEN_PARENT: i64 = 115_900;
/// Kari Lunde, fastlege of [`LINE`]; offers every service.
pub const KARI: i64 = 8_141_334;
/// Ole Berg, fastlege of [`TROND`]; offers no renewal of prescriptions.
pub const OLE: i64 = 8_141_335;

/// A patient of the example clinic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExamplePatient {
    /// Synthetic fødselsnummer or D-nummer.
    pub nin: &'static str,
    /// Given name.
    pub given: &'static str,
    /// Family name.
    pub family: &'static str,
}

/// Line Danser.
pub const LINE: ExamplePatient = ExamplePatient { nin: "15868549960", given: "Line", family: "Danser" };
/// Trond Harboe, with a D-nummer.
pub const TROND: ExamplePatient = ExamplePatient { nin: "47819030045", given: "Trond", family: "Harboe" };

/// The queue for requests, answers and receipts of a party.
pub fn async_queue(her_id: i64) -> String {
    format!("{her_id}_async")
}

/// The queue for notices that something could not be processed.
pub fn error_queue(her_id: i64) -> String {
    format!("{her_id}_error")
}

/// Where a party receives requests whose sender waits.
pub fn sync_queue(her_id: i64) -> String {
    format!("{her_id}_sync")
}

/// Where a party waits for replies.
pub fn syncreply_queue(her_id: i64) -> String {
    format!("{her_id}_syncreply")
}

/// Given and family name of a doctor of the example clinic.
pub(crate) fn doctor_name(her_id: i64) -> (&'static str, &'static str) {
    match her_id {
        KARI => ("Kari", "Lunde"),
        OLE => ("Ole", "Berg"),
        _ => ("Vik", "Ar"),
    }
}
