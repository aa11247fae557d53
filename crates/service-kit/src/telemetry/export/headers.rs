//! The headers of deliveries: credentials for the collector, for instance.

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use tonic::metadata::MetadataMap;
use tonic::service::Interceptor;
use tonic::{Request, Status};

use crate::settings::Secret;

/// Puts the headers into each delivery, read anew each time: a rotated secret is used at once.
#[derive(Debug, Clone)]
pub(super) struct Headers {
    pub(super) secret: Secret,
}

impl Interceptor for Headers {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        // What cannot be read after a rotation is left out: the collector then refuses the delivery, which is logged.
        let (headers, _unusable) = self.secret.with(parse);
        let mut all = std::mem::take(request.metadata_mut()).into_headers();
        for (name, value) in &headers {
            all.insert(name, value.clone());
        }
        *request.metadata_mut() = MetadataMap::from_headers(all);
        Ok(request)
    }
}

/// Reads `key=value,key=value`, values percent-encoded as in `OTEL_EXPORTER_OTLP_HEADERS`; and says how many parts are none.
pub(super) fn parse(text: &str) -> (HeaderMap, usize) {
    let mut headers = HeaderMap::new();
    let mut unusable = 0;
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match header(part) {
            Some((name, value)) => {
                headers.insert(name, value);
            }
            None => unusable += 1,
        }
    }
    (headers, unusable)
}

fn header(part: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = part.split_once('=')?;
    let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
    let mut value = HeaderValue::from_bytes(&percent_decoded(value.trim())).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}

/// `%XX` becomes its byte; a percent sign before anything else stays one.
fn percent_decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let byte = after.get(..2).filter(|_| *first == b'%').and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
            u8::from_str_radix(digits, 16).ok()
        });
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(headers: &mut Headers) -> HeaderMap {
        headers.call(Request::new(())).unwrap().into_parts().0.into_headers()
    }

    #[test]
    fn headers_are_read_at_each_delivery_so_that_a_rotated_secret_counts_at_once() {
        let secret = Secret::from("authorization=Bearer%20one, x-team = cases".to_owned());
        let mut headers = Headers { secret: secret.clone() };
        let first = sent(&mut headers);
        assert_eq!(
            (&first["authorization"], &first["x-team"]),
            (&"Bearer one".parse().unwrap(), &"cases".parse().unwrap())
        );
        secret.replace("authorization=Bearer%20two".to_owned());
        let second = sent(&mut headers);
        assert_eq!(second["authorization"], "Bearer two");
        assert!(!second.contains_key("x-team"));
        assert!(second["authorization"].is_sensitive(), "no debug line of a library prints it");
    }

    #[test]
    fn what_is_no_header_is_counted_and_left_out() {
        let (headers, unusable) = parse("a=1,,nothing,b c=2,d=%zz,=3,e=%0a");
        assert_eq!((headers.len(), unusable), (2, 4));
        assert_eq!(headers["d"], "%zz");
    }
}
