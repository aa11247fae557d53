//! The W3C trace context as text.

use case_domain::TraceContext;

/// As a `traceparent` header: `00-<trace id>-<span id>-<flags>`.
pub fn traceparent(trace: &TraceContext) -> String {
    let trace_id = u128::from_be_bytes(trace.trace_id);
    let span_id = u64::from_be_bytes(trace.span_id);
    format!("00-{trace_id:032x}-{span_id:016x}-{:02x}", u8::from(trace.sampled))
}

/// Reads a version 00 `traceparent`; `None` where it is malformed or all zeros.
pub fn parse_traceparent(text: &str) -> Option<TraceContext> {
    let mut parts = text.split('-');
    let (version, trace_id, span_id, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let lengths_fit = trace_id.len() == 32 && span_id.len() == 16 && flags.len() == 2;
    let hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    if version != "00" || parts.next().is_some() || !lengths_fit || ![trace_id, span_id, flags].into_iter().all(hex) {
        return None;
    }
    let trace_id = u128::from_str_radix(trace_id, 16).ok().filter(|id| *id != 0)?;
    let span_id = u64::from_str_radix(span_id, 16).ok().filter(|id| *id != 0)?;
    let flags = u8::from_str_radix(flags, 16).ok()?;
    Some(TraceContext { trace_id: trace_id.to_be_bytes(), span_id: span_id.to_be_bytes(), sampled: flags & 1 == 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_reads_back() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(traceparent(&parse_traceparent(text).unwrap()), text);
    }

    #[test]
    fn malformed_and_zero_contexts_are_no_contexts() {
        for text in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(parse_traceparent(text), None, "{text}");
        }
    }
}
