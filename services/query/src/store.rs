//! Opens the store of the read model and looks at it before anything is served.

use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::thread::available_parallelism;

use case_api::lifecycle_from_pb;
use service_kit::exit::{Exit, ExitCode};
use storage::{Durability, Error, Inspector, Readers, SqliteFile, StoreAddress, Writer};
use tokio::runtime::Handle;
use tracing::info;

use crate::view::View;
use crate::{indexes, names, schema};

/// Lists that are read at once, beside reads by key.
const LISTS_MAX: usize = 4;

/// The open store.
pub(crate) struct Store {
    /// The one connection that writes.
    pub(crate) writer: Writer,
    /// For reads by key, on the runtime's threads: one for each, so that none waits for another.
    pub(crate) points: Readers,
    /// For lists, on blocking threads: a pool of their own, so that reads by key do not wait for them.
    pub(crate) lists: Readers,
    /// What was projected before.
    pub(crate) view: View,
    /// Looks after the file.
    pub(crate) inspector: Inspector,
    /// Where it is.
    pub(crate) address: StoreAddress,
}

impl Store {
    /// Opens the store at an address such as `sqlite:data/query.db`, creating it if it is not there.
    /// Too little is less room on its disk than `disk_free_bytes_min`.
    pub(crate) async fn open(address: &str, disk_free_bytes_min: u64) -> Result<Self, Exit> {
        let StoreAddress::Sqlite(path) =
            address.parse().map_err(|error| Exit::new(ExitCode::Configuration, format!("query.store: {error}")))?;
        let runtime_threads = Handle::current().metrics().num_workers();
        let runtime_threads = runtime_threads.max(available_parallelism().map_or(1, NonZero::get));
        let opened = tokio::task::spawn_blocking(move || {
            open(&path, runtime_threads, disk_free_bytes_min)
                .map_err(|error| store_failure::exit(&error, &path, store_failure::REBUILD))
        });
        opened.await.unwrap_or_else(|panic| {
            Err(Exit::new(ExitCode::DataCorrupt, format!("opening the read model failed: {panic}")))
        })
    }
}

/// `NORMAL`: what a power cut takes back comes again from the feed.
fn open(path: &Path, runtime_threads: usize, disk_free_bytes_min: u64) -> Result<Store, Error> {
    let file = SqliteFile::open(path, schema::migrations(), Durability::Normal)?;
    let (points, lists) = (file.readers(runtime_threads), file.readers(LISTS_MAX));
    let inspector = file.inspector(disk_free_bytes_min)?;
    let mut writer = file.into_writer();
    let place = schema::load_place(writer.connection())?;
    if place.is_some_and(|place| place.lag().events() == 0) {
        // A program from before indexes were dropped may have finished what this one began.
        indexes::complete(&mut writer, path.parent())?;
    }
    let definition = schema::load_lifecycle(writer.connection())?;
    let lifecycle = definition.as_ref().map(lifecycle_from_pb).transpose();
    let lifecycle = lifecycle.map_err(|error| Error::corrupt(format!("the kept lifecycle: {error}")))?;
    let position = place.map_or(0, |place| place.position);
    info!(
        name: names::STORE_OPENED,
        position, path = %path.display(),
        "the read model is open at position {position}"
    );
    let lifecycle_version = definition.map_or(0, |definition| definition.version);
    let view = View { place, lifecycle: lifecycle.map(Arc::new), lifecycle_version };
    Ok(Store { writer, points, lists, view, inspector, address: StoreAddress::Sqlite(path.to_owned()) })
}
