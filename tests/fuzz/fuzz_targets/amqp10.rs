//! The AMQP 1.0 sections that a 3.x broker hands on: any bytes decode or are refused, and what decodes can be encoded again.
#![no_main]

use broker::amqp10::{
    decode_application_properties, decode_body, decode_properties, encode_application_properties, encode_properties,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(properties) = decode_properties(bytes)
        && let Ok(written) = encode_properties(&properties)
    {
        assert_eq!(decode_properties(&written).as_ref(), Ok(&properties));
    }
    if let Ok(application) = decode_application_properties(bytes)
        && let Ok(written) = encode_application_properties(&application)
    {
        assert_eq!(decode_application_properties(&written).as_ref(), Ok(&application));
    }
    if let Ok(body) = decode_body(bytes) {
        assert!(body.len() <= bytes.len());
    }
});
