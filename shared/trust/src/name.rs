//! Names as .NET writes them: what HelseNorge's operators see and search for.

use openssl::x509::{X509NameEntryRef, X509NameRef};

/// The parts of a name, last first, as `KEY=value` between commas.
pub(crate) fn display(name: &X509NameRef) -> String {
    let parts: Vec<_> = name.entries().map(part).collect();
    parts.into_iter().rev().collect::<Vec<_>>().join(", ")
}

fn part(entry: &X509NameEntryRef) -> String {
    let object = entry.object().to_string();
    // OpenSSL's long names; what .NET has no short form for it gives by number.
    let key = match object.as_str() {
        "commonName" => "CN",
        "countryName" => "C",
        "organizationName" => "O",
        "organizationalUnitName" => "OU",
        "localityName" => "L",
        "stateOrProvinceName" => "S",
        "streetAddress" => "STREET",
        "serialNumber" => "SERIALNUMBER",
        "givenName" => "G",
        "surname" => "SN",
        "title" => "T",
        "emailAddress" => "E",
        "domainComponent" => "DC",
        "organizationIdentifier" => "OID.2.5.4.97",
        number if number.starts_with(|c: char| c.is_ascii_digit()) => &format!("OID.{number}"),
        other => other,
    };
    let value = entry.data().to_string();
    format!("{key}={}", quoted(&value.unwrap_or_default()))
}

/// In quotation marks when it holds what separates parts.
fn quoted(value: &str) -> String {
    let special = |c: char| matches!(c, ',' | '+' | '=' | '"' | '\n' | '<' | '>' | '#' | ';');
    if value.is_empty() || value.contains(special) || value.starts_with(' ') || value.ends_with(' ') {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value.to_owned()
    }
}
