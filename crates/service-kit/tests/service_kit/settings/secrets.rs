//! Secrets: read from files, and never shown.

use std::os::unix::fs::PermissionsExt;

use service_kit::settings::{Configuration, SecretFile, SecretFileError};

use super::{Place, all, file_source, variable};

/// A value that every key that takes a text would take, but one that asks for a form of its own.
const CANARY: &str = "canary=canary";

/// Everything that a configuration can be shown as.
fn shown(place: &Place) -> String {
    let configuration = Configuration::read(&place.sources, all).with_secrets();
    let (debug, print) = (format!("{:?} {configuration:?}", place.sources), configuration.print());
    let loaded = configuration.into_loaded();
    let problems = loaded.as_ref().map_or_else(|problems| format!("{problems:?}"), |_| String::new());
    format!("{debug} {print} {loaded:?} {problems}")
}

#[test]
fn secrets_are_never_shown_wherever_they_come_from() {
    for key in ["auth.token", "telemetry.otlp_headers"] {
        let as_variable = format!("CASE_TRACKER__{}", key.to_uppercase().replace('.', "__"));
        let given_as_variable = Place::new().environment([(as_variable.as_str(), CANARY)]);
        let given_in_file = Place::new().file(&format!("{key} = {CANARY:?}\n"));
        // Refused values are secrets, too: one character too many, or pasted into the wrong variable.
        let refused = Place::new().file(&format!("{key} = \"{CANARY} \\u0007\"\nauth.mode = \"x\"\n"));
        let place = Place::new();
        let path = place.beside("secret", CANARY);
        let in_own_file = place.file(&format!("{key}_file = {path:?}\n"));
        for place in [given_as_variable, given_in_file, in_own_file, refused] {
            let shown = shown(&place);
            assert!(!shown.contains("canary") && shown.contains("[redacted]"), "{key}: {shown}");
        }
    }
    let control = shown(&Place::new().file(&format!("auth.issuer = {CANARY:?}\n")));
    assert!(control.matches(CANARY).count() >= 3, "what is no secret is shown: {control}");
}

/// Whoever adds a secret to the schema and forgets to say that its key is secret would print it.
#[test]
fn what_the_schema_keeps_secret_is_hidden_in_print_too_and_nothing_else_is() {
    let mut secrets = Vec::new();
    let keys: Vec<String> = Place::new().loaded().provenance.keys().map(|line| line.key.to_owned()).collect();
    for key in keys {
        let place = Place::new().file(&format!("{key} = {CANARY:?}\n"));
        let configuration = Configuration::read(&place.sources, all);
        let printed = configuration.print().contains(CANARY);
        // A text that this key does not take shows in the problem.
        let Ok(loaded) = configuration.into_loaded() else {
            assert!(printed, "{key}");
            continue;
        };
        let in_settings = format!("{:?}", loaded.settings).contains(CANARY);
        assert_eq!(printed, in_settings, "{key}");
        if !printed {
            secrets.push(key);
        }
    }
    assert_eq!(secrets, ["auth.token", "telemetry.otlp_headers"]);
}

#[test]
fn a_secret_is_read_from_its_file_without_the_line_break() {
    for ending in ["", "\n", "\r\n"] {
        let place = Place::new();
        let path = place.beside("token", &format!("abc{ending}"));
        let place = place.environment([("CASE_TRACKER__AUTH__TOKEN_FILE", path.as_str())]);
        let loaded = place.loaded();
        assert!(loaded.settings.auth.token.with(|token| token == "abc"));
        let source = variable("CASE_TRACKER__AUTH__TOKEN_FILE");
        assert_eq!(loaded.provenance.source_of("auth.token_file"), Some(&source));
    }
}

#[test]
fn a_file_that_gives_no_secret_is_a_problem_with_key_source_and_path() {
    let place = Place::new();
    let folder = place.folder.path().to_str().unwrap().to_owned();
    let missing = format!("{folder}/missing");
    let (empty, large) = (place.beside("empty", "\n"), place.beside("large", &"x".repeat(16 * 1_024 + 1)));
    let (two_lines, pipe) = (place.beside("two", "canary\ncanary"), format!("{folder}/pipe"));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut place = place;
    for (path, says) in [
        (&missing, "the file cannot be read: No such file or directory"),
        (&folder, "not a file"),
        (&pipe, "not a file"),
        (&empty, "the file is empty"),
        (&large, "larger than 16384 bytes"),
        (&two_lines, "allowed is a bearer token"),
    ] {
        place = place.file(&format!("[auth]\ntoken_file = {path:?}\n"));
        let problems = place.problems();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].key, "auth.token_file");
        assert_eq!(problems[0].value, Some(format!("{path:?}")));
        assert_eq!(problems[0].source, Some(file_source(&place, 2)));
        let text = problems[0].to_string();
        assert!(text.contains(says) && !text.contains("canary"), "{text}");
    }
}

#[test]
fn a_file_that_is_not_toml_shows_nothing_of_its_secrets() {
    for text in
        ["auth.token = \"canary\nx = 1\n", "auth.token = canary\n", "auth.token = \"a\"\nauth.token = \"canary\"\n"]
    {
        let lines = Place::new().file(text).lines();
        assert!(lines.len() == 1 && lines[0].contains("not TOML") && !lines[0].contains("canary"), "{lines:?}");
    }
}

#[test]
fn a_secret_given_twice_is_refused() {
    let place = Place::new();
    let path = place.beside("token", "abc");
    let lines = place.file(&format!("auth.token_file = {path:?}\n"));
    let lines = lines.environment([("CASE_TRACKER__AUTH__TOKEN", "canary")]).lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].starts_with("auth.token_file = ") && lines[0].contains("auth.token = \"[redacted]\""),
        "{lines:?}"
    );
}

#[test]
fn a_file_that_everybody_can_read_is_pointed_out() {
    let place = Place::new();
    let path = place.beside("token", "abc");
    let place = place.file(&format!("auth.token_file = {path:?}\n"));
    let notices = |mode: u32| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        place.loaded().notices.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(notices(0o640), [""; 0]);
    let exposed = notices(0o644);
    assert!(exposed.len() == 1 && exposed[0].contains(&path) && exposed[0].contains("chmod"), "{exposed:?}");
}

#[test]
fn a_file_is_read_again_for_every_clone_and_a_bad_one_changes_nothing() {
    let place = Place::new();
    let path = place.beside("token", "one");
    let place = place.file(&format!("auth.token_file = {path:?}\n"));
    let settings = place.loaded().settings;
    let held = settings.auth.token.clone();
    let file = SecretFile::all(&settings).remove(0);
    assert_eq!((file.key(), file.read()), ("auth.token", Ok(false)));
    std::fs::write(&path, "two\n").unwrap();
    assert!(held.with(|token| token == "one"), "nothing changes by itself");
    assert_eq!(file.read(), Ok(true));
    assert!(held.with(|token| token == "two") && settings.auth.token.with(|token| token == "two"));
    for bad in ["", "\n", "t w o"] {
        std::fs::write(&path, bad).unwrap();
        file.read().unwrap_err();
        assert!(held.with(|token| token == "two"));
    }
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(file.read(), Err(SecretFileError::Unreadable(_))));
    assert!(held.with(|token| token == "two"));
}
