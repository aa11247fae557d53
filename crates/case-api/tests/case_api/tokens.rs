//! Consistency tokens: clients keep them, across upgrades too.

use case_api::{ConsistencyToken, Epoch};

/// Tokens as they were once given out.
const GOLDEN: &str = include_str!("../golden/consistency_tokens.v1.txt");

/// What each of them says: `EPOCH POSITION TOKEN`, the epoch in hexadecimal digits.
fn stored() -> Vec<(ConsistencyToken, &'static str)> {
    let lines = GOLDEN.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let [epoch, position, text] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let epoch = Epoch(u128::from_str_radix(epoch, 16).unwrap().to_be_bytes());
            (ConsistencyToken { epoch, position: position.parse().unwrap() }, text)
        })
        .collect()
}

#[test]
fn tokens_are_written_as_they_were() {
    assert_eq!(stored().len(), 3);
    for (token, text) in stored() {
        assert_eq!(token.encode(), text);
    }
}

#[test]
fn tokens_that_were_given_out_once_read_as_what_they_were() {
    for (token, text) in stored() {
        assert_eq!(ConsistencyToken::decode(text), Ok(token));
    }
}
