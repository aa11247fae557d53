//! Protobuf on the wire, as far as it is needed to write messages that are right, nearly right, or wrong.

/// The wire types that are in use.
pub(super) const VARINT: u8 = 0;
pub(super) const FIXED64: u8 = 1;
pub(super) const LENGTH: u8 = 2;
pub(super) const FIXED32: u8 = 5;

pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(low_byte(value) | 0x80);
        value >>= 7;
    }
    out.push(low_byte(value));
}

/// The lowest byte of a number.
pub(super) const fn low_byte(value: u64) -> u8 {
    value.to_le_bytes()[0]
}

pub(super) fn put_tag(out: &mut Vec<u8>, number: u32, wire_type: u8) {
    put_varint(out, u64::from(number) << 3 | u64::from(wire_type));
}

pub(super) fn put_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    put_tag(out, number, LENGTH);
    put_varint(out, u64::try_from(bytes.len()).unwrap_or_default());
    out.extend_from_slice(bytes);
}

/// Where the fields of a message begin, as far as it can be read.
pub(super) fn field_starts(message: &[u8]) -> Vec<usize> {
    let (mut starts, mut at) = (Vec::new(), 0);
    while at < message.len() {
        starts.push(at);
        let Some(next) = after_field(message, at) else { break };
        at = next;
    }
    starts
}

fn after_field(message: &[u8], at: usize) -> Option<usize> {
    let (tag, at) = varint(message, at)?;
    let end = match low_byte(tag) & 7 {
        VARINT => varint(message, at)?.1,
        FIXED64 => at + 8,
        LENGTH => {
            let (length, at) = varint(message, at)?;
            at.checked_add(usize::try_from(length).ok()?)?
        }
        FIXED32 => at + 4,
        3.. => return None,
    };
    (end <= message.len()).then_some(end)
}

fn varint(message: &[u8], mut at: usize) -> Option<(u64, usize)> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *message.get(at)?;
        at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((value, at));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_where_they_begin_and_reading_ends_where_nothing_can_be_read() {
        let mut message = Vec::new();
        put_bytes(&mut message, 1, &[b'x'; 200]);
        let second = message.len();
        put_tag(&mut message, 16, VARINT);
        put_varint(&mut message, u64::MAX);
        assert_eq!(field_starts(&message), [0, second]);
        assert_eq!(field_starts(&message[..50]), [0]);
        assert_eq!(field_starts(&[]), [0; 0]);
    }
}
