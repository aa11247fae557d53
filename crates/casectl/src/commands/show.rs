//! `show` and `timeline`

use case_api::pb;

use super::pages::{PAGE_SIZE_MAX, Walk};
use crate::answer::{CaseAnswer, CaseJson, CasesAnswer, CommentJson, TimelineAnswer};
use crate::cli::{ShowArgs, TimelineArgs};
use crate::connection::Target;
use crate::problem::Problem;
use crate::session::Session;
use crate::settings::Service;
use crate::view;

pub(super) async fn show(session: &mut Session, args: ShowArgs) -> Result<(), Problem> {
    match args.cases.as_slice() {
        [case] => show_one(session, case, &args).await,
        cases if args.comments => {
            Err(Problem::usage(format!("--comments shows those of one case, not of {}", cases.len())))
        }
        cases => show_several(session, cases, &args).await,
    }
}

async fn show_one(session: &mut Session, case_id: &str, args: &ShowArgs) -> Result<(), Problem> {
    let client = session.connections.queries()?;
    let message =
        pb::GetCaseRequest { case_id: case_id.to_owned(), consistency: consistency(args.fresh.fresh.clone()) };
    let send = |request| {
        let mut client = client.clone();
        async move { client.get_case(request).await }
    };
    let answer = session.connections.call(Target::read(Service::Query), message, send).await?;
    let comments = if args.comments { Some(comments(session, case_id, &answer.as_of).await?) } else { None };
    if session.is_json() {
        return session.print_json(&CaseAnswer {
            case: answer.case.as_ref().map(CaseJson::from),
            comments: comments.as_ref().map(|comments| comments.iter().map(CommentJson::from).collect()),
            as_of: &answer.as_of,
        });
    }
    let mut text = view::case::card(&session.view, &answer.case.unwrap_or_default());
    if let Some(comments) = comments {
        text.push_str(&view::case::comments(&session.view, &comments));
    }
    session.print(&text)
}

async fn show_several(session: &mut Session, case_ids: &[String], args: &ShowArgs) -> Result<(), Problem> {
    let client = session.connections.queries()?;
    let message =
        pb::BatchGetCasesRequest { case_ids: case_ids.to_vec(), consistency: consistency(args.fresh.fresh.clone()) };
    let send = |request| {
        let mut client = client.clone();
        async move { client.batch_get_cases(request).await }
    };
    let answer = session.connections.call(Target::read(Service::Query), message, send).await?;
    if session.is_json() {
        let cases = answer.cases.iter().map(CaseJson::from).collect();
        return session.print_json(&CasesAnswer { cases, as_of: &answer.as_of });
    }
    let cards: Vec<_> = answer.cases.iter().map(|case| view::case::card(&session.view, case)).collect();
    session.print(&cards.join("\n"))
}

/// Every comment, at least as fresh as the case that stands beside them.
async fn comments(session: &Session, case_id: &str, as_of: &str) -> Result<Vec<pb::Comment>, Problem> {
    let client = session.connections.queries()?;
    let mut walk = Walk::whole();
    let mut comments = Vec::new();
    loop {
        let message = pb::ListCommentsRequest {
            case_id: case_id.to_owned(),
            page_size: PAGE_SIZE_MAX,
            page_token: walk.token.clone(),
            consistency: consistency(vec![as_of.to_owned()]),
        };
        let send = |request| {
            let mut client = client.clone();
            async move { client.list_comments(request).await }
        };
        let page = session.connections.call(Target::read(Service::Query), message, send).await?;
        comments.extend(page.comments);
        if !walk.goes_on(page.next_page_token) {
            return Ok(comments);
        }
    }
}

/// Always every page: half a history answers no question.
pub(super) async fn timeline(session: &mut Session, args: TimelineArgs) -> Result<(), Problem> {
    let client = session.connections.queries()?;
    let mut walk = Walk::whole();
    let mut entries = Vec::new();
    let last = loop {
        let message = pb::GetCaseTimelineRequest {
            case_id: args.case.clone(),
            page_size: PAGE_SIZE_MAX,
            page_token: walk.token.clone(),
            consistency: consistency(args.fresh.fresh.clone()),
        };
        let send = |request| {
            let mut client = client.clone();
            async move { client.get_case_timeline(request).await }
        };
        let mut page = session.connections.call(Target::read(Service::Query), message, send).await?;
        entries.append(&mut page.entries);
        if !walk.goes_on(std::mem::take(&mut page.next_page_token)) {
            break page;
        }
    };
    if session.is_json() {
        return session.print_json(&TimelineAnswer::new(&entries, &last.time_in_status, &last.as_of));
    }
    let text = view::history::timeline(&session.view, &entries, &last.time_in_status);
    session.print(&text)
}

/// An empty token, such as that of an empty store, asks for nothing.
fn consistency(tokens: Vec<String>) -> Option<pb::Consistency> {
    let at_least_as_fresh: Vec<_> = tokens.into_iter().filter(|token| !token.is_empty()).collect();
    (!at_least_as_fresh.is_empty()).then_some(pb::Consistency { at_least_as_fresh })
}
