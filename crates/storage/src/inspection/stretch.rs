//! Reading a whole store, a little at a time.

use rusqlite::{Connection, Row};

use crate::Error;

/// Rows that are read at once.
const ROWS_MAX: i64 = 1_000;
/// Bytes of rows after which no further one is read.
const BYTES_MAX: usize = 1024 * 1024;

/// Where reading goes on, so that damage in pages that nobody asks for shows in the end.
#[derive(Debug, Default)]
pub(super) struct Stretches {
    /// Which of the tables, by name.
    table: usize,
    /// After which row of it; `None`: from its beginning.
    after: Option<i64>,
}

struct Table {
    name: String,
    has_row_ids: bool,
}

impl Stretches {
    /// Reads the next stretch of a table; at the end of one the next table is next.
    pub(super) fn read_next(&mut self, connection: &Connection) -> Result<(), Error> {
        let tables = tables(connection)?;
        let Some(table) = tables.get(self.table) else {
            *self = Self::default();
            return Ok(());
        };
        self.after = if table.has_row_ids { read_rows(connection, &table.name, self.after)? } else { None };
        if self.after.is_none() {
            self.table = (self.table + 1) % tables.len();
        }
        Ok(())
    }
}

/// Tables without row ids are small here, and the first row of each is looked at anyway.
fn tables(connection: &Connection) -> Result<Vec<Table>, Error> {
    let sql = "SELECT name, wr = 0 FROM pragma_table_list WHERE schema = 'main' AND type = 'table' ORDER BY name";
    let mut select = connection.prepare_cached(sql)?;
    let tables = select.query_map([], |row| Ok(Table { name: row.get(0)?, has_row_ids: row.get(1)? }))?;
    Ok(tables.collect::<Result<_, _>>()?)
}

/// Reads rows after a row; answers the last one, or `None` at the end of the table.
fn read_rows(connection: &Connection, table: &str, after: Option<i64>) -> Result<Option<i64>, Error> {
    let quoted = table.replace('"', "\"\"");
    let sql = format!("SELECT rowid, * FROM \"{quoted}\" WHERE rowid > ?1 ORDER BY rowid LIMIT {ROWS_MAX}");
    let mut select = connection.prepare_cached(&sql)?;
    let columns = select.column_count();
    let mut rows = select.query([after.unwrap_or(i64::MIN)])?;
    let (mut last, mut bytes) = (None, 0);
    while let Some(row) = rows.next()? {
        last = Some(row.get(0)?);
        bytes += size(row, columns)?;
        if bytes >= BYTES_MAX {
            break;
        }
    }
    Ok(last)
}

fn size(row: &Row<'_>, columns: usize) -> Result<usize, Error> {
    let mut bytes = 0;
    for column in 0..columns {
        // Numbers have their own place; only texts and blobs can be long.
        bytes += row.get_ref(column)?.as_bytes_or_null().ok().flatten().map_or(0, <[u8]>::len);
    }
    Ok(bytes)
}
