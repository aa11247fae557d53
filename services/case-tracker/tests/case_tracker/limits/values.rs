//! What a field holds: the values that it admits, up to its limit, and those beyond.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, Value};

/// The latest and the earliest time that is stored, in seconds since the epoch.
const TIMES_S: [i64; 2] = [-62_135_596_800, 253_402_207_199];
const CASE_ID_CHARS_MAX: usize = 128;
const KEY_CHARS_MAX: usize = 128;
const TAG_CHARS_MAX: usize = 64;
const TAGS_MAX: usize = 32;
const NAME_CHARS_MAX: usize = 128;
const ENUM_VALUES_MAX: usize = 100;
const TOKENS_MAX: usize = 64;
const CASES_MAX: usize = 1_000;
const CUSTOM_FIELDS_BYTES_MAX: usize = 8_192;

/// A text of people.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text {
    pub(super) chars_max: usize,
    pub(super) required: bool,
    /// Whether it may have several lines.
    pub(super) lines: bool,
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Holds {
    Text(Text),
    /// An idempotency key: any text.
    Key,
    CaseId {
        required: bool,
    },
    /// The other case of a link: it may be unknown, or not linked.
    LinkedCaseId,
    CaseIds,
    /// Numbers of an enum.
    Enum {
        allowed: &'static [i32],
    },
    Enums {
        allowed: &'static [i32],
    },
    /// One of a closed set of names.
    OneOf {
        known: &'static str,
        required: bool,
    },
    Version,
    NoVersion,
    Switch,
    Mask,
    Tags,
    /// Tags in a filter.
    AllTags,
    CustomFields,
    Time,
    Tokens,
    PageSize,
    PageToken,
    Names {
        count_max: usize,
    },
    Statuses {
        count_max: usize,
    },
    Order,
    RequestId,
    TraceId,
    Message {
        required: bool,
    },
    /// Only in answers: whatever a client says there counts for nothing.
    Ignored,
    /// Part of a stream.
    Streamed,
}

/// What must become of a request that has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    /// It is carried out.
    Accepted,
    /// It is well-formed, whatever the state of the case makes of it.
    WellFormed,
    /// It is well-formed, and there is no such thing.
    NotFound,
    /// `INVALID_ARGUMENT`, with the field named.
    Refused,
}

/// A value, and what must become of it. `None`: the field is absent.
pub(super) type Probe = (Option<Value>, Expect);

/// Text whose letters are made of two characters each: limits count characters, neither bytes nor letters.
fn combining(chars: usize) -> String {
    "e\u{301}".chars().cycle().take(chars).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "what a probe puts into a field; a few put nothing there")]
fn text(given: impl Into<String>) -> Option<Value> {
    Some(Value::String(given.into()))
}

#[expect(clippy::unnecessary_wraps, reason = "what a probe puts into a field; a few put nothing there")]
fn list(values: impl IntoIterator<Item = Value>) -> Option<Value> {
    Some(Value::List(values.into_iter().collect()))
}

fn texts(given: impl IntoIterator<Item = String>) -> Option<Value> {
    list(given.into_iter().map(Value::String))
}

fn numbered(count: usize, chars: usize) -> impl Iterator<Item = String> {
    (0..count).map(move |n| format!("{n:é>chars$}"))
}

fn if_required(required: bool) -> Expect {
    if required { Expect::Refused } else { Expect::Accepted }
}

impl Holds {
    /// What is tried of a field.
    pub(super) fn probes(self, field: &FieldDescriptor) -> Vec<Probe> {
        match self {
            Self::Text(kind) => kind.probes(),
            Self::Key => key(),
            Self::CaseId { required } => case_id(if_required(required), if_asked_for(required)),
            Self::LinkedCaseId => case_id(Expect::Refused, Expect::WellFormed),
            Self::CaseIds => case_ids(),
            Self::Enum { allowed } => enums(allowed, |number| Some(Value::EnumNumber(number))),
            Self::Enums { allowed } => many_enums(allowed),
            Self::OneOf { known, required } => one_of(known, required),
            Self::Version => [0, 1, u64::MAX].map(|n| (Some(Value::U64(n)), Expect::WellFormed)).into(),
            Self::NoVersion => {
                let refused = [1, u64::MAX].map(|n| (Some(Value::U64(n)), Expect::Refused));
                [vec![(Some(Value::U64(0)), Expect::Accepted)], refused.into()].concat()
            }
            Self::Switch => {
                vec![(Some(Value::Bool(true)), Expect::Accepted), (Some(Value::Bool(false)), Expect::WellFormed)]
            }
            Self::Mask => mask(),
            Self::Tags => tags(),
            Self::AllTags => all_tags(),
            Self::CustomFields => custom_fields(field),
            Self::Time => times(field),
            Self::Tokens => tokens(),
            Self::PageSize => page_sizes(),
            Self::PageToken => not_tokens().map(|token| (text(token), Expect::Refused)).into(),
            Self::Names { count_max } => names(count_max),
            Self::Statuses { count_max } => statuses(count_max),
            Self::Order => order(),
            Self::RequestId => request_id(),
            Self::TraceId => trace_id(),
            Self::Message { required } => vec![(None, if_required(required))],
            Self::Ignored => ignored(field),
            Self::Streamed => Vec::new(),
        }
    }

    /// Whether the fields inside count for nothing either.
    pub(super) fn is_opaque(self) -> bool {
        matches!(self, Self::Ignored | Self::Time | Self::CustomFields)
    }
}

impl Text {
    fn probes(self) -> Vec<Probe> {
        let Self { chars_max, required, lines } = self;
        let in_lines = if lines { Expect::Accepted } else { Expect::Refused };
        vec![
            (text(""), if_required(required)),
            (text("x"), Expect::Accepted),
            (text(combining(chars_max)), Expect::Accepted),
            (text(combining(chars_max + 1)), Expect::Refused),
            (text("\u{10ffff}".repeat(chars_max)), Expect::Accepted),
            (text("\u{10ffff}".repeat(chars_max + 1)), Expect::Refused),
            (text("x".repeat(1_000_000)), Expect::Refused),
            (text("\u{202e}\u{feff}\u{200d}x"), Expect::Accepted),
            (text(" \u{3000} "), Expect::Refused),
            (text("a\nb\tc"), in_lines),
            (text("a\0b"), Expect::Refused),
            (text("\u{1b}[31mred"), Expect::Refused),
            (text("\u{7f}"), Expect::Refused),
            (text("a\u{85}b"), Expect::Refused),
        ]
    }
}

fn key() -> Vec<Probe> {
    vec![
        (text(""), Expect::Accepted),
        (text(combining(KEY_CHARS_MAX)), Expect::Accepted),
        (text("\0\n\u{1b}"), Expect::Accepted),
        (text(combining(KEY_CHARS_MAX + 1)), Expect::Refused),
        (text("k".repeat(1_000_000)), Expect::Refused),
    ]
}

/// What there is not cannot be read; a filter by it matches nothing.
fn if_asked_for(required: bool) -> Expect {
    if required { Expect::NotFound } else { Expect::Accepted }
}

fn case_id(empty: Expect, unknown: Expect) -> Vec<Probe> {
    let mut probes: Vec<Probe> = [
        "CASE-999999",
        "CASE-18446744073709551616",
        "CASE--1",
        "CASE-",
        "-",
        "\0",
        "CASE-001\0",
        "'; DROP TABLE cases --",
    ]
    .map(|id| (text(id), unknown))
    .into();
    probes.extend([
        (text(""), empty),
        (text(combining(CASE_ID_CHARS_MAX)), unknown),
        (text(combining(CASE_ID_CHARS_MAX + 1)), Expect::Refused),
        (text("x".repeat(1_000_000)), Expect::Refused),
    ]);
    probes
}

fn case_ids() -> Vec<Probe> {
    let known = |count| texts(std::iter::repeat_n("CASE-001".to_owned(), count));
    vec![
        (known(0), Expect::Refused),
        (known(1), Expect::Accepted),
        (known(CASES_MAX), Expect::Accepted),
        (known(CASES_MAX + 1), Expect::Refused),
        (known(100_000), Expect::Refused),
        (texts(vec![String::new(); CASES_MAX]), Expect::Refused),
        (texts(vec!["x".repeat(CASE_ID_CHARS_MAX + 1); CASES_MAX]), Expect::Refused),
        (texts(numbered(CASES_MAX, CASE_ID_CHARS_MAX)), Expect::NotFound),
    ]
}

fn enums(allowed: &[i32], value: impl Fn(i32) -> Option<Value>) -> Vec<Probe> {
    let beyond = (0..=9).filter(|number| !allowed.contains(number)).chain([-1, i32::MIN, i32::MAX]);
    let beyond = beyond.map(|number| (value(number), Expect::Refused));
    allowed.iter().map(|number| (value(*number), Expect::WellFormed)).chain(beyond).collect()
}

fn many_enums(allowed: &[i32]) -> Vec<Probe> {
    let first = allowed[0];
    let many = |count| list(vec![Value::EnumNumber(first); count]);
    let mut probes = enums(allowed, |number| list([Value::EnumNumber(number)]));
    probes.extend([
        (many(ENUM_VALUES_MAX), Expect::Accepted),
        (many(ENUM_VALUES_MAX + 1), Expect::Refused),
        (many(1_000_000), Expect::Refused),
        (list(vec![Value::EnumNumber(i32::MIN); ENUM_VALUES_MAX]), Expect::Refused),
    ]);
    probes
}

fn one_of(known: &str, required: bool) -> Vec<Probe> {
    let mut probes = vec![(text(known), Expect::Accepted), (text(""), if_required(required))];
    for unknown in [known.to_lowercase() + "x", format!("{known}\0"), format!("{known} "), "x".repeat(1_000_000)] {
        probes.push((text(unknown), Expect::Refused));
    }
    probes
}

fn mask() -> Vec<Probe> {
    let many_then = |path: &str| text("title,".repeat(100) + path);
    let mut probes: Vec<Probe> = ["", "title", "title,team", "*", " title , dueTime", ",,,", "customFields"]
        .map(|mask| (text(mask), Expect::Accepted))
        .into();
    for mask in ["version", "case_id", "title.x", "Title", "ti\0tle", "*,title", "título", "title;team"] {
        probes.push((text(mask), Expect::Refused));
    }
    probes.extend([
        (text(",".repeat(1_000_000)), Expect::Accepted),
        // What stands behind the longest mask that is read is not passed over in silence.
        (many_then("team"), Expect::Refused),
        (many_then("nonsense"), Expect::Refused),
        (text("\u{10ffff},".repeat(100)), Expect::Refused),
        (text("x,".repeat(500_000)), Expect::Refused),
    ]);
    probes
}

fn tags() -> Vec<Probe> {
    vec![
        (texts([]), Expect::Accepted),
        (texts(numbered(TAGS_MAX, TAG_CHARS_MAX)), Expect::Accepted),
        (texts(numbered(TAGS_MAX + 1, TAG_CHARS_MAX)), Expect::Refused),
        (texts(["\u{10ffff}".repeat(TAG_CHARS_MAX)]), Expect::Accepted),
        (texts(vec!["same".to_owned(); TAGS_MAX + 1]), Expect::Accepted),
        (texts([combining(TAG_CHARS_MAX + 1)]), Expect::Refused),
        (texts([String::new()]), Expect::Refused),
        (texts(["a\0".to_owned()]), Expect::Refused),
        (texts(vec!["\u{1}".to_owned(); 1_000]), Expect::Refused),
        (texts(numbered(10_000, 8)), Expect::Refused),
        (texts(vec!["same".to_owned(); 10_000]), Expect::Refused),
    ]
}

fn all_tags() -> Vec<Probe> {
    vec![
        (texts(numbered(TAGS_MAX, TAG_CHARS_MAX)), Expect::Accepted),
        (texts(numbered(TAGS_MAX + 1, TAG_CHARS_MAX)), Expect::Refused),
        (texts([combining(TAG_CHARS_MAX + 1)]), Expect::Refused),
        (texts([String::new()]), Expect::Refused),
        (texts(numbered(10_000, 8)), Expect::Refused),
    ]
}

fn names(count_max: usize) -> Vec<Probe> {
    vec![
        (texts([String::new()]), Expect::Accepted),
        (texts(numbered(count_max, NAME_CHARS_MAX)), Expect::Accepted),
        (texts(numbered(count_max + 1, 4)), Expect::Refused),
        (texts([combining(NAME_CHARS_MAX + 1)]), Expect::Refused),
        (texts(vec!["\0".repeat(NAME_CHARS_MAX); count_max]), Expect::Refused),
        (texts(numbered(10_000, 8)), Expect::Refused),
    ]
}

fn statuses(count_max: usize) -> Vec<Probe> {
    vec![
        (texts(vec!["DRAFT".to_owned(); count_max]), Expect::Accepted),
        (texts(vec!["DRAFT".to_owned(); count_max + 1]), Expect::Refused),
        (texts([String::new()]), Expect::Refused),
        (texts(["in review".to_owned()]), Expect::Refused),
        (texts(["D\0".to_owned()]), Expect::Refused),
        (texts(vec!["x y".repeat(1_000); count_max]), Expect::Refused),
    ]
}

/// A struct of one text that is this many bytes as JSON.
fn of_json_bytes(field: &FieldDescriptor, bytes: usize) -> Value {
    let around = r#"{"k":""}"#.len();
    structure(field, "k", |value| value.set_field_by_name("string_value", Value::String("x".repeat(bytes - around))))
}

fn message_of(field: &FieldDescriptor) -> DynamicMessage {
    let Kind::Message(message) = field.kind() else { panic!("{} is no message", field.name()) };
    DynamicMessage::new(message)
}

/// A struct of one field.
fn structure(field: &FieldDescriptor, key: &str, set: impl FnOnce(&mut DynamicMessage)) -> Value {
    let mut structure = message_of(field);
    let mut value = DynamicMessage::new(field.parent_pool().get_message_by_name("google.protobuf.Value").unwrap());
    set(&mut value);
    let fields = [(MapKey::String(key.to_owned()), Value::Message(value))].into_iter().collect();
    structure.set_field_by_name("fields", Value::Map(fields));
    Value::Message(structure)
}

/// A struct in a struct in a struct.
fn nested(field: &FieldDescriptor, depth: usize) -> Value {
    (0..depth).fold(structure(field, "k", |_| {}), |inner, _| {
        structure(field, "k", |value| value.set_field_by_name("struct_value", inner))
    })
}

fn custom_fields(field: &FieldDescriptor) -> Vec<Probe> {
    let number =
        |number| Some(structure(field, "n", |value| value.set_field_by_name("number_value", Value::F64(number))));
    vec![
        (Some(Value::Message(message_of(field))), Expect::Accepted),
        (Some(structure(field, "", |_| {})), Expect::Accepted),
        (Some(structure(field, "\0\u{10ffff}", |_| {})), Expect::Accepted),
        (Some(of_json_bytes(field, CUSTOM_FIELDS_BYTES_MAX)), Expect::Accepted),
        (Some(of_json_bytes(field, CUSTOM_FIELDS_BYTES_MAX + 1)), Expect::Refused),
        (Some(of_json_bytes(field, 1_000_000)), Expect::Refused),
        (Some(nested(field, 20)), Expect::Accepted),
        (number(f64::MAX), Expect::Accepted),
        (number(f64::MIN_POSITIVE), Expect::Accepted),
        (number(-0.0), Expect::Accepted),
        (number(f64::NAN), Expect::Refused),
        (number(f64::INFINITY), Expect::Refused),
        (number(f64::NEG_INFINITY), Expect::Refused),
    ]
}

fn times(field: &FieldDescriptor) -> Vec<Probe> {
    let time = |seconds, nanos| {
        let mut time = message_of(field);
        time.set_field_by_name("seconds", Value::I64(seconds));
        time.set_field_by_name("nanos", Value::I32(nanos));
        Some(Value::Message(time))
    };
    let [first, last] = TIMES_S;
    let mut probes = vec![
        (None, Expect::Accepted),
        (time(0, 0), Expect::Accepted),
        (time(first, 0), Expect::Accepted),
        (time(last, 999_999_999), Expect::Accepted),
    ];
    for (seconds, nanos) in [
        (first - 1, 999_999_999),
        (253_402_300_800, 0),
        (i64::MAX, 0),
        (i64::MIN, 0),
        (0, -1),
        (0, 1_000_000_000),
        (0, i32::MIN),
    ] {
        probes.push((time(seconds, nanos), Expect::Refused));
    }
    probes
}

/// What no answer has ever given as a token.
fn not_tokens() -> [String; 5] {
    ["x".to_owned(), "\0".to_owned(), "A".repeat(34), "!".repeat(34), "A".repeat(1_000_000)]
}

fn tokens() -> Vec<Probe> {
    let mut probes: Vec<Probe> = not_tokens().map(|token| (texts([token]), Expect::Refused)).into();
    probes.extend([
        (texts([]), Expect::Accepted),
        (texts([String::new()]), Expect::Refused),
        (texts(vec!["x".to_owned(); TOKENS_MAX]), Expect::Refused),
        (texts(vec!["x".to_owned(); TOKENS_MAX + 1]), Expect::Refused),
        (texts(vec![String::new(); 100_000]), Expect::Refused),
    ]);
    probes
}

fn page_sizes() -> Vec<Probe> {
    let coerced = [0, 1, 1_000, 1_001, i32::MAX].map(|size| (Some(Value::I32(size)), Expect::Accepted));
    let negative = [-1, i32::MIN].map(|size| (Some(Value::I32(size)), Expect::Refused));
    coerced.into_iter().chain(negative).collect()
}

fn order() -> Vec<Probe> {
    let known = ["", "title", "update_time desc", "  case_id   asc "].map(|order| (text(order), Expect::Accepted));
    let unknown = ["reporter", "title, status", "title down", "\0"].map(|order| (text(order), Expect::Refused));
    let long = [(text("title desc ".repeat(100_000)), Expect::Refused)];
    known.into_iter().chain(unknown).chain(long).collect()
}

fn request_id() -> Vec<Probe> {
    vec![
        (text(""), Expect::Accepted),
        (text("~".repeat(128)), Expect::Accepted),
        (text("~".repeat(129)), Expect::Refused),
        (text("a b"), Expect::Refused),
        (text("é"), Expect::Refused),
        (text("\0"), Expect::Refused),
    ]
}

fn trace_id() -> Vec<Probe> {
    vec![
        (text(""), Expect::Accepted),
        (text("aB".repeat(16)), Expect::Accepted),
        (text("a".repeat(31)), Expect::Refused),
        (text("a".repeat(33)), Expect::Refused),
        (text("g".repeat(32)), Expect::Refused),
        (text("é".repeat(16)), Expect::Refused),
    ]
}

fn ignored(field: &FieldDescriptor) -> Vec<Probe> {
    let kind = field.kind();
    let value = if let Kind::Message(message) = kind {
        Value::Message(DynamicMessage::new(message))
    } else if let Kind::Enum(_) = kind {
        Value::EnumNumber(i32::MIN)
    } else if let Kind::String = kind {
        Value::String("\0".repeat(100_000))
    } else {
        Value::U64(u64::MAX)
    };
    let value = if field.is_list() { Value::List(vec![value; 1_000]) } else { value };
    vec![(Some(value), Expect::Accepted)]
}
