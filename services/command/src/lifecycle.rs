//! The lifecycle in force: read at start, given a version when it changes, refused where it would strand a case.

use std::collections::BTreeMap;
use std::path::Path;

use case_api::event_pb::LifecycleDefinition;
use case_api::lifecycle_to_pb;
use case_domain::{Case, Lifecycle, StatusCategory};
use rusqlite::Connection;
use service_kit::exit::{Exit, ExitCode};
use storage::Error;
use tracing::info;

use crate::{names, schema};

/// The lifecycle in force and its version.
#[derive(Debug)]
pub(crate) struct LifecycleInForce {
    pub(crate) lifecycle: Lifecycle,
    pub(crate) version: u32,
    /// As it goes out on the feed.
    pub(crate) definition: LifecycleDefinition,
}

/// Reads the configured file, or takes the default.
pub(crate) fn read(path: Option<&Path>) -> Result<Lifecycle, Exit> {
    match path {
        None => Ok(lifecycle_file::default_lifecycle()),
        Some(path) => {
            lifecycle_file::read(path).map_err(|error| Exit::new(ExitCode::Configuration, store_failure::chain(&error)))
        }
    }
}

/// Compares with what was in force before, and stores it under the next version if it is another one.
pub(crate) fn put_in_force(
    connection: &Connection,
    lifecycle: Lifecycle,
    now_us: i64,
) -> Result<LifecycleInForce, PutInForceError> {
    let before = schema::latest_lifecycle(connection)?;
    let version = before.as_ref().map_or(0, |definition| definition.version);
    let unchanged = lifecycle_to_pb(version, &lifecycle);
    if before.as_ref() == Some(&unchanged) {
        return Ok(LifecycleInForce { lifecycle, version, definition: unchanged });
    }
    refuse_to_strand(connection, &lifecycle)?;
    let version = version + 1;
    let definition = lifecycle_to_pb(version, &lifecycle);
    schema::append_lifecycle(connection, &definition, now_us)?;
    info!(name: names::LIFECYCLE_CHANGED, version, statuses = lifecycle.statuses().len(), "lifecycle version {version} is in force");
    Ok(LifecycleInForce { lifecycle, version, definition })
}

/// Why a lifecycle was not put in force.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PutInForceError {
    /// Cases that are not closed stand in statuses that it lacks.
    #[error("the lifecycle lacks statuses in which cases stand: {0}; keep them until those cases have moved on")]
    Strands(String),
    /// Cases stand in statuses that it gives another category: they would be open to some and closed to others.
    #[error(
        "the lifecycle changes the category of statuses in which cases stand: {0}; give the new meaning a new status"
    )]
    Recategorises(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
}

fn refuse_to_strand(connection: &Connection, lifecycle: &Lifecycle) -> Result<(), PutInForceError> {
    let (mut stranded, mut recategorised) = (Standing::new(), Standing::new());
    schema::each_case(connection, |case| match lifecycle.category(&case.status) {
        Some(category) if category != case.status_category => note(&mut recategorised, &case),
        // A closed case may stay in a status that is no more.
        None if case.status_category != StatusCategory::Closed => note(&mut stranded, &case),
        Some(_) | None => {}
    })?;
    if !stranded.is_empty() {
        return Err(PutInForceError::Strands(told(&stranded)));
    }
    if !recategorised.is_empty() {
        return Err(PutInForceError::Recategorises(told(&recategorised)));
    }
    Ok(())
}

/// How many cases stand in a status, and one of them.
type Standing = BTreeMap<String, (u64, String)>;

fn note(standing: &mut Standing, case: &Case) {
    standing.entry(case.status.to_string()).or_insert_with(|| (0, case.id.to_string())).0 += 1;
}

fn told(standing: &Standing) -> String {
    let one = |(status, (count, example)): (&String, &(u64, String))| {
        let cases = if *count == 1 { "case" } else { "cases" };
        format!("{status} ({count} {cases}, such as {example})")
    };
    standing.iter().map(one).collect::<Vec<_>>().join(", ")
}
