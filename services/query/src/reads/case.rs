//! A case as queries show it: with the links of others.

use case_api::{case_to_pb, inverse_link_to_pb, pb};
use case_domain::{Case, CaseId, Lifecycle, Link, LinkType};
use rusqlite::Connection;
use storage::{Error, Readers};

use super::{Read, at_one_place};
use crate::schema::Found;
use crate::stored::Projected;
use crate::view::Lag;
use crate::{link_sql, schema};

/// The most links of others that a case shows: as many as it may have of its own.
const INVERSE_LINKS_MAX: usize = case_domain::LINKS_MAX;

/// A number is given once, but the prefix of ids can be changed: the text decides whether it is this case.
pub(super) fn load(connection: &Connection, case_id: &CaseId) -> Result<Option<Projected>, Error> {
    Ok(schema::load_case(connection, case_id.number())?.filter(|projected| projected.case.id == *case_id))
}

/// A case as a client sees it, with the place that it is as of: by one statement, if others have made no links to it.
pub(super) fn read(
    readers: &Readers,
    case_id: &CaseId,
    lifecycle: &Lifecycle,
) -> Result<Result<Read<Option<pb::Case>>, Lag>, Error> {
    let Some(found) = readers.read_statement(|connection| schema::find_case(connection, case_id.number()))? else {
        return Ok(Err(Lag { position: 0, wanted: 0 }));
    };
    let Found { place, projected, is_linked } = found;
    if is_linked {
        return readers.read(|connection| {
            at_one_place(connection, |connection| {
                let projected = load(connection, case_id)?;
                projected.map(|projected| show(connection, &projected.case, lifecycle)).transpose()
            })
        });
    }
    if place.lag().events() > 0 {
        return Ok(Err(place.lag()));
    }
    let case = projected.map(|projected| projected.case).filter(|case| case.id == *case_id);
    Ok(Ok(Read { answer: case.map(|case| case_to_pb(&case, lifecycle)), place }))
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
