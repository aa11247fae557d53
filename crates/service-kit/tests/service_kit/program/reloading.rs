//! Files that are looked at again while a process runs.

use std::path::PathBuf;

use tempfile::TempDir;

use super::{BEHAVIOUR, Ended, Started};

/// A process that says its token, written backwards, at each moment of looking again.
struct Holder {
    folder: TempDir,
    started: Started,
}

impl Holder {
    fn with(token: &str) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("token"), token).unwrap();
        let path = folder.path().join("token").to_str().unwrap().to_owned();
        let variables = [(BEHAVIOUR, "token"), ("CASE_TRACKER__AUTH__TOKEN_FILE", &*path)];
        let mut started = Started::new(&[], &variables);
        started.wait_for("ready");
        Self { folder, started }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("token")
    }

    /// Puts a new file in the place of the old, at once, as whoever rotates secrets does.
    fn rotate(&self, token: &str) {
        let new = self.folder.path().join("new");
        std::fs::write(&new, token).unwrap();
        std::fs::rename(new, self.path()).unwrap();
    }

    fn end(self) -> Ended {
        self.started.signal("TERM");
        let ended = self.started.end();
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
        ended
    }
}

fn lines<'a>(ended: &'a Ended, event: &str) -> Vec<&'a str> {
    ended.stdout.lines().filter(|line| line.contains(&format!("\"{event}\""))).collect()
}

#[test]
fn a_hangup_reloads_secrets_before_others_are_told_and_ends_nothing() {
    let mut holder = Holder::with("yranac-one");
    holder.rotate("yranac-two\n");
    holder.started.signal("HUP");
    holder.started.wait_for("owt-canary");
    let ended = holder.end();
    assert_eq!(lines(&ended, "reload_requested").len(), 1, "{}", ended.stdout);
    let reloaded = lines(&ended, "secret_reloaded");
    assert!(reloaded.len() == 1 && reloaded[0].contains("auth.token"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("yranac"), "{}", ended.stdout);
}

#[test]
fn a_new_secret_is_found_without_a_signal() {
    let mut holder = Holder::with("one");
    holder.rotate("two");
    holder.started.wait_for("owt");
    let ended = holder.end();
    assert_eq!((lines(&ended, "reload_requested").len(), lines(&ended, "secret_reloaded").len()), (0, 1));
}

#[test]
fn a_file_that_goes_away_keeps_the_secret_and_is_said_once() {
    let mut holder = Holder::with("one");
    std::fs::remove_file(holder.path()).unwrap();
    holder.started.signal("HUP");
    holder.started.wait_for_event("secret_file_unreadable");
    for _ in 0..2 {
        holder.started.signal("HUP");
        holder.started.wait_for("eno");
    }
    holder.rotate("one");
    holder.started.signal("HUP");
    holder.started.wait_for_event("secret_reloaded");
    let ended = holder.end();
    let said = lines(&ended, "secret_file_unreadable");
    assert!(said.len() == 1 && said[0].contains("WARN") && said[0].contains("auth.token"), "{}", ended.stdout);
    let back = lines(&ended, "secret_reloaded");
    assert!(back.len() == 1 && back[0].contains("is the same"), "{}", ended.stdout);
}

#[test]
fn a_hangup_is_no_second_request_to_end() {
    let mut started = Started::new(&[], &[(BEHAVIOUR, "hang")]);
    started.wait_for("ready");
    started.signal("TERM");
    started.wait_for("hanging");
    started.signal("HUP");
    started.wait_for_event("reload_requested");
    started.signal("TERM");
    assert_eq!(started.end().code, Some(143), "only the second one ends it");
}

#[test]
fn a_start_needs_its_secrets_and_a_healthcheck_does_not() {
    let variables = [("CASE_TRACKER__AUTH__TOKEN_FILE", "missing"), ("CASE_TRACKER__COMMAND__LISTEN", "127.0.0.1:1")];
    for arguments in [&[][..], &["config", "check"]] {
        let refused = super::ended(arguments, &variables);
        assert_eq!(refused.code, Some(78), "{arguments:?}");
        assert!(refused.stderr.contains("auth.token_file = \"missing\" (environment variable "), "{}", refused.stderr);
    }
    let printed = super::ended(&["config", "print"], &variables);
    assert!(printed.stdout.contains("NOT VALID: 1 problem\n#   auth.token_file = "), "{}", printed.stdout);
    assert_eq!(super::ended(&["healthcheck"], &variables).code, Some(1), "nobody is there, and that is all");
}

#[test]
fn what_an_operator_should_know_is_logged_at_start() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "one").unwrap();
    let mode = |mode: &str| {
        let changed = std::process::Command::new("chmod").arg(mode).arg(&path).status().unwrap();
        assert!(changed.success());
    };
    let variables =
        [("CASE_TRACKER__AUTH__TOKEN_FILE", path.to_str().unwrap()), ("OTEL_PROPAGATORS", "b3"), ("OTEL_X", "")];
    mode("644");
    let ended = super::ended(&[], &variables);
    assert_eq!(ended.code, Some(0));
    assert_eq!(lines(&ended, "secret_file_exposed").len(), 1, "{}", ended.stdout);
    let notices = lines(&ended, "configuration_notice");
    assert!(notices.len() == 1 && notices[0].contains("OTEL_PROPAGATORS"), "{}", ended.stdout);
    let check = super::ended(&["config", "check"], &variables);
    assert_eq!(check.stdout.lines().filter(|line| line.starts_with("note: ")).count(), 2, "{}", check.stdout);
    mode("600");
    assert!(lines(&super::ended(&[], &variables), "secret_file_exposed").is_empty());
}
