//! The headers of deliveries to a collector, as OpenTelemetry writes them.

use http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;

/// Takes `key=value,key=value` apart, the form of `OTEL_EXPORTER_OTLP_HEADERS`: values are percent-decoded, and marked
/// as sensitive. None if that is not what it is; an empty text has no headers.
pub fn otlp_headers(text: &str) -> Option<Vec<(HeaderName, HeaderValue)>> {
    text.split(',').map(str::trim).filter(|pair| !pair.is_empty()).map(header).collect()
}

fn header(pair: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = pair.split_once('=')?;
    let decoded = percent_decode_str(value.trim()).decode_utf8().ok()?;
    let mut value = HeaderValue::from_str(&decoded).ok()?;
    value.set_sensitive(true);
    Some((HeaderName::try_from(name.trim()).ok()?, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Option<Vec<(String, String)>> {
        let seen = |(name, value): &(HeaderName, HeaderValue)| {
            (name.as_str().to_owned(), value.to_str().unwrap_or("not text").to_owned())
        };
        otlp_headers(text).map(|headers| headers.iter().map(seen).collect())
    }

    #[test]
    fn headers_are_taken_apart_and_decoded() {
        let expected = [("api-key", "a=b"), ("authorization", "Basic x,y")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(seen(" api-key=a=b , Authorization=Basic%20x%2Cy,"), Some(expected.to_vec()));
        assert_eq!(seen(""), Some(Vec::new()));
    }

    #[test]
    fn what_is_no_header_is_none() {
        for bad in ["api-key", "=x", "a b=c", "a=b,c", "a=line%0Abreak", "[redacted]"] {
            assert_eq!(seen(bad), None, "{bad}");
        }
    }

    #[test]
    fn values_cannot_be_printed() {
        assert!(!format!("{:?}", otlp_headers("api-key=canary")).contains("canary"));
    }
}
