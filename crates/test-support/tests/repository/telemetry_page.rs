//! `docs/telemetry.md` lists every log event, metric and span. Its tables are made from the sources: from the `names` modules,
//! and from where the names are used. `UPDATE_DOCS=1 cargo test -p test-support --test repository` writes them anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use service_kit::client::dependencies::DEPENDENCIES;

use crate::source::{Constant, MacroCall, constants, macro_calls, sources};
use crate::{packages, root};

const BEGIN: &str =
    "<!-- The rest is written by a test: UPDATE_DOCS=1 cargo test -p test-support --test repository -->";

const LEVELS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];
const KINDS: [&str; 4] = ["Counter", "Up-down counter", "Gauge", "Histogram"];

/// What a constant of a `names` module names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Named {
    Event { levels: BTreeSet<String>, meaning: String },
    Metric { kind: String, unit: String, labels: String, meaning: String },
    Other,
}

pub(crate) fn named(constant: &Constant) -> Named {
    let doc = constant.doc.as_str();
    let Some((head, meaning)) = doc.split_once(": ") else {
        return Named::Other;
    };
    let levels: BTreeSet<_> = head.split(" or ").map(str::to_lowercase).collect();
    if head.chars().any(char::is_uppercase) && levels.iter().all(|level| LEVELS.contains(&level.as_str())) {
        return Named::Event { levels, meaning: meaning.to_owned() };
    }
    let Some((kind, rest)) = KINDS.iter().find_map(|kind| Some((*kind, head.strip_prefix(kind)?.strip_prefix(", ")?)))
    else {
        assert!(!KINDS.iter().any(|kind| doc.starts_with(&format!("{kind},"))), "cannot be read: {constant:?}");
        return Named::Other;
    };
    let (unit, labels) = rest.split_once(", ").unwrap_or_else(|| panic!("KIND, `UNIT`, LABELS: in {constant:?}"));
    let labels = labels.strip_prefix("by ").unwrap_or(if labels == "no labels" { "–" } else { labels });
    let (kind, unit, labels) = (kind.to_owned(), unit.to_owned(), labels.to_owned());
    Named::Metric { kind, unit, labels, meaning: meaning.to_owned() }
}

/// Where an event is logged.
#[derive(Default)]
struct Sites {
    levels: BTreeSet<String>,
    fields: BTreeSet<String>,
}

pub(crate) struct Room {
    pub(crate) package: String,
    pub(crate) constants: Vec<Constant>,
    pub(crate) calls: Vec<MacroCall>,
}

pub(crate) fn rooms() -> Vec<Room> {
    let room = |package: String| {
        let files = sources(&root().join(&package).join("src"));
        let is_names = |path: &Path| path.file_name().is_some_and(|name| name == "names.rs");
        let names = files.iter().filter(|(path, _)| is_names(path));
        let constants = names.flat_map(|(_, text)| constants(text)).collect();
        let calls = files.iter().flat_map(|(path, text)| macro_calls(path, text)).collect();
        Room { package, constants, calls }
    };
    packages().into_iter().map(room).collect()
}

/// The sites of each event, by package and constant.
fn sites(room: &Room) -> BTreeMap<String, Sites> {
    let mut found = BTreeMap::<String, Sites>::new();
    for call in room.calls.iter().filter(|call| LEVELS.contains(&call.name.as_str())) {
        let event = call.event().unwrap_or_else(|| panic!("a log line without an event name: {call:?}"));
        assert!(!event.starts_with('"'), "a log event that no names module names: {call:?}");
        let constant = event.rsplit("::").next().unwrap().to_owned();
        let sites = found.entry(constant).or_default();
        sites.levels.insert(call.name.clone());
        sites.fields.extend(call.fields());
    }
    found
}

fn events_table(room: &Room) -> String {
    let sites = sites(room);
    let mut rows = String::new();
    for constant in &room.constants {
        let Named::Event { levels, meaning } = named(constant) else { continue };
        let Some(used) = sites.get(&constant.name) else {
            panic!("{} of {} is logged nowhere", constant.name, room.package);
        };
        assert_eq!(levels, used.levels, "the levels of {} as its comment has them, and as it is logged", constant.name);
        let level = levels.iter().map(|level| level.to_uppercase()).collect::<Vec<_>>().join(", ");
        let fields = listed(&used.fields);
        let _ = writeln!(rows, "| `{}` | {level} | {fields} | {meaning} |", constant.value);
    }
    let is_event = |constant: &&Constant| matches!(named(constant), Named::Event { .. });
    let known: BTreeSet<_> = room.constants.iter().filter(is_event).map(|constant| constant.name.as_str()).collect();
    for constant in sites.keys() {
        let package = &room.package;
        assert!(known.contains(constant.as_str()), "no names module of {package} says `LEVEL: meaning` of {constant}");
    }
    rows
}

fn metrics_table(room: &Room) -> String {
    let mut rows = String::new();
    for constant in &room.constants {
        if let Named::Metric { kind, unit, labels, meaning } = named(constant) {
            let _ = writeln!(rows, "| `{}` | {kind} | {unit} | {labels} | {meaning} |", constant.value);
        }
    }
    rows
}

fn spans_table(room: &Room) -> String {
    let mut found = BTreeMap::<String, (String, BTreeSet<String>)>::new();
    for call in room.calls.iter().filter(|call| call.name.ends_with("_span")) {
        let name = call.span_name().unwrap_or_else(|| panic!("a span without a name: {call:?}"));
        let fields = call.fields();
        let kind = call.value_of("otel.kind").unwrap_or_else(|| "internal".to_owned());
        let row = found.entry(name).or_insert((kind, BTreeSet::new()));
        row.1.extend(fields.into_iter().filter(|field| !field.starts_with("otel.")));
    }
    let mut rows = String::new();
    for (name, (kind, fields)) in found {
        let _ = writeln!(rows, "| `{name}` | {kind} | {} |", listed(&fields));
    }
    for constant in &room.constants {
        if let Some(meaning) = constant.doc.strip_prefix("Span: ") {
            let _ = writeln!(
                rows,
                "| `{}` | consumer | as its events or batches in `crates/event-feed`: {meaning} |",
                constant.value
            );
        }
    }
    rows
}

/// The fields between backticks; those that are constants of service-kit by their values.
fn listed(fields: &BTreeSet<String>) -> String {
    let text = fs::read_to_string(root().join("crates/service-kit/src/telemetry/names.rs")).unwrap();
    let constants = constants(&text);
    let value = |field: &String| {
        let constant = constants.iter().find(|constant| constant.name == *field);
        format!("`{}`", constant.map_or(field, |constant| &constant.value))
    };
    fields.iter().map(value).collect::<Vec<_>>().join(", ")
}

fn section(title: &str, head: &str, table: impl Fn(&Room) -> String) -> String {
    let columns = head.matches('|').count() - 1;
    let mut text = format!("\n## {title}\n");
    for room in rooms() {
        let rows = table(&room);
        if !rows.is_empty() {
            let _ = write!(text, "\n`{}`\n\n{head}\n|{}\n{rows}", room.package, "---|".repeat(columns));
        }
    }
    text
}

fn generated() -> String {
    let events = section("Log events", "| event | level | fields | meaning |", events_table);
    let metrics =
        section("Metrics", "| metric | kind | unit | labels (and how many values) | meaning |", metrics_table);
    let spans = section("Spans", "| span | kind | attributes |", spans_table);
    format!("{metrics}{spans}{events}")
}

#[test]
fn the_page_of_telemetry_lists_what_the_sources_have() {
    let path = root().join("docs/telemetry.md");
    let text = fs::read_to_string(&path).unwrap();
    let (written_by_hand, tables) = text.split_once(BEGIN).expect("the mark of the generated part");
    let tables_now = format!("\n{}", generated());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{written_by_hand}{BEGIN}{tables_now}")).unwrap();
    } else {
        assert_eq!(tables, tables_now, "docs/telemetry.md is out of date: run this test with UPDATE_DOCS=1");
    }
}

#[test]
fn log_lines_spell_a_dependency_as_its_policy_does() {
    let known = DEPENDENCIES.map(|policy| format!("\"{}\"", policy.name));
    let rooms = rooms();
    let named: Vec<_> =
        rooms.iter().flat_map(|room| &room.calls).filter_map(|call| call.text_of("dependency")).collect();
    assert!(!named.is_empty(), "none is found, so nothing is checked");
    for text in named.iter().filter(|text| text.starts_with('"')) {
        assert!(known.contains(text), "{text} is no dependency of {known:?}");
    }
}

#[test]
fn what_a_comment_says_of_a_name_is_read() {
    let of = |doc: &str| named(&Constant { name: "X".to_owned(), value: "x".to_owned(), doc: doc.to_owned() });
    let levels = ["info", "warn"].map(ToOwned::to_owned).into();
    assert_eq!(of("INFO or WARN: why."), Named::Event { levels, meaning: "why.".to_owned() });
    let [kind, unit, labels, meaning] = ["Gauge", "`s`", "`a` (one)", "how."].map(ToOwned::to_owned);
    assert_eq!(of("Gauge, `s`, by `a` (one): how."), Named::Metric { kind, unit, labels, meaning });
    for doc in ["An attribute.", "Resource: the program.", "Our own attribute: the id"] {
        assert_eq!(of(doc), Named::Other);
    }
}
