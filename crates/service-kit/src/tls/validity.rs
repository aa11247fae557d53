//! How long a certificate is good for.

use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

/// How long before its end a certificate is warned about: two weeks are enough to get another one by hand.
const WARN_BEFORE_S: i64 = 14 * 24 * 3_600;

/// The end of a certificate's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotAfter {
    unix_s: i64,
}

impl NotAfter {
    /// Of a certificate; none if it cannot be read.
    pub(super) fn of(leaf: &CertificateDer<'_>) -> Option<Self> {
        let (_, leaf) = X509Certificate::from_der(leaf).ok()?;
        Some(Self { unix_s: leaf.validity().not_after.timestamp() })
    }

    /// Seconds until then; negative when it is over.
    pub(super) const fn left_s(self, now_unix_us: i64) -> i64 {
        self.unix_s - now_unix_us.div_euclid(1_000_000)
    }

    /// Whether it is time to warn.
    pub(super) const fn is_near(self, now_unix_us: i64) -> bool {
        self.left_s(now_unix_us) < WARN_BEFORE_S
    }
}

impl std::fmt::Display for NotAfter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match jiff::Timestamp::from_second(self.unix_s) {
            Ok(time) => write!(f, "{time}"),
            Err(_) => write!(f, "{} s after 1970", self.unix_s),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_read_and_counted_down_to() {
        let mut params = rcgen::CertificateParams::default();
        params.not_after = rcgen::date_time_ymd(2026, 2, 1);
        let leaf = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        let end = NotAfter::of(leaf.der()).unwrap();
        assert_eq!(end.to_string(), "2026-02-01T00:00:00Z");
        let day_us = 24 * 3_600 * 1_000_000;
        let days_before = |days: i64| end.unix_s * 1_000_000 - days * day_us;
        assert_eq!(end.left_s(days_before(1)), 24 * 3_600);
        assert_eq!(end.left_s(days_before(-1)), -24 * 3_600);
        assert_eq!([15, 14, 13, -1].map(|days| end.is_near(days_before(days))), [false, false, true, true]);
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        assert_eq!(NotAfter::of(&CertificateDer::from(vec![1, 2, 3])), None);
    }
}
