//! Logs, good and bad.

use std::io::Write;
use std::path::PathBuf;

use casectl::log::{self, CaseRecord, LogError, MISTAKES_MAX};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use service_kit::exit::{Exit, ExitCode};
use tempfile::TempDir;

const TWO: &str = concat!(
    r#"{"external_id":"a","impact":"High","size":3,"history":[{"time":"2024-05-01T10:00:00Z","actor":"amira","status":"NEW","group":"G 1"},"#,
    r#"{"time":"2024-05-01T12:00:00+02:00","actor":"budi","status":"DONE","group":"","remark":"passed over"}]}"#,
    "\r\n\n",
    r#"{"history":[{"time":"2024-05-01T10:00:00.5Z","actor":"citra","status":"NEW","group":null}],"external_id":"b"}"#
);

fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn read(bytes: &[u8]) -> Result<Vec<CaseRecord>, LogError> {
    let (_folder, path) = file(bytes);
    log::read(&path)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The mistakes of a text, each as `line: message`.
fn mistakes(text: &str) -> Vec<String> {
    match read(text.as_bytes()) {
        Err(LogError::Mistaken { mistaken, .. }) => mistaken.mistakes().iter().map(ToString::to_string).collect(),
        other => panic!("no mistakes: {other:?}"),
    }
}

#[test]
fn every_part_of_a_case_is_read() {
    let records = read(TWO.as_bytes()).unwrap();
    let [first, second] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((first.line, first.external_id.as_str()), (1, "a"));
    assert_eq!(serde_json::Value::Object(first.fields.clone()), json!({"impact": "High", "size": 3}));
    assert_eq!(first.history[0].time, "2024-05-01T10:00:00Z");
    assert_eq!(first.history[0].actor, "amira");
    assert_eq!(first.history[1].status.as_str(), "DONE");
    let groups: Vec<Option<&str>> = first.history.iter().map(|entry| entry.group.as_deref()).collect();
    assert_eq!(groups, [Some("G 1"), Some("")]);
    assert_eq!((second.line, second.history[0].group.as_deref()), (3, None));
}

#[test]
fn gzip_is_known_by_its_content() {
    let plain = read(TWO.as_bytes()).unwrap();
    assert_eq!(read(&gzip(TWO.as_bytes())).unwrap(), plain);
    let (first, rest) = TWO.split_at(40);
    let several = [gzip(first.as_bytes()), gzip(rest.as_bytes())].concat();
    assert_eq!(read(&several).unwrap(), plain, "several streams are one text");
}

#[test]
fn a_damaged_gzip_is_corrupt_data() {
    let whole = gzip(TWO.repeat(1_000).as_bytes());
    let exit = Exit::from(read(&whole[..whole.len() / 2]).unwrap_err());
    assert_eq!(exit.code, ExitCode::DataCorrupt, "{exit}");
}

#[test]
fn every_mistake_has_its_line() {
    let text = [
        r#"{"external_id":"a","history":[{"time":"2024-05-01T10:00:00Z","actor":"x","status":"NEW"}]}"#,
        r"{",
        r"[1]",
        r#"{"external_id":7,"history":{}}"#,
        r#"{"external_id":"a","history":[{"time":"2024-05-01T10:00:00Z","actor":"x","status":"NEW"}]}"#,
        r#"{"external_id":"c","history":[]}"#,
        r#"{"external_id":"d","history":[7,{"time":"yesterday","actor":"","status":"in review","group":1},{}]}"#,
        r#"{"external_id":"e","history":[{"time":"2024-05-01T10:00:00Z","actor":"x","status":"NEW"},{"time":"2024-05-01T10:30:00+01:00","actor":"x","status":"NEW"}]}"#,
        r"{}",
    ];
    let told = mistakes(&text.join("\n"));
    let begins = [
        "line 2: not valid JSON: EOF while parsing an object at column 1",
        "line 3: a case is a JSON object, not a list",
        "line 4: external_id must be a string, not a number",
        "line 4: history must be a list, not an object",
        "line 5: external_id \"a\" stands on line 1 already",
        "line 6: history is empty",
        "line 7: history[0] must be an object, not a number",
        "line 7: history[1].time \"yesterday\" is no time with an offset",
        "line 7: history[1].actor \"\" must not be blank",
        "line 7: history[1].status \"in review\": a status is named by",
        "line 7: history[1].group must be a string, not a number",
        "line 7: history[2].time is missing",
        "line 7: history[2].actor is missing",
        "line 7: history[2].status is missing",
        "line 8: history[1].time is before that of the entry above it",
        "line 9: external_id is missing",
        "line 9: history is missing",
    ];
    assert_eq!(told.len(), begins.len(), "{told:#?}");
    for (told, begin) in told.iter().zip(begins) {
        assert!(told.starts_with(begin), "{told:?} does not begin with {begin:?}");
    }
}

#[test]
fn mistakes_are_bounded() {
    let error = read("{\n".repeat(10_000).as_bytes()).unwrap_err();
    let exit = Exit::from(error);
    assert_eq!(exit.code, ExitCode::DataCorrupt);
    assert_eq!(exit.message.lines().count(), 1 + MISTAKES_MAX + 1, "{exit}");
    assert!(exit.message.ends_with("(reading stopped after 20 mistakes)"), "{exit}");
}

#[test]
fn a_line_without_end_is_not_kept() {
    let mut text = vec![b' '; log::LINE_BYTES_MAX + 1];
    text.extend_from_slice(b" and more\n");
    text.extend_from_slice(b"{\n");
    let told = mistakes(std::str::from_utf8(&text).unwrap());
    assert_eq!(told[0], "line 1: the line is longer than 8388608 bytes");
    assert!(told[1].starts_with("line 2: not valid JSON"), "{told:?}");
}

#[test]
fn a_file_that_is_not_there_or_empty_is_told() {
    let (folder, path) = file(b"\n \n");
    let empty = Exit::from(log::read(&path).unwrap_err());
    assert_eq!(empty.code, ExitCode::DataCorrupt);
    assert!(empty.message.ends_with("has no case in it"), "{empty}");
    let absent = Exit::from(log::read(&folder.path().join("absent")).unwrap_err());
    assert_eq!(absent.code, ExitCode::Usage);
    assert!(absent.message.contains("No such file"), "{absent}");
}
