//! The set-up files: the example clinic with a patient more, and the clinics beside it.

use crate::Outcome;
use helsenorge::{SyntheticPatient, synthetic_patients};
use serde_json::{Value, json};
use std::path::Path;

/// Another patient of Kari Lunde's: in the example clinic itself she has one only, and two must want the same time.
pub(crate) fn late_patient() -> Outcome<SyntheticPatient> {
    Ok(synthetic_patients(1).pop().ok_or("there is nobody")?)
}

/// Writes `clinic.json` and `clinics.json`; `is_protected`: with certificates and names of keys, in the directory of [`crate::exchange`].
///
/// # Errors
/// A file cannot be written.
pub(crate) fn write(dir: &Path, is_protected: bool) -> Outcome<()> {
    std::fs::create_dir_all(dir)?;
    let mut clinic: Value = serde_json::from_str(include_str!("../../fixtures/clinic.json"))?;
    add_patient(&mut clinic)?;
    let clinics: Value = serde_json::from_str(include_str!("../clinics.json"))?;
    for (name, mut setup) in [("clinic.json", clinic), ("clinics.json", clinics)] {
        if is_protected {
            name_keys(&mut setup);
        }
        std::fs::write(dir.join(name), serde_json::to_vec_pretty(&setup)?)?;
    }
    Ok(())
}

fn add_patient(setup: &mut Value) -> Outcome<()> {
    let mut patient = late_patient()?.to_setup(Some("kari"));
    patient["helsenorge"] = json!({ "active": true, "digital_contact_consent": true });
    let patients = setup.pointer_mut("/clinics/0/patients").and_then(Value::as_array_mut);
    patients.ok_or("the example clinic has no patients")?.push(patient);
    Ok(())
}

/// Paths are relative to the set-up file, names of keys to `KEYS_DIR`. The three clinics belong to one enterprise, which has the keys.
fn name_keys(setup: &mut Value) {
    for party in setup.get_mut("parties").and_then(Value::as_array_mut).into_iter().flatten() {
        party["signing_certificate"] = json!({ "file": "helsenorge/signing.pem" });
        party["encryption_certificate"] = json!({ "file": "helsenorge/encryption.pem" });
    }
    for clinic in setup.get_mut("clinics").and_then(Value::as_array_mut).into_iter().flatten() {
        clinic["own_certificates"] = json!({ "signing": "signing.pem", "encryption": "encryption.pem" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Value {
        serde_json::from_str(include_str!("../../fixtures/clinic.json")).unwrap()
    }

    #[test]
    fn the_set_up_names_keys_and_certificates() {
        let mut setup = example();
        name_keys(&mut setup);
        assert_eq!(setup["parties"][0]["signing_certificate"]["file"], "helsenorge/signing.pem");
        assert_eq!(setup["clinics"][0]["own_certificates"]["signing"], "signing.pem");
    }

    #[test]
    fn two_patients_are_karis_and_nobody_else_has_become_hers() {
        let mut setup = example();
        let karis = |setup: &Value| {
            let patients = setup["clinics"][0]["patients"].as_array().unwrap();
            patients.iter().filter(|patient| patient["fastlege"] == "kari").count()
        };
        assert_eq!(karis(&setup), 1);
        add_patient(&mut setup).unwrap();
        assert_eq!(karis(&setup), 2);
    }
}
