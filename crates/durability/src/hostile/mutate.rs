//! What becomes of a right message on its way to a decoder.

use super::chance::Chance;
use super::wire::{LENGTH, field_starts, low_byte, put_bytes, put_tag, put_varint};

/// Fields of `Case` and of `google.protobuf.Value`, in which values lie in each other without end.
const CASE: u32 = 1;
const CUSTOM_FIELDS: u32 = 13;
const STRUCT_FIELDS: u32 = 1;
const ENTRY_KEY: u32 = 1;
const ENTRY_VALUE: u32 = 2;
const STRUCT_VALUE: u32 = 5;
const LIST_VALUE: u32 = 6;
const LIST_VALUES: u32 = 1;
/// As deep as nesting goes: the limit of decoders is 100.
const NESTING_MAX: usize = 400;
/// The longest message of nothing but chance.
const NOISE_MAX: usize = 300;

/// Makes a message worse, or leaves it: some must come through, or nothing behind the decoder is tried.
pub(super) fn mutate(message: Vec<u8>, other: impl FnOnce() -> Vec<u8>, chance: &Chance) -> Vec<u8> {
    match chance.below(20) {
        0..6 => message,
        6..9 => flipped(message, chance),
        9 => chance.bytes(chance.below(NOISE_MAX)),
        10 | 11 => truncated(message, chance),
        12 => spliced(message, &other(), chance),
        13 => with_field_of(message, &other(), chance),
        14 => huge_length(message, chance),
        15 => other_wire_type(message, chance),
        16 => no_utf8(message, chance),
        17 => repeated(message, chance),
        18 => nested(message, chance),
        // Twice as bad.
        _ => truncated(flipped(message, chance), chance),
    }
}

fn flipped(mut message: Vec<u8>, chance: &Chance) -> Vec<u8> {
    for _ in 0..=chance.below(4) {
        if !message.is_empty() {
            let at = chance.below(message.len());
            message[at] ^= 1 << chance.below(8);
        }
    }
    message
}

fn truncated(mut message: Vec<u8>, chance: &Chance) -> Vec<u8> {
    message.truncate(chance.below(message.len() + 1));
    message
}

/// The beginning of one and the end of another, cut anywhere.
fn spliced(mut message: Vec<u8>, other: &[u8], chance: &Chance) -> Vec<u8> {
    message.truncate(chance.below(message.len() + 1));
    message.extend_from_slice(&other[chance.below(other.len() + 1)..]);
    message
}

/// The fields of one, and after them those of another from some field on.
fn with_field_of(mut message: Vec<u8>, other: &[u8], chance: &Chance) -> Vec<u8> {
    let starts = field_starts(other);
    if !starts.is_empty() {
        message.extend_from_slice(&other[*chance.pick(&starts)..]);
    }
    message
}

/// A field that says it is longer than anything.
fn huge_length(mut message: Vec<u8>, chance: &Chance) -> Vec<u8> {
    put_tag(&mut message, 1 + u32::from(low_byte(chance.any()) % 16), LENGTH);
    let length = *chance.pick(&[u64::from(u32::MAX), u64::MAX, 1 << 31, 1 << 40, 4_194_305, u64::MAX >> 1]);
    put_varint(&mut message, length);
    message.extend_from_slice(&chance.bytes(chance.below(20)));
    message
}

/// A field that says it is of another type than it is, or of one that there is not.
fn other_wire_type(mut message: Vec<u8>, chance: &Chance) -> Vec<u8> {
    let starts = field_starts(&message);
    if !starts.is_empty() {
        let at = *chance.pick(&starts);
        message[at] = message[at] & !7 | low_byte(chance.any()) & 7;
    }
    message
}

/// A byte that no text has.
fn no_utf8(mut message: Vec<u8>, chance: &Chance) -> Vec<u8> {
    if !message.is_empty() {
        let at = chance.below(message.len());
        message[at] = *chance.pick(&[0xff, 0xfe, 0xc0, 0x80, 0xed]);
    }
    message
}

/// A field again and again: the last one counts, or all of them do.
fn repeated(mut message: Vec<u8>, chance: &Chance) -> Vec<u8> {
    let starts = field_starts(&message);
    if let Some(from) = starts.last().copied() {
        let field = message[from..].to_vec();
        for _ in 0..chance.below(300) {
            message.extend_from_slice(&field);
        }
    }
    message
}

/// Values in values in values, as custom fields of a case, or groups in groups that no schema knows.
fn nested(mut message: Vec<u8>, chance: &Chance) -> Vec<u8> {
    let depth = chance.below(NESTING_MAX);
    if chance.one_in(3) {
        message.extend(std::iter::repeat_n(0x0b, depth * 10));
        return message;
    }
    let in_structs = chance.one_in(2);
    let mut value = Vec::new();
    for _ in 0..depth {
        let mut around = Vec::new();
        if in_structs {
            put_bytes(&mut around, STRUCT_VALUE, &structure(&value));
        } else {
            let mut list = Vec::new();
            put_bytes(&mut list, LIST_VALUES, &value);
            put_bytes(&mut around, LIST_VALUE, &list);
        }
        value = around;
    }
    let mut case = Vec::new();
    put_bytes(&mut case, CUSTOM_FIELDS, &structure(&value));
    put_bytes(&mut message, CASE, &case);
    message
}

/// A `google.protobuf.Struct` with one field.
fn structure(value: &[u8]) -> Vec<u8> {
    let (mut entry, mut fields) = (Vec::new(), Vec::new());
    put_bytes(&mut entry, ENTRY_KEY, b"k");
    put_bytes(&mut entry, ENTRY_VALUE, value);
    put_bytes(&mut fields, STRUCT_FIELDS, &entry);
    fields
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_same_number_makes_the_same_message_and_other_numbers_make_others() {
        let seed = || {
            let mut message = Vec::new();
            put_bytes(&mut message, 1, b"CASE-001");
            put_bytes(&mut message, 2, b"SUBMITTED");
            message
        };
        let of = |number| mutate(seed(), seed, &Chance::new(1, number));
        assert_eq!(of(7), of(7));
        let different: BTreeSet<_> = (0..500).map(of).collect();
        assert!(different.len() > 250, "{}", different.len());
        assert!((0..500).map(of).any(|message| message == seed()), "some must come through");
    }

    #[test]
    fn nothing_is_too_short_to_be_made_worse() {
        for number in 0..2_000 {
            let message = mutate(Vec::new(), Vec::new, &Chance::new(1, number));
            assert!(message.len() < 100_000);
        }
    }
}
