//! Custom fields: what is accepted is shown again, within its limit, and stays as it is.
#![no_main]

use case_api::{custom_fields_from_pb, custom_fields_to_pb};
use case_domain::CUSTOM_FIELDS_BYTES_MAX;
use libfuzzer_sys::fuzz_target;
use prost::Message as _;
use prost_types::Struct;

fuzz_target!(|bytes: &[u8]| {
    let Ok(Ok(Some(fields))) = Struct::decode(bytes).as_ref().map(custom_fields_from_pb) else { return };
    assert!(fields.as_str().len() <= CUSTOM_FIELDS_BYTES_MAX);
    let shown = custom_fields_to_pb(&fields).expect("what is stored can be shown");
    let again = custom_fields_from_pb(&shown).expect("what is shown can be stored");
    assert!(again.is_some_and(|again| again == fields), "custom fields change by being read: {}", fields.as_str());
});
