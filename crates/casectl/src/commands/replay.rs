//! `replay`

use std::sync::Arc;

use service_kit::exit::Exit;

use crate::cli::ReplayArgs;
use crate::log;
use crate::problem::Problem;
use crate::replay::{Backoff, Options, Progress, Target, Targets, Verify, run};
use crate::session::Session;
use crate::settings::Service;

/// Who reads, if nobody says: every command is sent as the actor of its entry.
const READER_DEFAULT: &str = "casectl";

pub(super) async fn replay(session: &mut Session, args: ReplayArgs) -> Result<(), Problem> {
    let records = log::read(&args.log).map_err(Exit::from)?;
    let actor = session.settings.actor.as_ref().and_then(|actor| actor.to_str().ok()).unwrap_or(READER_DEFAULT);
    let targets = Targets {
        commands: target(session, Service::Command)?,
        queries: target(session, Service::Query)?,
        audit: target(session, Service::Audit)?,
        actor: actor.to_owned(),
    };
    let progress = match (session.is_json(), session.stderr_is_terminal) {
        (true, _) => Progress::Silent,
        (false, true) => Progress::Bar,
        (false, false) => Progress::Lines,
    };
    let options = Options {
        concurrency: args.concurrency,
        backoff: Backoff {
            patience: args.patience.into(),
            attempt_timeout: session.settings.timeout,
            ..Backoff::default()
        },
        verify: if args.timelines { Verify::Full } else { Verify::Standard },
        progress,
    };
    let summary = run(&records, targets, options, Arc::clone(&session.entropy)).await?;
    if session.is_json() {
        session.print_json(&summary.to_json())?;
    } else {
        session.print(&format!("{summary}\n"))?;
    }
    Ok(summary.verdict()?)
}

fn target(session: &Session, service: Service) -> Result<Target, Problem> {
    let address = session.connections.address(service);
    Ok(Target {
        channel: session.connections.channel(service)?,
        place: format!("{address} ({})", address.origin),
        authorization: session.connections.authorization(service)?.cloned(),
    })
}
