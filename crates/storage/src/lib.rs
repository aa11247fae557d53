//! The disk: SQLite with group commit, readers, migrations, locks and typed store errors.
//!
//! One file is opened once ([`SqliteFile::open`]) and then has exactly one [`Writer`] and any number of [`Readers`].
//! A consumer keeps the writer for itself ([`Writer::transaction`]); a service with many callers gives it to a thread
//! that commits them in batches ([`GroupCommit`]). An [`Inspector`] looks after the file meanwhile. What is written, and what it means, is the services' business: this
//! crate knows neither cases nor gRPC, and it reports neither metrics nor spans ([`BatchObserver`] lets others do so).

mod address;
mod checkpointer;
mod checksum;
mod classify;
mod error;
mod files;
mod folder;
mod group_commit;
mod inspection;
mod lock;
mod names;
mod open;
mod pragmas;
mod readers;
mod schema;
mod writer;

pub use address::{AddressError, StoreAddress};
pub use checksum::{checksum, verify};
pub use error::{Error, Source};
pub use files::Displaced;
pub use group_commit::{
    BatchInfo, BatchObserver, BatchOutcome, BatchReport, Committed, Ending, GroupCommit, Limits, Participant, Queue,
    Reply, SubmitError, Submitted, Unobserved, WriterThread,
};
pub use inspection::{Finding, Inspection, Inspector};
pub use open::{Durability, SqliteFile};
pub use pragmas::BUSY_TIMEOUT;
pub use readers::{Readers, ReadersUsage};
pub use writer::Writer;
