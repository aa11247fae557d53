//! The SQL of links from the side of the case that they point to.

use case_domain::{CaseId, Link, LinkType, Moved};
use rusqlite::{Connection, params};
use storage::Error;

/// Keeps the other side of a link that a case has made or taken away.
pub(crate) fn save(connection: &Connection, case_id: &CaseId, moved: &Moved<Link>) -> Result<(), Error> {
    let number = case_id.number().cast_signed();
    if let Some(gone) = &moved.from {
        let sql = "DELETE FROM case_links WHERE linked_number = ?1 AND number = ?2 AND link_type = ?3";
        let key = params![gone.case_id.number().cast_signed(), number, gone.link_type.as_str()];
        connection.prepare_cached(sql)?.execute(key)?;
    }
    if let Some(made) = &moved.to {
        let sql = "INSERT INTO case_links (linked_number, number, link_type, case_id) VALUES (?1, ?2, ?3, ?4)";
        let linked_number = made.case_id.number().cast_signed();
        let row = params![linked_number, number, made.link_type.as_str(), case_id.as_str()];
        connection.prepare_cached(sql)?.execute(row)?;
    }
    Ok(())
}

/// The links that others have made to a case, in the order of their numbers; at most `limit`. Each is said from the side
/// that has it.
pub(crate) fn inverse(connection: &Connection, number: u64, limit: usize) -> Result<Vec<Link>, Error> {
    let sql = "SELECT case_id, link_type FROM case_links WHERE linked_number = ?1 ORDER BY number, link_type LIMIT ?2";
    let mut select = connection.prepare_cached(sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = select.query_map(params![number.cast_signed(), limit], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    let link = |(case_id, link_type): (String, String)| {
        Some(Link { case_id: CaseId::parse(&case_id).ok()?, link_type: LinkType::parse(&link_type)? })
    };
    rows.map(|row| link(row?).ok_or_else(|| Error::corrupt("a link from the other side cannot be read"))).collect()
}
