//! `comment`, `link`, `unlink`: what is said about a case, and what it has to do with others.

use case_api::pb;

use super::write::{Outcome, finish, key};
use crate::cli::{CommentArgs, LinkArgs};
use crate::connection::Target;
use crate::problem::Problem;
use crate::session::Session;
use crate::view::case::link_words;

pub(super) async fn comment(session: &mut Session, args: CommentArgs) -> Result<(), Problem> {
    let message = pb::AddCommentRequest {
        case_id: args.case.clone(),
        body: session.text(&args.text)?,
        reason: args.write.reason.clone().unwrap_or_default(),
        idempotency_key: key(session, &args.write),
        expected_version: args.version.expected_version,
        validate_only: args.write.dry_run,
    };
    let client = session.connections.commands()?;
    let send = |request| {
        let mut client = client.clone();
        async move { client.add_comment(request).await }
    };
    let key = message.idempotency_key.clone();
    let answer = session.connections.call(Target::write(&key), message, send).await?;
    let pb::AddCommentResponse { comment, case, replayed, consistency_token } = answer;
    let done = match &comment {
        Some(comment) if !comment.comment_id.is_empty() => format!("commented on ({})", comment.comment_id),
        Some(_) | None => "commented on".to_owned(),
    };
    finish(session, &args.write, Outcome { done, before: None, case, comment, replayed, consistency_token }).await
}

pub(super) async fn link(session: &mut Session, args: LinkArgs) -> Result<(), Problem> {
    let link_type = pb::LinkType::from(args.link);
    let message = pb::LinkCasesRequest {
        case_id: args.case.clone(),
        linked_case_id: args.other.clone(),
        link_type: link_type.into(),
        reason: args.write.reason.clone().unwrap_or_default(),
        idempotency_key: key(session, &args.write),
        expected_version: args.version.expected_version,
        validate_only: args.write.dry_run,
    };
    let client = session.connections.commands()?;
    let send = |request| {
        let mut client = client.clone();
        async move { client.link_cases(request).await }
    };
    let key = message.idempotency_key.clone();
    let answer = session.connections.call(Target::write(&key), message, send).await?;
    let pb::LinkCasesResponse { case, replayed, consistency_token } = answer;
    let done = format!("linked ({} {})", link_words(link_type), args.other);
    finish(session, &args.write, Outcome { done, before: None, case, comment: None, replayed, consistency_token }).await
}

pub(super) async fn unlink(session: &mut Session, args: LinkArgs) -> Result<(), Problem> {
    let link_type = pb::LinkType::from(args.link);
    let message = pb::UnlinkCasesRequest {
        case_id: args.case.clone(),
        linked_case_id: args.other.clone(),
        link_type: link_type.into(),
        reason: args.write.reason.clone().unwrap_or_default(),
        idempotency_key: key(session, &args.write),
        expected_version: args.version.expected_version,
        validate_only: args.write.dry_run,
    };
    let client = session.connections.commands()?;
    let send = |request| {
        let mut client = client.clone();
        async move { client.unlink_cases(request).await }
    };
    let key = message.idempotency_key.clone();
    let answer = session.connections.call(Target::write(&key), message, send).await?;
    let pb::UnlinkCasesResponse { case, replayed, consistency_token } = answer;
    let done = format!("unlinked ({} {})", link_words(link_type), args.other);
    finish(session, &args.write, Outcome { done, before: None, case, comment: None, replayed, consistency_token }).await
}
