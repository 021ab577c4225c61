//! The published schemas, by which everything is judged.

use e2e::epj::JUDGE;
use jsonschema::Validator;
use messages::command::schema::all;
use std::collections::HashMap;
use std::sync::LazyLock;

static SCHEMAS: LazyLock<HashMap<String, Validator>> =
    LazyLock::new(|| all().into_iter().map(|schema| (schema.name, jsonschema::validator_for(&schema.schema).unwrap())).collect());

/// From here on everything that a journal system sends and reads must fit the published schemas.
pub(crate) fn by_the_schemas() {
    JUDGE.get_or_init(|| {
        |name, value| {
            let faults: Vec<_> = SCHEMAS[name].iter_errors(value).map(|e| e.to_string()).collect();
            assert!(faults.is_empty(), "{name}: {faults:?}: {value}");
        }
    });
}
