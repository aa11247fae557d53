//! Opens and closes the store of this service.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use case_api::Epoch;
use case_domain::CaseIdPrefix;
use rusqlite::Connection;
use service_kit::diagnostics::{Diagnostics, QueueReport, Report};
use service_kit::exit::{self, Exit, ExitCode};
use service_kit::health::{Condition, Health};
use service_kit::program::Process;
use storage::{Durability, Error, GroupCommit, Limits, Readers, SqliteFile, StoreAddress, WriterThread};
use store_failure::{StoreName, StoreProbe};
use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::consumers::Consumers;
use crate::head_file::{self, HeadFile, Noted};
use crate::lifecycle::{self, LifecycleInForce, PutInForceError};
use crate::metrics::{StoreMetrics, observe_feed, observe_store};
use crate::random::Random;
use crate::writer::{self, CaseWriter, Surroundings};
use crate::{IDENTITY, names, schema};

/// Connections that read the feed at once.
const READERS: usize = 8;

/// The open store with its writer's thread.
pub(crate) struct Store {
    pub(crate) writer: GroupCommit<CaseWriter>,
    thread: WriterThread,
    probe: StoreProbe,
    pub(crate) readers: Readers,
    pub(crate) epoch: Epoch,
    pub(crate) head: watch::Receiver<u64>,
    pub(crate) lifecycle: Arc<LifecycleInForce>,
    pub(crate) consumers: Arc<Consumers>,
}

impl Store {
    /// Opens the store, migrates it, and reads what is remembered between commands.
    pub(crate) async fn open(process: &Process, health: &Health, condition: Condition) -> Result<Self, Exit> {
        let (process, health) = (process.clone(), health.clone());
        let opened = tokio::task::spawn_blocking(move || open(&process, &health, condition)).await;
        opened.unwrap_or_else(|panic| Err(Exit::new(ExitCode::DataCorrupt, format!("opening the store: {panic}"))))
    }

    /// Has operators read what becomes of the store, of the queue before it, and of the consumers behind it.
    pub(crate) fn report_to(&self, diagnostics: &Diagnostics) {
        diagnostics.add(self.probe.reporter());
        let queue = self.writer.queue();
        diagnostics.add(move || {
            let (depth, capacity) = (queue.depth() as u64, queue.capacity() as u64);
            Report::Queue(QueueReport { name: "commands", depth, capacity })
        });
        let (consumers, head) = (Arc::clone(&self.consumers), self.head.clone());
        diagnostics.add_all(move || consumers.reports(*head.borrow()).into_iter().map(Report::Feed).collect());
    }

    /// Commits what waits and closes the store.
    pub(crate) async fn close(self) {
        let Self { writer, thread, probe, .. } = self;
        probe.stop().await;
        drop(writer);
        // The thread ends once nobody can send: the handlers' clones went with the server.
        let joined = tokio::task::spawn_blocking(move || thread.join());
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, joined).await;
    }
}

/// How long closing may take. A handler that hangs beyond the drain keeps the writer open; its work is durable or refused.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

fn open(process: &Process, health: &Health, condition: Condition) -> Result<Store, Exit> {
    let settings = &process.settings;
    let address = settings.command.store.as_str();
    let StoreAddress::Sqlite(path) =
        address.parse().map_err(|error| Exit::new(ExitCode::Configuration, format!("command.store: {error}")))?;
    let case_id_prefix = CaseIdPrefix::new(&settings.command.case_id_prefix).map_err(|_| {
        let message = "command.case_id_prefix must be 1 to 16 of A-Z and 0-9, beginning with a letter";
        Exit::new(ExitCode::Configuration, message)
    })?;
    let wanted = lifecycle::read(settings.lifecycle.path.as_deref())?;
    refuse_to_found_anew(&path)?;
    let file = SqliteFile::open(&path, schema::migrations(), Durability::Full)
        .map_err(|error| store_failure::exit(&error, &path, store_failure::RESTORE))?;
    let failed = |error: Error| store_failure::exit(&error, &path, store_failure::RESTORE);
    let readers = file.readers(READERS);
    let inspector = file.inspector(settings.probe.disk_free_bytes_min).map_err(failed)?;
    let name = StoreName { owner: IDENTITY, name: "command", address: StoreAddress::Sqlite(path.clone()) };
    let writer = file.into_writer();
    let connection = writer.connection();
    let epoch = writer::found(connection, &*process.entropy).map_err(failed)?;
    condition.pass();
    let head_file = compare_heads(connection, epoch, &path, &condition)?;
    let now_us = process.clock.unix_us();
    let in_force = lifecycle::put_in_force(connection, wanted, now_us).map_err(|error| match error {
        PutInForceError::Strands(_) | PutInForceError::Recategorises(_) => {
            Exit::new(ExitCode::Configuration, error.to_string())
        }
        PutInForceError::Store(error) => failed(error),
    })?;
    let lifecycle = Arc::new(in_force);
    let remembered = schema::load_acknowledgements(connection).map_err(failed)?;
    let consumers = Arc::new(Consumers::new(&settings.command.required_consumers, &remembered));
    let surroundings = Surroundings {
        clock: Arc::clone(&process.clock),
        lifecycle: Arc::clone(&lifecycle),
        case_id_prefix,
        consumers: Arc::clone(&consumers),
        store: condition.clone(),
        backlog_max: settings.command.audit_max_backlog,
    };
    let random = Random::new(Arc::clone(&process.entropy));
    let retention_us = i64::try_from(settings.idempotency.retention.as_micros()).unwrap_or(i64::MAX);
    let (participant, head) =
        CaseWriter::load(connection, surroundings, random, (head_file, retention_us)).map_err(failed)?;
    let keys = participant.keys_remembered();
    let probe = StoreProbe::start(&name, inspector, settings.probe.interval, (health, condition.clone()))?;
    let fatal = fatal(path.clone(), condition);
    let limits = Limits { queue: settings.limits.commands_queued, ..Limits::default() };
    let (writer, thread) =
        GroupCommit::start(writer, participant, limits, StoreMetrics::new(), fatal).map_err(failed)?;
    observe_store(writer.queue(), keys, readers.clone());
    observe_feed(Arc::clone(&consumers), head.clone());
    let position = *head.borrow();
    info!(name: names::STORE_OPENED, position, path = %path.display(), "the case store is open at position {position}");
    Ok(Store { writer, thread, probe, readers, epoch, head, lifecycle, consumers })
}

/// The end of the process when the writer cannot go on.
fn fatal(path: PathBuf, condition: Condition) -> impl FnOnce(Error) + Send + 'static {
    move |error| {
        condition.fail("the writer has ended");
        exit::now(&store_failure::exit(&error, &path, store_failure::RESTORE))
    }
}

/// A file that is not there would be made anew. Where a history is known to have been, that would begin another one, with
/// its numbers given out again; nothing is made then, so that nothing is in the way of the back-up.
fn refuse_to_found_anew(path: &Path) -> Result<(), Exit> {
    match head_file::noted(path) {
        Noted::Head { position, .. } if position > 0 && path.try_exists().is_ok_and(|there| !there) => {
            Err(gone(path, position))
        }
        Noted::Head { .. } | Noted::Nothing | Noted::Unreadable(_) => Ok(()),
    }
}

/// The store whose commits were noted is not the one that is here.
fn gone(path: &Path, position: u64) -> Exit {
    let (head_file, path) = (head_file::path_beside(path), path.display());
    let head_file = head_file.display();
    Exit::new(
        ExitCode::DataCorrupt,
        format!(
            "{path}: the store is gone: {head_file} names {position} events that were committed, and they are not of the store \
             that is here now, if there is one; restore {path} from a back-up, or remove {head_file} if the history is to \
             begin anew"
        ),
    )
}

/// Compares the store with the head that was noted outside of it. If commits are missing, no command is carried out: their
/// positions and numbers would be given to others. If the head is that of another store, the process does not start.
fn compare_heads(connection: &Connection, epoch: Epoch, path: &Path, condition: &Condition) -> Result<HeadFile, Exit> {
    let noted = match head_file::noted(path) {
        Noted::Head { epoch: of, position } if of == epoch => Some(position),
        Noted::Head { position, .. } if position > 0 => return Err(gone(path, position)),
        Noted::Head { .. } | Noted::Nothing => None,
        Noted::Unreadable(error) => {
            let path = head_file::path_beside(path);
            let path = path.display();
            warn!(name: names::HEAD_FILE_FAILED, dependency = "store", operation = "read_head", path = %path, reason = error, "{path} cannot be read and is written anew; commits that were lost before this start would not be noticed: {error}");
            None
        }
    };
    let failed = |error: Error| store_failure::exit(&error, path, store_failure::RESTORE);
    let cannot = |error| Error::CannotCreate { path: path.to_owned(), source: Some(Box::new(error)) };
    let mut file = HeadFile::open(path, epoch).map_err(|error| failed(cannot(error)))?;
    let head = schema::load_counters(connection).map_err(failed)?.position;
    let Some(noted) = noted.filter(|noted| *noted > head) else {
        file.write(head);
        return Ok(file);
    };
    let (path, head_file) = (path.display(), file.path().display());
    let reason = format!("{noted} events were committed, and the store has {head}");
    condition.fail(reason.clone());
    error!(
        name: names::STORE_HISTORY_LOST,
        dependency = "store", operation = "open", reason,
        position = noted, head, path = %path,
        "{path} has lost events: {noted} were committed, it has {head}. Commands are refused. Stop case-command and restore its \
         store from a back-up. If an older copy was put back on purpose, together with those of the read model and the \
         audit log, remove {head_file} and start again"
    );
    Ok(file)
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
