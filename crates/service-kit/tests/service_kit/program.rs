//! The life of a binary, seen from outside: exit codes, output, signals.
//!
//! The binary is this test binary, started again: [`child`] runs a small program with the arguments that its parent
//! passes in a variable.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use service_kit::diagnostics::Diagnostics;
use service_kit::exit::{self, Exit, ExitCode};
use service_kit::health::Health;
use service_kit::host::{Host, bind};
use service_kit::identity::Identity;
use service_kit::program::{Process, Program, Surroundings, start};
use service_kit::settings::Settings;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

mod log_lines;
mod reloading;

/// The command line of the child, one argument a line.
const ARGUMENTS: &str = "SERVICE_KIT_TEST_ARGUMENTS";
/// What the child's run does.
const BEHAVIOUR: &str = "SERVICE_KIT_TEST_BEHAVIOUR";

const PROGRAM: Program = Program {
    name: "case-test",
    about: "A program for tests.",
    version: "1.2.3",
    lifecycle_flag: false,
    health_addresses: served,
    check: |_| Ok(()),
};

fn served(settings: &Settings) -> Vec<SocketAddr> {
    vec![settings.command.listen]
}

#[test]
#[ignore = "the program that the other tests start"]
fn child() {
    let Ok(arguments) = std::env::var(ARGUMENTS) else {
        return;
    };
    let mut surroundings = Surroundings::of_this_process();
    surroundings.arguments = arguments.lines().map(OsString::from).collect();
    let code = start(&PROGRAM, surroundings, behave);
    #[expect(clippy::disallowed_methods, reason = "the test harness would report a code of its own")]
    std::process::exit(i32::from(code.number()));
}

async fn behave(process: Process) -> Result<(), Exit> {
    match std::env::var(BEHAVIOUR).unwrap_or_default().as_str() {
        "fail" => Err(Exit::new(ExitCode::InUse, "cannot listen on 127.0.0.1:1: the address is in use")),
        "disk" => {
            tracing::error!(name: "store_failed", "the last word");
            exit::now(&Exit::new(ExitCode::DiskFailed, "the disk failed"))
        }
        "chat" => log_lines::chat(process, false).await,
        "chat with pauses" => log_lines::chat(process, true).await,
        "panic twice" => log_lines::panic_twice(),
        "drain" => {
            say("ready");
            process.shutdown.cancelled().await;
            Ok(())
        }
        "token" => {
            let mut reload = process.reload.clone();
            say("ready");
            loop {
                tokio::select! {
                    () = process.shutdown.cancelled() => return Ok(()),
                    true = reload.next() => say(&process.settings.auth.token.with(|t| t.chars().rev().collect::<String>())),
                }
            }
        }
        "hang" => {
            say("ready");
            process.shutdown.cancelled().await;
            say("hanging");
            std::future::pending().await
        }
        _ => Ok(()),
    }
}

fn say(word: &str) {
    // Not `println!`: the parent waits for the line, so it must not be held back by anybody's capture.
    std::io::stdout().write_all(format!("{word}\n").as_bytes()).unwrap();
}

/// A child in an empty folder.
struct Started {
    child: Child,
    /// What was read of standard output so far.
    seen: String,
    _folder: TempDir,
}

pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Started {
    fn new(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        let arguments: Vec<&str> = ["case-test"].iter().chain(arguments).copied().collect();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "program::child", "--ignored", "--nocapture", "--quiet"]);
        command.env_clear().env(ARGUMENTS, arguments.join("\n")).envs(variables.iter().copied());
        command.current_dir(folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { child: command.spawn().unwrap(), seen: String::new(), _folder: folder }
    }

    /// Reads standard output up to a line.
    fn wait_for(&mut self, word: &str) {
        self.wait_until(word, |line| line == word);
    }

    /// Reads standard output up to a line in which a log event is named.
    fn wait_for_event(&mut self, event: &str) {
        self.wait_until(event, |line| line.contains(&format!("\"{event}\"")));
    }

    fn wait_until(&mut self, word: &str, is_it: impl Fn(&str) -> bool) {
        let mut reader = BufReader::with_capacity(1, self.child.stdout.as_mut().unwrap());
        let mut line = String::new();
        while !is_it(line.trim_end()) {
            line.clear();
            assert_ne!(reader.read_line(&mut line).unwrap(), 0, "ended without saying {word}: {}", self.seen);
            self.seen.push_str(&line);
        }
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    fn end(mut self) -> Ended {
        let (mut stdout, mut stderr) = (self.seen, String::new());
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        Ended { code: self.child.wait().unwrap().code(), stdout, stderr }
    }
}

pub(crate) fn ended(arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    Started::new(arguments, variables).end()
}

#[test]
fn it_starts_with_no_configuration_and_says_when_and_why_it_stops() {
    let ended = ended(&[], &[("CASE_TRACKER__ENVIRONMENT", "test"), ("CASE_TRACKER__LOG__FORMAT", "json")]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let line = |event: &str| ended.stdout.lines().find(|line| line.contains(event)).unwrap_or_default();
    let started = line("service_started");
    assert!(started.contains("1.2.3") && started.contains("\"test\""), "{}", ended.stdout);
    assert!(line("service_shutdown").contains("finished"), "{}", ended.stdout);
}

#[test]
fn the_standard_name_of_the_service_is_on_every_line() {
    let json = ("CASE_TRACKER__LOG__FORMAT", "json");
    let named = ended(&[], &[json, ("OTEL_SERVICE_NAME", "cases")]);
    let unnamed = ended(&[], &[json]);
    for (ended, name) in [(named, "cases"), (unnamed, "case-test")] {
        let started = ended.stdout.lines().find(|line| line.contains("service_started")).unwrap_or_default();
        assert!(started.contains(&format!("\"service\":\"{name}\"")), "{}", ended.stdout);
    }
}

#[test]
fn help_and_version_are_no_failures() {
    let version = ended(&["--version"], &[]);
    assert_eq!(version.code, Some(0));
    assert!(version.stdout.contains("case-test 1.2.3"), "{}", version.stdout);
    let help = ended(&["--help"], &[]);
    assert_eq!(help.code, Some(0));
    assert!(help.stdout.contains("--config <FILE>") && help.stdout.contains("healthcheck"), "{}", help.stdout);
}

#[test]
fn usage_errors_exit_64() {
    for arguments in
        [&["--colour"][..], &["serve"], &["config"], &["config", "prin"], &["--lifecycle", "x"], &["--config"]]
    {
        assert_eq!(ended(arguments, &[]).code, Some(64), "{arguments:?}");
    }
}

#[test]
fn a_failed_run_gives_its_code_and_one_line() {
    let ended = ended(&[], &[(BEHAVIOUR, "fail")]);
    assert_eq!(ended.code, Some(75));
    assert_eq!(ended.stderr, "case-test: cannot listen on 127.0.0.1:1: the address is in use\n");
    assert!(ended.stdout.contains("service_failed") && ended.stdout.contains("service_shutdown"), "{}", ended.stdout);
}

#[test]
fn a_failed_disk_ends_everything_at_once() {
    let ended = ended(&[], &[(BEHAVIOUR, "disk")]);
    assert_eq!(ended.code, Some(74));
    assert!(ended.stderr.ends_with(": the disk failed\n") && ended.stderr.lines().count() == 1, "{}", ended.stderr);
    assert!(!ended.stdout.contains("service_shutdown"), "{}", ended.stdout);
    assert!(ended.stdout.contains("the last word"), "what was logged before is there: {}", ended.stdout);
}

#[test]
fn an_invalid_configuration_exits_78_with_every_problem() {
    let variables = [("CASE_TRACKER__LOG__FORMAT", "xml"), ("CASE_TRACKER__NONSENSE", "1")];
    for arguments in [&[][..], &["config", "check"], &["healthcheck"]] {
        let ended = ended(arguments, &variables);
        assert_eq!(ended.code, Some(78), "{arguments:?}");
        let lines: Vec<&str> = ended.stderr.lines().collect();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines.iter().all(|line| line.starts_with("case-test: ")), "{lines:?}");
        assert!(lines[2].contains("2 problems"), "{lines:?}");
    }
}

#[test]
fn exposed_and_insecure_exits_78() {
    let exposed = ("CASE_TRACKER__COMMAND__LISTEN", "0.0.0.0:0");
    assert_eq!(ended(&[], &[exposed]).code, Some(78));
    assert_eq!(ended(&[], &[exposed, ("CASE_TRACKER__AUTH__INSECURE_ANYWHERE", "true")]).code, Some(0));
}

#[test]
fn config_check_and_print_answer_on_standard_output() {
    let check = ended(&["config", "check", "--data-dir", "d"], &[]);
    assert_eq!(check.code, Some(0));
    let line = "configuration is valid: 58 keys, 54 by default, 4 from flags";
    assert!(check.stdout.lines().any(|printed| printed == line), "{}", check.stdout);

    let print = ended(&["config", "print"], &[("CASE_TRACKER__LOG__FORMAT", "xml")]);
    assert_eq!((print.code, print.stderr.as_str()), (Some(0), ""));
    assert!(print.stdout.contains("NOT VALID: 1 problem\n"), "{}", print.stdout);
}

#[test]
fn healthcheck_of_nobody_exits_1() {
    // A port that was free a moment ago, on an address of loopback that nothing else uses.
    let free = std::net::TcpListener::bind("127.0.0.77:0").unwrap().local_addr().unwrap().to_string();
    let ended = ended(&["healthcheck"], &[("CASE_TRACKER__COMMAND__LISTEN", &free)]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.lines().any(|line| line.starts_with(&format!("{free} "))), "{}", ended.stdout);
    assert_eq!(ended.stderr, "case-test: not healthy: 1 of 1 addresses not serving\n");
}

/// A server on a free port, with nothing but health on it.
fn serve(runtime: &tokio::runtime::Runtime, health: Health) -> String {
    let mut settings = Settings::defaults().unwrap();
    settings.reflection.enabled = false;
    let host = Host {
        identity: Identity { name: "case-test" },
        health,
        process: Process::new(settings, CancellationToken::new()),
        rules: &[],
        diagnostics: Diagnostics::new(),
    };
    let listener = runtime.block_on(bind("127.0.0.1:0".parse().unwrap())).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    runtime.spawn(host.serve(listener, Routes::default(), &[], CancellationToken::new()));
    address
}

#[test]
fn healthcheck_follows_readiness() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let health = Health::new(&[]);
    let address = serve(&runtime, health.clone());
    let port = address.rsplit_once(':').unwrap().1;
    // As the program in a container is configured: it listens everywhere, and is asked on loopback.
    let listen = ("CASE_TRACKER__COMMAND__LISTEN", &*format!("0.0.0.0:{port}"));
    let variables = [listen, ("CASE_TRACKER__AUTH__INSECURE_ANYWHERE", "true")];

    let early = ended(&["healthcheck"], &variables);
    assert_eq!(early.code, Some(1), "{}{}", early.stdout, early.stderr);
    assert!(early.stdout.lines().any(|line| line == format!("{address} NOT_SERVING")), "{}", early.stdout);

    health.started();
    let ready = ended(&["healthcheck"], &variables);
    assert_eq!((ready.code, ready.stderr.as_str()), (Some(0), ""), "{}", ready.stdout);
    assert!(ready.stdout.lines().any(|line| line == format!("{address} SERVING")), "{}", ready.stdout);
}

#[test]
fn healthcheck_of_a_server_that_never_answers_ends_in_time() {
    // The kernel accepts the connection; nobody ever speaks HTTP/2 on it.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let ended = ended(&["healthcheck"], &[("CASE_TRACKER__COMMAND__LISTEN", &address)]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.contains("no answer within 2s"), "{}", ended.stdout);
}

#[test]
fn the_first_signal_shuts_down_in_order() {
    for signal in ["TERM", "INT"] {
        let mut started = Started::new(&[], &[(BEHAVIOUR, "drain")]);
        started.wait_for("ready");
        started.signal(signal);
        let ended = started.end();
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
        let last = ended.stdout.lines().filter(|line| line.contains("service_shutdown")).collect::<String>();
        assert!(last.contains(&format!("SIG{signal}")), "{}", ended.stdout);
    }
}

#[test]
fn a_second_signal_ends_at_once() {
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let mut started = Started::new(&[], &[(BEHAVIOUR, "hang")]);
        started.wait_for("ready");
        started.signal("TERM");
        started.wait_for("hanging");
        started.signal(signal);
        assert_eq!(started.end().code, Some(code));
    }
}
