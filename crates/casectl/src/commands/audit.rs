//! `audit`

use case_api::pb;

use super::pages::{Walk, tell_none};
use crate::answer::AuditEventJson;
use crate::cli::AuditArgs;
use crate::connection::Target;
use crate::problem::Problem;
use crate::session::Session;
use crate::settings::Service;
use crate::view;

/// What every action begins with; people may leave it out.
const ACTION_PREFIX: &str = "case_";

pub(super) async fn audit(session: &mut Session, args: AuditArgs) -> Result<(), Problem> {
    match &args.event {
        Some(id) => one(session, id).await,
        None => list(session, &args).await,
    }
}

async fn one(session: &mut Session, id: &str) -> Result<(), Problem> {
    let client = session.connections.audit()?;
    let send = |request| {
        let mut client = client.clone();
        async move { client.get_audit_event(request).await }
    };
    let message = pb::GetAuditEventRequest { audit_event_id: id.to_owned() };
    let answer = session.connections.call(Target::read(Service::Audit), message, send).await?;
    let event = answer.audit_event.unwrap_or_default();
    if session.is_json() {
        return session.print_json(&AuditEventJson::from(&event));
    }
    let text = view::history::audit_card(&session.view, &event);
    session.print(&text)
}

async fn list(session: &mut Session, args: &AuditArgs) -> Result<(), Problem> {
    let mut message = pb::ListAuditEventsRequest {
        filter: Some(filter(session, args)?),
        page_size: args.page.size(),
        page_token: String::new(),
    };
    let client = session.connections.audit()?;
    let mut walk = Walk::new(&args.page);
    let mut events = Vec::new();
    loop {
        message.page_token.clone_from(&walk.token);
        let send = |request| {
            let mut client = client.clone();
            async move { client.list_audit_events(request).await }
        };
        let page = session.connections.call(Target::read(Service::Audit), message.clone(), send).await?;
        if session.is_json() {
            for event in &page.audit_events {
                session.print_json(&AuditEventJson::from(event))?;
            }
        } else {
            events.extend(page.audit_events);
        }
        if !walk.goes_on(page.next_page_token) {
            break;
        }
    }
    if !session.is_json() {
        if events.is_empty() {
            tell_none(session, "No audit event matches")?;
        } else {
            let text = view::history::audit(&session.view, &events);
            session.print(&text)?;
        }
    }
    walk.tell_rest(session);
    Ok(())
}

fn filter(session: &Session, args: &AuditArgs) -> Result<pb::AuditEventFilter, Problem> {
    let action = match args.action.as_str() {
        action if action.is_empty() || action.starts_with(ACTION_PREFIX) => action.to_owned(),
        action => format!("{ACTION_PREFIX}{action}"),
    };
    Ok(pb::AuditEventFilter {
        case_id: args.case.clone().unwrap_or_default(),
        actor_id: args.by.clone(),
        action,
        outcome: pb::Outcome::Unspecified.into(),
        time_from: session.time("--from", args.from.as_ref())?,
        time_to: session.time("--to", args.to.as_ref())?,
        request_id: args.request.clone(),
        trace_id: args.trace.clone(),
    })
}
