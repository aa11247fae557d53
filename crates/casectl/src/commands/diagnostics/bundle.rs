//! `diagnostics bundle`: one archive from all services.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use futures_util::future::join_all;
use serde::Serialize;
use service_kit::exit::ExitCode;
use service_kit::program::BUILD_SHA;

use super::archive::{Member, packed, write_new};
use super::{Asked, ask_all, verdict};
use crate::answer::DiagnosticsJson;
use crate::commands::health;
use crate::problem::Problem;
use crate::session::Session;
use crate::settings::{Service, Shown};
use crate::view::times::timestamp;

/// The folder that everything lies in when it is unpacked.
const FOLDER: &str = "case-tracker-diagnostics";
/// The health names that every server has.
const HEALTH_NAMES: [&str; 4] = ["", "liveness", "readiness", "startup"];

const README: &str = "\
Diagnostics of a case tracker, gathered by `casectl diagnostics bundle`.

  casectl.json              which casectl asked, when, and with which settings
  versions.txt              which versions run
  health.json               what the health service of each server says
  SERVICE/diagnostics.json  what a server knows about itself: version, health with reasons, the configuration in
                            force with the source of each value, stores, queues, the event feed, dependencies
  SERVICE/error.json        in its place, why a server said nothing

There is no text of cases in it, and there are no secrets: passwords, tokens and keys are hidden by the servers and by
casectl before they are written. It does hold names of machines, paths, versions, and the name under which casectl asked:
give it to whoever may know them.
";

pub(super) async fn bundle(session: &mut Session, file: Option<PathBuf>) -> Result<(), Problem> {
    let (asked, health) = tokio::join!(ask_all(session), health_of_all(session));
    let path = file.unwrap_or_else(|| default_path(session));
    let members = members(session, &asked, &health)?;
    let now_s = u64::try_from(session.view.clockface.now_us / 1_000_000).unwrap_or(0);
    let content = packed(&members, now_s).map_err(|error| cannot_write(&path, &error))?;
    write_new(&path, &content).map_err(|error| cannot_write(&path, &error))?;
    tell(session, &path, content.len(), &members)?;
    verdict(session, asked)
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Problem {
    let why = if error.kind() == ErrorKind::AlreadyExists {
        "it is there already, and is not overwritten; give another name".to_owned()
    } else {
        error.to_string()
    };
    Problem::local(ExitCode::CannotCreate, format!("cannot write {}: {why}", path.display()))
}

/// In the folder that one is in, with the time in its name.
fn default_path(session: &Session) -> PathBuf {
    let time = jiff::Timestamp::from_microsecond(session.view.clockface.now_us).unwrap_or_default();
    PathBuf::from(format!("{FOLDER}-{}.tar.gz", time.strftime("%Y%m%dT%H%M%SZ")))
}

fn members(session: &Session, asked: &[Asked], health: &HealthOfAll) -> Result<Vec<Member>, Problem> {
    let mut members = vec![
        member("README.txt", README.into()),
        member("casectl.json", json(&Casectl::of(session))?),
        member("versions.txt", versions(asked).into()),
        member("health.json", json(health)?),
    ];
    for Asked { service, state, .. } in asked {
        let name = service.name();
        members.push(match state {
            Ok(state) => member(&format!("{name}/diagnostics.json"), json(&DiagnosticsJson::from(state))?),
            Err(problem) => member(&format!("{name}/error.json"), problem.json().into()),
        });
    }
    Ok(members)
}

fn member(name: &str, content: Vec<u8>) -> Member {
    Member { path: format!("{FOLDER}/{name}"), content }
}

/// For people and programs: they are looked at in an editor as often as not.
fn json(value: &impl Serialize) -> Result<Vec<u8>, Problem> {
    let text = serde_json::to_vec_pretty(value);
    let mut text =
        text.map_err(|error| Problem::local(ExitCode::DataCorrupt, format!("cannot write JSON: {error}")))?;
    text.push(b'\n');
    Ok(text)
}

/// Who asked.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Casectl<'a> {
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    build_sha: Option<&'static str>,
    system: &'static str,
    machine: &'static str,
    time: String,
    settings: Vec<ShownJson<'a>>,
}

#[derive(Serialize)]
struct ShownJson<'a> {
    key: &'static str,
    value: &'a str,
    source: &'a str,
}

impl<'a> Casectl<'a> {
    fn of(session: &'a Session) -> Self {
        let shown = |Shown { key, value, source }: &'a Shown| ShownJson { key, value, source };
        let now_us = session.view.clockface.now_us;
        let now = prost_types::Timestamp { seconds: now_us.div_euclid(1_000_000), nanos: 0 };
        Self {
            version: env!("CARGO_PKG_VERSION"),
            build_sha: BUILD_SHA,
            system: std::env::consts::OS,
            machine: std::env::consts::ARCH,
            time: timestamp(&now).map(|time| time.to_string()).unwrap_or_default(),
            settings: session.settings.shown.iter().map(shown).collect(),
        }
    }
}

fn versions(asked: &[Asked]) -> String {
    let line = |Asked { service, address, state }: &Asked| match state {
        Ok(state) => format!(
            "{}: {} {} (program {}, commit {}, {}) at {address}\n",
            service.name(),
            state.service,
            state.version,
            state.program,
            or_unknown(&state.build_sha),
            or_unknown(&state.rustc_version),
        ),
        Err(_) => format!("{}: no answer at {address}\n", service.name()),
    };
    let own = format!("casectl: {} (commit {})\n", env!("CARGO_PKG_VERSION"), BUILD_SHA.unwrap_or("unknown"));
    own + &asked.iter().map(line).collect::<String>()
}

const fn or_unknown(text: &str) -> &str {
    if text.is_empty() { "unknown" } else { text }
}

#[derive(Serialize)]
struct HealthOfAll {
    services: Vec<HealthOfOne>,
}

/// What the health service of one server says, by the name that was asked for; the overall state has none.
#[derive(Serialize)]
struct HealthOfOne {
    service: &'static str,
    address: String,
    checks: BTreeMap<&'static str, String>,
}

async fn health_of_all(session: &Session) -> HealthOfAll {
    HealthOfAll { services: join_all(Service::ALL.map(|service| health_of(session, service))).await }
}

async fn health_of(session: &Session, service: Service) -> HealthOfOne {
    let ask = async |name| (name, health::status(session, service, name).await);
    let checks = join_all(HEALTH_NAMES.map(ask)).await.into_iter().collect();
    HealthOfOne { service: service.name(), address: session.connections.address(service).to_string(), checks }
}

#[derive(Serialize)]
struct Written<'a> {
    file: String,
    bytes: usize,
    members: Vec<&'a str>,
}

fn tell(session: &mut Session, path: &Path, bytes: usize, members: &[Member]) -> Result<(), Problem> {
    let file = path.display().to_string();
    if session.is_json() {
        return session.print_json(&Written {
            file,
            bytes,
            members: members.iter().map(|m| m.path.as_str()).collect(),
        });
    }
    let count = members.len();
    session.print(&format!("Wrote {file}: {count} files, {bytes} bytes. Its README.txt says what is in it.\n"))
}
