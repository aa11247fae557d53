//! What a value may be: one function for each kind of value, named in the schema beside the field it reads.
//!
//! The error of each says what is allowed, and nothing else: key, value and source are added where they are known. The
//! `config` crate would take `true` for 1 and round 2.7 up; nobody who wrote that meant it, so every kind looks at the
//! value as it was written.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use config::{Value, ValueKind};
use serde::de::{Deserialize, Deserializer, Error};
use url::Url;

use super::level;
use super::schema::{AuthMode, Jwks, LogFormat, StoreAddress};
use super::secret::Secret;
use super::secret_key::{self, SecretKey};
use crate::access::Role;

/// The most that a count in `limits` can be.
const COUNT_MAX: u64 = 1_000_000;
/// The smallest `limits.message_bytes`: an event with its longest texts must fit.
const MESSAGE_BYTES_MIN: u64 = 64 * 1_024;
/// The largest `limits.message_bytes`.
const MESSAGE_BYTES_MAX: u64 = 64 * 1_024 * 1_024;
/// The longest name of an environment, in characters.
const ENVIRONMENT_CHARS_MAX: usize = 64;
/// The longest case id prefix, in characters.
const PREFIX_CHARS_MAX: usize = 16;
/// The most consumers that can be required.
const CONSUMERS_MAX: usize = 16;
/// The longest name of a consumer, in characters.
const CONSUMER_CHARS_MAX: usize = 64;

/// The longest name of a service in telemetry, in characters.
const SERVICE_NAME_CHARS_MAX: usize = 255;

/// What the address of a server that we call may be.
const HTTP_URL: &str = "\"http://HOST:PORT\" or \"https://HOST:PORT\"";

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

/// Reads a value as `read` does, or says what is allowed.
fn one<'de, D, T>(from: D, allowed: impl Display, read: impl FnOnce(ValueKind) -> Option<T>) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    read(Value::deserialize(from)?.kind).ok_or_else(|| D::Error::custom(allowed))
}

fn text(kind: ValueKind) -> Option<String> {
    if let ValueKind::String(text) = kind { Some(text) } else { None }
}

fn whole(kind: &ValueKind) -> Option<u64> {
    match kind {
        ValueKind::I64(number) => u64::try_from(*number).ok(),
        ValueKind::I128(number) => u64::try_from(*number).ok(),
        ValueKind::U64(number) => Some(*number),
        ValueKind::U128(number) => u64::try_from(*number).ok(),
        ValueKind::Nil
        | ValueKind::Boolean(_)
        | ValueKind::Float(_)
        | ValueKind::String(_)
        | ValueKind::Table(_)
        | ValueKind::Array(_) => None,
    }
}

/// `true` or `false`.
pub(super) fn switch<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    one(from, "true or false", |kind| if let ValueKind::Boolean(on) = kind { Some(on) } else { None })
}

/// A share of something.
pub(super) fn ratio<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    one(from, "a number from 0.0 to 1.0", |kind| {
        let ratio =
            if let ValueKind::Float(ratio) = kind { ratio } else { f64::from(u32::try_from(whole(&kind)?).ok()?) };
        (0.0..=1.0).contains(&ratio).then_some(ratio)
    })
}

/// A whole number of at least 1.
pub(super) fn positive<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    one(from, "a whole number of at least 1", |kind| whole(&kind).filter(|number| *number > 0))
}

/// How many of something at once.
pub(super) fn count<'de, D: Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
    within(from, 1, COUNT_MAX, "a whole number")
}

/// The size of a message.
pub(super) fn message_bytes<'de, D: Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
    within(from, MESSAGE_BYTES_MIN, MESSAGE_BYTES_MAX, "a number of bytes")
}

fn within<'de, D: Deserializer<'de>>(from: D, least: u64, most: u64, noun: &str) -> Result<usize, D::Error> {
    one(from, format_args!("{noun} from {least} to {most}"), |kind| {
        let number = whole(&kind).filter(|number| (least..=most).contains(number))?;
        usize::try_from(number).ok()
    })
}

/// `drain_timeout`.
pub(super) fn drain_timeout<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    duration(from, Duration::ZERO, 10 * MINUTE)
}

/// `query.freshness_wait`.
pub(super) fn freshness_wait<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    duration(from, Duration::ZERO, MINUTE)
}

/// `idempotency.retention`.
pub(super) fn retention<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    duration(from, Duration::from_secs(1), 3_650 * DAY)
}

/// The time a call may take.
pub(super) fn deadline<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    duration(from, Duration::from_millis(1), 60 * MINUTE)
}

fn duration<'de, D: Deserializer<'de>>(from: D, least: Duration, most: Duration) -> Result<Duration, D::Error> {
    let (shortest, longest) = (humantime::format_duration(least), humantime::format_duration(most));
    one(from, format_args!("a duration with its unit, such as \"10s\", from {shortest} to {longest}"), |kind| {
        let duration = humantime::parse_duration(&text(kind)?).ok()?;
        (least..=most).contains(&duration).then_some(duration)
    })
}

/// Where a server listens.
pub(super) fn listen<'de, D: Deserializer<'de>>(from: D) -> Result<SocketAddr, D::Error> {
    one(from, "IP:PORT, such as \"127.0.0.1:50051\" or \"[::1]:50051\"", |kind| text(kind)?.parse().ok())
}

/// Where a store lies.
pub(super) fn store<'de, D: Deserializer<'de>>(from: D) -> Result<StoreAddress, D::Error> {
    one(from, "\"sqlite:PATH\" (postgres:// is not built yet)", |kind| {
        let address = text(kind)?;
        let path = address.strip_prefix("sqlite:")?;
        (!path.is_empty()).then_some(StoreAddress(address))
    })
}

/// A server that we call.
pub(super) fn http_url<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    one(from, HTTP_URL, |kind| text(kind).filter(|url| is_http_host_port(url)))
}

/// A server that we call if it is named.
pub(super) fn http_url_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    one(from, format_args!("{HTTP_URL}, or \"\" for none"), |kind| {
        let url = text(kind)?;
        if url.is_empty() { Some(None) } else { is_http_host_port(&url).then_some(Some(url)) }
    })
}

/// Whether this is a scheme, a host and a port. A path or a query would be dropped silently, and a password would end up
/// in a process list.
fn is_http_host_port(text: &str) -> bool {
    // `Url` forgets a port that is the scheme's own, so whether one was written shows in the text only.
    let is_written = |port: u16| text.trim_end_matches('/').ends_with(&format!(":{port}"));
    let has_port = |url: &Url| url.port().is_some() || url.port_or_known_default().is_some_and(is_written);
    Url::parse(text).is_ok_and(|url| {
        ["http", "https"].contains(&url.scheme())
            && url.has_host()
            && has_port(&url)
            && url.path() == "/"
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    })
}

/// A path that must be named.
pub(super) fn path<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
    one(from, "a path", |kind| text(kind).filter(|path| !path.is_empty()).map(PathBuf::from))
}

/// A path, if it is named.
pub(super) fn path_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
    one(from, "a path, or \"\" for none", |kind| {
        let path = text(kind)?;
        Some((!path.is_empty()).then(|| PathBuf::from(path)))
    })
}

/// The name of an installation.
pub(super) fn environment<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let allowed = "1 to 64 letters, digits, '-', '_' or '.'";
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    one(from, allowed, |kind| text(kind).filter(|name| is_name(name, ENVIRONMENT_CHARS_MAX, is_part)))
}

/// What case ids begin with. The domain has the last word; this says the same with key and source.
pub(super) fn case_id_prefix<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let allowed = "an upper-case letter, then upper-case letters or digits, at most 16 in all";
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    let starts_well = |prefix: &str| prefix.starts_with(|c: char| c.is_ascii_uppercase());
    one(from, allowed, |kind| {
        text(kind).filter(|prefix| starts_well(prefix) && is_name(prefix, PREFIX_CHARS_MAX, is_part))
    })
}

/// Names of consumers of the feed.
pub(super) fn consumers<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let allowed = "a list of at most 16 names, each of 1 to 64 lower-case letters, digits or '-'";
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    one(from, allowed, |kind| {
        let ValueKind::Array(values) = kind else { return None };
        let name = |value: Value| text(value.kind).filter(|name| is_name(name, CONSUMER_CHARS_MAX, is_part));
        let names: Option<Vec<String>> = values.into_iter().map(name).collect();
        names.filter(|names| names.len() <= CONSUMERS_MAX)
    })
}

fn is_name(text: &str, chars_max: usize, is_part: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().count() <= chars_max && text.chars().all(is_part)
}

/// `auth.mode`.
pub(super) fn auth_mode<'de, D: Deserializer<'de>>(from: D) -> Result<AuthMode, D::Error> {
    one(from, "\"insecure\", \"jwt\" or \"mtls\"", |kind| match text(kind)?.as_str() {
        "insecure" => Some(AuthMode::Insecure),
        "jwt" => Some(AuthMode::Jwt),
        "mtls" => Some(AuthMode::Mtls),
        _ => None,
    })
}

/// `auth.jwks`.
pub(super) fn jwks<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Jwks>, D::Error> {
    one(from, "a path, or \"https://…\" or \"http://…\" without user and password, or \"\" for none", |kind| {
        let place = text(kind)?;
        let is_url = place.starts_with("http://") || place.starts_with("https://");
        match (place.is_empty(), is_url) {
            (true, _) => Some(None),
            (false, true) => Url::parse(&place).ok().filter(is_without_user).map(|_| Some(Jwks::Url(place))),
            (false, false) => Some(Some(Jwks::File(PathBuf::from(place)))),
        }
    })
}

/// A password in a URL would end up wherever the URL is reported.
fn is_without_user(url: &Url) -> bool {
    url.has_host() && url.username().is_empty() && url.password().is_none()
}

/// `auth.jwks_refresh`.
pub(super) fn jwks_refresh<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    duration(from, Duration::from_secs(10), DAY)
}

/// `auth.clock_skew`.
pub(super) fn clock_skew<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    duration(from, Duration::ZERO, 10 * MINUTE)
}

/// The name of a claim.
pub(super) fn claim<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    one(from, "the name of a claim", |kind| text(kind).filter(|name| !name.is_empty()))
}

/// A text, if there is one.
pub(super) fn text_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    one(from, "a text, or \"\" for none", |kind| text(kind).map(|text| (!text.is_empty()).then_some(text)))
}

/// `auth.token`.
pub(super) fn token<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
    secret(from, &secret_key::TOKEN)
}

/// `telemetry.otlp_headers`.
pub(super) fn otlp_headers<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
    secret(from, &secret_key::OTLP_HEADERS)
}

fn secret<'de, D: Deserializer<'de>>(from: D, key: &SecretKey) -> Result<Secret, D::Error> {
    one(from, format_args!("{}, or \"\" for none", key.allowed), |kind| {
        text(kind).filter(|text| text.is_empty() || (key.is_allowed)(text)).map(Secret::from)
    })
}

/// `telemetry.service_name`.
pub(super) fn service_name_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let is_part = |c: char| !c.is_control();
    one(from, "at most 255 characters, none of them a control character, or \"\" for the name of the binary", |kind| {
        let name = text(kind)?;
        if name.is_empty() { Some(None) } else { is_name(&name, SERVICE_NAME_CHARS_MAX, is_part).then_some(Some(name)) }
    })
}

/// A list of roles.
pub(super) fn roles<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Role>, D::Error> {
    one(from, format_args!("a list of roles: {}", Role::NAMES), |kind| {
        let ValueKind::Array(values) = kind else { return None };
        values.into_iter().map(|value: Value| Role::named(&text(value.kind)?)).collect()
    })
}

/// How often something is looked at.
pub(super) fn probe_interval<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    duration(from, Duration::from_millis(100), 10 * MINUTE)
}

/// Room on a disk.
pub(super) fn disk_free_bytes<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    one(from, "a number of bytes", |kind| whole(&kind))
}

/// How many in a second.
pub(super) fn rate<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    one(from, format_args!("a whole number from 0 to {COUNT_MAX}"), |kind| {
        whole(&kind).filter(|number| *number <= COUNT_MAX).and_then(|number| u32::try_from(number).ok())
    })
}

/// `log.format`.
pub(super) fn log_format<'de, D: Deserializer<'de>>(from: D) -> Result<LogFormat, D::Error> {
    one(from, "\"auto\", \"text\" or \"json\"", |kind| match text(kind)?.as_str() {
        "auto" => Some(LogFormat::Auto),
        "text" => Some(LogFormat::Text),
        "json" => Some(LogFormat::Json),
        _ => None,
    })
}

/// `log.level`.
pub(super) fn log_level<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    one(from, level::ALLOWED, |kind| text(kind).filter(|directives| level::is_directive_list(directives)))
}
