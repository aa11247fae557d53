//! Doors for the fuzzer: what is private reads bytes from outside, too. Not part of the crate's interface.

use case_domain::Case;
use prost::Message as _;

use crate::stored::CaseState;

/// Reads a stored case; what can be read is written so that it reads the same.
pub fn read_stored_case(bytes: &[u8]) -> bool {
    let Some(case) = CaseState::decode(bytes).ok().and_then(|state| Case::try_from(state).ok()) else {
        return false;
    };
    let again = CaseState::decode(CaseState::from(&case).encode_to_vec().as_slice());
    let again = again.ok().and_then(|state| Case::try_from(state).ok());
    assert!(again.is_some_and(|again| again == case), "a case does not read back");
    true
}
