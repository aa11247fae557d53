//! Opens the log's store and looks at it before anything is served.

use std::path::Path;

use service_kit::exit::{Exit, ExitCode};
use storage::{Durability, Error, Inspector, Readers, SqliteFile, StoreAddress, Writer};
use tracing::info;

use crate::{names, store};

/// Connections that read the log at once.
const READERS: usize = 8;

/// The open log.
pub(crate) struct LogFile {
    /// The one connection that writes.
    pub(crate) writer: Writer,
    /// Those that read.
    pub(crate) readers: Readers,
    /// The last position of the feed that is recorded.
    pub(crate) position: u64,
    /// Looks after the file.
    pub(crate) inspector: Inspector,
    /// Where it is.
    pub(crate) address: StoreAddress,
}

impl LogFile {
    /// Opens the store at an address such as `sqlite:data/audit.db`, creating it if it is not there.
    /// Too little is less room on its disk than `disk_free_bytes_min`.
    pub(crate) async fn open(address: &str, disk_free_bytes_min: u64) -> Result<Self, Exit> {
        let StoreAddress::Sqlite(path) =
            address.parse().map_err(|error| Exit::new(ExitCode::Configuration, format!("audit.store: {error}")))?;
        let opened = tokio::task::spawn_blocking(move || {
            open(&path, disk_free_bytes_min).map_err(|error| store_failure::exit(&error, &path, store_failure::RESTORE))
        })
        .await;
        opened.unwrap_or_else(|panic| Err(Exit::new(ExitCode::DataCorrupt, format!("opening the audit log: {panic}"))))
    }
}

fn open(path: &Path, disk_free_bytes_min: u64) -> Result<LogFile, Error> {
    let file = SqliteFile::open(path, store::migrations(), Durability::Full)?;
    let (readers, inspector) = (file.readers(READERS), file.inspector(disk_free_bytes_min)?);
    let writer = file.into_writer();
    let state = store::load_state(writer.connection())?;
    let (length, position) = state.map_or((0, 0), |state| (state.length, state.position));
    let found = store::end_of_log(writer.connection())?;
    if found != (length, position) {
        return Err(Error::corrupt(format!(
            "{length} records up to position {position} were committed, {} up to {} are there",
            found.0, found.1
        )));
    }
    info!(
        name: names::AUDIT_LOG_OPENED,
        length, position, path = %path.display(),
        "the audit log is open with {length} records up to position {position}"
    );
    Ok(LogFile { writer, readers, position, inspector, address: StoreAddress::Sqlite(path.to_owned()) })
}
