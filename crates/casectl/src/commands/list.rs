//! `list`

use case_api::pb;

use super::pages::{Walk, tell_none};
use crate::answer::CaseJson;
use crate::cli::{LevelOrNone, ListArgs};
use crate::connection::Target;
use crate::problem::Problem;
use crate::session::Session;
use crate::settings::Service;
use crate::view;

pub(super) async fn list(session: &mut Session, args: ListArgs) -> Result<(), Problem> {
    let mut message = pb::ListCasesRequest {
        filter: Some(filter(session, &args)?),
        order_by: args.order_by.clone(),
        page_size: args.page.size(),
        page_token: String::new(),
        consistency: Some(pb::Consistency { at_least_as_fresh: args.fresh.fresh.clone() }),
    };
    let client = session.connections.queries()?;
    let mut walk = Walk::new(&args.page);
    let mut cases = Vec::new();
    loop {
        message.page_token.clone_from(&walk.token);
        let send = |request| {
            let mut client = client.clone();
            async move { client.list_cases(request).await }
        };
        let page = session.connections.call(Target::read(Service::Query), message.clone(), send).await?;
        if session.is_json() {
            // A line each, as they come: a program need not wait for the last page, nor this one hold them all.
            for case in &page.cases {
                session.print_json(&CaseJson::from(case))?;
            }
        } else {
            cases.extend(page.cases);
        }
        if !walk.goes_on(page.next_page_token) {
            break;
        }
    }
    if !session.is_json() {
        if cases.is_empty() {
            tell_none(session, "No case matches")?;
        } else {
            let text = view::case::list(&session.view, &cases);
            session.print(&text)?;
        }
    }
    walk.tell_rest(session);
    Ok(())
}

fn filter(session: &Session, args: &ListArgs) -> Result<pb::CaseFilter, Problem> {
    let mut assignees = args.assignee.clone();
    if args.unassigned {
        assignees.push(String::new());
    }
    Ok(pb::CaseFilter {
        statuses: args.status.clone(),
        status_categories: args.category.iter().map(|category| pb::StatusCategory::from(*category).into()).collect(),
        priorities: args.priority.iter().map(|level| LevelOrNone::priority(*level).into()).collect(),
        severities: args.severity.iter().map(|level| LevelOrNone::severity(*level).into()).collect(),
        assignees,
        teams: args.team.clone(),
        reporters: args.reporter.clone(),
        tags_all: args.tags.clone(),
        create_time_from: session.time("--created-from", args.created_from.as_ref())?,
        create_time_to: session.time("--created-to", args.created_to.as_ref())?,
        update_time_from: session.time("--updated-from", args.updated_from.as_ref())?,
        update_time_to: session.time("--updated-to", args.updated_to.as_ref())?,
        due_time_from: session.time("--due-from", args.due_from.as_ref())?,
        due_time_to: session.time("--due-to", args.due_to.as_ref())?,
    })
}
