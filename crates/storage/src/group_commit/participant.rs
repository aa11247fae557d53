//! What a service does in the writer's thread.

use rusqlite::{Connection, Transaction};

use crate::Error;

/// What a service does in the writer's thread: it executes commands, and remembers things between them.
///
/// A transaction is `begin`, `execute` for each command, `before_commit`, and then either `committed` or `rolled_back`.
/// After `rolled_back` everything must be as it was at `begin`: numbers, positions, keys. The commands of a batch that
/// was rolled back are executed again, each in a transaction of its own.
///
/// A panic in any of these ends the process. They must not use the runtime, nor wait for anything but the store.
pub trait Participant: Send + 'static {
    /// What callers ask for.
    type Command: Send + 'static;
    /// What they are told after the commit: refusals by the rules of the business are answers, too.
    type Answer: Send + 'static;

    /// A transaction has begun. An error refuses all of it.
    fn begin(&mut self, _tx: &Transaction<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Executes one command. An error rolls back the whole batch, and in the second attempt this command alone.
    ///
    /// An error of a statement must be returned: SQLite may have rolled back by itself.
    fn execute(&mut self, tx: &Transaction<'_>, command: &Self::Command) -> Result<Self::Answer, Error>;

    /// Everything of this transaction has been executed: the moment for what is written once a batch.
    fn before_commit(&mut self, tx: &Transaction<'_>) -> Result<(), Error>;

    /// The transaction is durable. The answers go out after this returns.
    fn committed(&mut self);

    /// The transaction has not happened: forget what was remembered since `begin`.
    fn rolled_back(&mut self);

    /// Nothing waits: the moment for work that may wait, in small portions, since commands wait for it in turn. Called
    /// once in a quiet period, and a last time before the thread ends. It runs outside of a transaction; to write, begin
    /// one with [`Transaction::new_unchecked`]. An error is logged, and it is called again in the next quiet period.
    fn idle(&mut self, connection: &Connection) -> Result<(), Error>;
}
