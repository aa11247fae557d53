//! A case as queries show it: with the links of others.

use case_api::{case_to_pb, inverse_link_to_pb, pb};
use case_domain::{Case, CaseId, Lifecycle, Link, LinkType};
use rusqlite::Connection;
use storage::Error;

use crate::stored::Projected;
use crate::{link_sql, schema};

/// The most links of others that a case shows: as many as it may have of its own.
const INVERSE_LINKS_MAX: usize = case_domain::LINKS_MAX;

/// A number is given once, but the prefix of ids can be changed: the text decides whether it is this case.
pub(super) fn load(connection: &Connection, case_id: &CaseId) -> Result<Option<Projected>, Error> {
    Ok(schema::load_case(connection, case_id.number())?.filter(|projected| projected.case.id == *case_id))
}

/// A case as a client sees it.
pub(super) fn show(connection: &Connection, case: &Case, lifecycle: &Lifecycle) -> Result<pb::Case, Error> {
    let mut shown = case_to_pb(case, lifecycle);
    // Both sides may have said that they have to do with each other: that is one link.
    let is_relation = |link: &&Link| link.link_type == LinkType::RelatesTo;
    let relations = case.links.iter().filter(is_relation).count();
    let inverse = link_sql::inverse(connection, case.id.number(), INVERSE_LINKS_MAX + relations)?;
    let news = inverse.iter().filter(|link| !is_relation(link) || !case.links.contains(link));
    shown.links.extend(news.take(INVERSE_LINKS_MAX).map(|link| inverse_link_to_pb(&link.case_id, link.link_type)));
    Ok(shown)
}
