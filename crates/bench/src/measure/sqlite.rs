//! SQLite on its own: rows of the size that a command leaves, in transactions of various sizes, each with its sync.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::bench::Bench;
use crate::error::Error;
use crate::load::count;

/// Bytes of an event, and of the state of a case, as the measured command leaves them.
const EVENT_BYTES: usize = 600;
const STATE_BYTES: usize = 400;

/// As case-command opens its store.
const PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;
    CREATE TABLE events (position INTEGER PRIMARY KEY, event BLOB NOT NULL) STRICT;
    CREATE TABLE cases (number INTEGER PRIMARY KEY, state BLOB NOT NULL) STRICT;";

/// Commands in a second with `batch` of them in each transaction: an event and a state each, and nothing decided.
pub(super) fn commands_per_second(bench: &Bench, batch: u32, window: Duration) -> Result<f64, Error> {
    let folder = bench.new_folder("sqlite");
    std::fs::create_dir_all(&folder).map_err(Error::path("create", &folder))?;
    let mut connection = Connection::open(folder.join("limit.db"))?;
    connection.execute_batch(PRAGMAS)?;
    let (event, state) = ([0x5a; EVENT_BYTES], [0xa5; STATE_BYTES]);
    let mut commands: u64 = 0;
    let begun = Instant::now();
    while begun.elapsed() < window {
        let transaction = connection.transaction()?;
        {
            let mut events = transaction.prepare_cached("INSERT INTO events (event) VALUES (?1)")?;
            let mut cases = transaction.prepare_cached("INSERT INTO cases (state) VALUES (?1)")?;
            for _ in 0..batch {
                events.execute([event.as_slice()])?;
                cases.execute([state.as_slice()])?;
            }
        }
        transaction.commit()?;
        commands += u64::from(batch);
    }
    Ok(count(commands) / begun.elapsed().as_secs_f64())
}
