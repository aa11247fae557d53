//! `create`, `update`, `transition`, `assign`: what a case is.

use case_api::pb;

use super::write::{Outcome, finish, key, version_before};
use crate::answer::fields;
use crate::cli::{AssignArgs, CreateArgs, FieldArgs, Level, TransitionArgs, UpdateArgs};
use crate::connection::Target;
use crate::problem::Problem;
use crate::session::Session;

pub(super) async fn create(session: &mut Session, args: CreateArgs) -> Result<(), Problem> {
    let case = pb::Case { title: args.title.clone(), ..case(session, &args.fields)? };
    let message = pb::CreateCaseRequest {
        case: Some(case),
        initial_status: args.status.clone(),
        reason: args.write.reason.clone().unwrap_or_default(),
        idempotency_key: key(session, &args.write),
        expected_version: 0,
        validate_only: args.write.dry_run,
    };
    let client = session.connections.commands()?;
    let send = |request| {
        let mut client = client.clone();
        async move { client.create_case(request).await }
    };
    let key = message.idempotency_key.clone();
    let answer = session.connections.call(Target::write(&key), message, send).await?;
    let pb::CreateCaseResponse { case, replayed, consistency_token } = answer;
    let outcome =
        Outcome { done: opened(case.as_ref()), before: None, case, comment: None, replayed, consistency_token };
    finish(session, &args.write, outcome).await
}

pub(super) async fn update(session: &mut Session, args: UpdateArgs) -> Result<(), Problem> {
    let paths = mask(&args)?;
    let case = case(session, &args.fields)?;
    let case = pb::Case { case_id: args.case.clone(), title: args.title.clone().unwrap_or_default(), ..case };
    let done = format!("changed ({})", paths.join(", "));
    let message = pb::UpdateCaseRequest {
        case: Some(case),
        update_mask: paths.join(","),
        reason: args.write.reason.clone().unwrap_or_default(),
        idempotency_key: key(session, &args.write),
        expected_version: args.version.expected_version,
        validate_only: args.write.dry_run,
    };
    let before = version_before(session, &args.case, &args.version).await;
    let client = session.connections.commands()?;
    let send = |request| {
        let mut client = client.clone();
        async move { client.update_case(request).await }
    };
    let key = message.idempotency_key.clone();
    let answer = session.connections.call(Target::write(&key), message, send).await?;
    let pb::UpdateCaseResponse { case, replayed, consistency_token } = answer;
    finish(session, &args.write, Outcome { done, before, case, comment: None, replayed, consistency_token }).await
}

pub(super) async fn transition(session: &mut Session, args: TransitionArgs) -> Result<(), Problem> {
    let message = pb::TransitionCaseRequest {
        case_id: args.case.clone(),
        to_status: args.status.clone(),
        reason: args.write.reason.clone().unwrap_or_default(),
        assignee: args.assignee.clone(),
        team: args.team.clone(),
        idempotency_key: key(session, &args.write),
        expected_version: args.version.expected_version,
        validate_only: args.write.dry_run,
    };
    let client = session.connections.commands()?;
    let send = |request| {
        let mut client = client.clone();
        async move { client.transition_case(request).await }
    };
    let key = message.idempotency_key.clone();
    let answer = session.connections.call(Target::write(&key), message, send).await?;
    let pb::TransitionCaseResponse { case, replayed, consistency_token } = answer;
    let done = format!("moved to {}", args.status);
    finish(session, &args.write, Outcome { done, before: None, case, comment: None, replayed, consistency_token }).await
}

pub(super) async fn assign(session: &mut Session, args: AssignArgs) -> Result<(), Problem> {
    let assignee = args.assignee.clone().unwrap_or_default();
    let done = if assignee.is_empty() { "assigned to nobody".to_owned() } else { format!("assigned to {assignee}") };
    let message = pb::AssignCaseRequest {
        case_id: args.case.clone(),
        assignee,
        team: args.team.clone(),
        reason: args.write.reason.clone().unwrap_or_default(),
        idempotency_key: key(session, &args.write),
        expected_version: args.version.expected_version,
        validate_only: args.write.dry_run,
    };
    let before = version_before(session, &args.case, &args.version).await;
    let client = session.connections.commands()?;
    let send = |request| {
        let mut client = client.clone();
        async move { client.assign_case(request).await }
    };
    let key = message.idempotency_key.clone();
    let answer = session.connections.call(Target::write(&key), message, send).await?;
    let pb::AssignCaseResponse { case, replayed, consistency_token } = answer;
    finish(session, &args.write, Outcome { done, before, case, comment: None, replayed, consistency_token }).await
}

fn opened(case: Option<&pb::Case>) -> String {
    case.map_or_else(|| "opened".to_owned(), |case| format!("opened in {}", case.status))
}

/// The case that the flags describe.
fn case(session: &mut Session, args: &FieldArgs) -> Result<pb::Case, Problem> {
    let description = args.description.as_deref().map(|text| session.text(text)).transpose()?;
    Ok(pb::Case {
        description: description.unwrap_or_default(),
        priority: args.priority.map_or(0, |level| Level::priority(level).into()),
        severity: args.severity.map_or(0, |level| Level::severity(level).into()),
        assignee: args.assignee.clone().unwrap_or_default(),
        team: args.team.clone().unwrap_or_default(),
        reporter: args.reporter.clone().unwrap_or_default(),
        tags: args.tags.clone(),
        custom_fields: custom_fields(&args.fields)?,
        due_time: session.time("--due", args.due.as_ref())?,
        ..pb::Case::default()
    })
}

/// `NAME=TEXT` and `NAME:=JSON`.
fn custom_fields(given: &[String]) -> Result<Option<prost_types::Struct>, Problem> {
    let mut map = serde_json::Map::new();
    for field in given {
        let Some((name, value)) = field.split_once('=') else {
            return Err(Problem::usage(format!("--field {field:?}: write NAME=TEXT or NAME:=JSON")));
        };
        let (name, value) = match name.strip_suffix(':') {
            None => (name, value.into()),
            Some(name) => {
                let value = serde_json::from_str(value);
                (name, value.map_err(|error| Problem::usage(format!("--field {field:?} is not valid JSON: {error}")))?)
            }
        };
        map.insert(name.to_owned(), value);
    }
    Ok((!map.is_empty()).then(|| fields::structure(map)))
}

/// The fields that are given a value or emptied. Giving one a value and emptying it makes no sense.
fn mask(args: &UpdateArgs) -> Result<Vec<String>, Problem> {
    let given = &args.fields;
    let set = [
        ("title", args.title.is_some()),
        ("description", given.description.is_some()),
        ("priority", given.priority.is_some()),
        ("severity", given.severity.is_some()),
        ("assignee", given.assignee.is_some()),
        ("team", given.team.is_some()),
        ("reporter", given.reporter.is_some()),
        ("tags", !given.tags.is_empty()),
        ("custom_fields", !given.fields.is_empty()),
        ("due_time", given.due.is_some()),
    ];
    let mut paths: Vec<_> = set.iter().filter(|(_, is_set)| *is_set).map(|(path, _)| (*path).to_owned()).collect();
    for field in &args.clear {
        if paths.contains(field) {
            return Err(Problem::usage(format!("{field} is given a value and cleared at once")));
        }
        // A name that is no field goes to the server as it is: it knows best which there are.
        paths.push(field.clone());
    }
    if paths.is_empty() {
        // An empty mask would mean the fields that are set: none.
        return Err(Problem::usage("nothing is to be changed: give a field a value (--title TEXT), or --clear FIELD"));
    }
    Ok(paths)
}
