//! Namespaces and code systems (message-formats: nhn-messaging 6.3, chapters 1–4).

/// Hodemelding 1.2.
pub const MSGHEAD: &str = "http://www.kith.no/xmlstds/msghead/2006-05-24";
/// Dialogmelding 1.0.
pub const DIALOG_1_0: &str = "http://www.kith.no/xmlstds/dialog/2006-10-11";
/// Dialogmelding 1.1.
pub const DIALOG_1_1: &str = "http://www.kith.no/xmlstds/dialog/2013-01-23";
/// AppRec 1.0.
pub const APPREC_1_0: &str = "http://www.kith.no/xmlstds/apprec/2004-11-21";
/// AppRec 1.1.
pub const APPREC_1_1: &str = "http://www.kith.no/xmlstds/apprec/2012-02-15";
/// Attachments.
pub const BASE64CONTAINER: &str = "http://www.kith.no/xmlstds/base64container";
/// Acting for someone else.
pub const PASIENTRELASJON: &str = "http://www.kith.no/xmlstds/pasientrelasjon/2014-03-28";
/// A list of people.
pub const PERSONER: &str = "http://www.kith.no/xmlstds/person/2014-03-28";
/// Prescription M1 v2.5.
pub const M1_2013: &str = "http://www.kith.no/xmlstds/eresept/m1/2013-10-08";
/// Prescription M1 v2.4.
pub const M1_2010: &str = "http://www.kith.no/xmlstds/eresept/m1/2010-05-01";
/// Common components.
pub const FELLESKOMPONENT1: &str = "http://www.kith.no/xmlstds/felleskomponent1";
/// SOAP 1.2 envelope (old error messages).
pub const SOAP_1_2: &str = "http://www.w3.org/2003/05/soap-envelope";
/// Details of a SOAP fault.
pub const DIGITALDIALOG: &str = "http://www.kith.no/xmlstds/digitaldialog/2013-10-08";
/// The medicine of an M1 v2.5.
pub const FORSKRIVNING_2013: &str = "http://www.kith.no/xmlstds/eresept/forskrivning/2013-10-08";
/// The medicine of an M1 v2.4.
pub const FORSKRIVNING_2010: &str = "http://www.kith.no/xmlstds/eresept/forskrivning/2010-04-01";
/// Collaboration profiles and agreements (ebXML CPPA 2.0).
pub const CPPA_2_0: &str = "http://www.oasis-open.org/committees/ebxml-cppa/schema/cpp-cpa-2_0.xsd";
/// iCalendar as XML, in messages about appointments.
pub const ICALENDAR: &str = "urn:ietf:params:xml:ns:icalendar-2.0";
/// Health personnel, in messages about appointments: the one that agreements name.
pub const HELSEPERSONELL: &str = "http://www.kith.no/xmlstds/helsepersonell/2015-05-04";
/// The same, as the national display files know it.
pub const HELSEPERSONELL_2014: &str = "http://www.kith.no/xmlstds/helsepersonell/2014-03-28";
/// XML signatures.
pub const XMLDSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
/// Attributes that point validators to schemas.
pub const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// The prefix `xml`.
pub const XML: &str = "http://www.w3.org/XML/1998/namespace";
