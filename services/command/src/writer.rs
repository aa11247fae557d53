//! What happens in the writer's thread: every command is decided and stored here, one after the other.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use case_api::{Epoch, SALT_BYTES, Stamp, record_event};
use case_domain::{
    Action, Case, CaseIdPrefix, Command, DecisionContext, Event, Rejection, RequestContext, Timestamp, decide, evolve,
};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use service_kit::clock::{Clock, Entropy, uuid_v7_of};
use service_kit::health::Condition;
use storage::{Error, Participant};
use tokio::sync::watch;
use uuid::Uuid;

use crate::consumers::Consumers;
use crate::head_file::HeadFile;
use crate::idempotency::{Answer, IdempotencyKeys, KeyedRequest, LookedUp};
use crate::lifecycle::LifecycleInForce;
use crate::random::Random;
use crate::schema::{self, Counters};

/// A command on its way to the writer.
#[derive(Debug)]
pub(crate) struct QueuedCommand {
    pub(crate) command: Command,
    pub(crate) request: RequestContext,
    pub(crate) key: Option<KeyedRequest>,
    pub(crate) validate_only: bool,
}

/// What became of a command.
#[derive(Debug, Clone)]
pub(crate) enum Decided {
    /// It was carried out; without an event if there was nothing to change.
    Accepted { case: Case, position: u64, event: Option<Box<Event>> },
    /// It was carried out before, under the same key.
    Replayed { case: Case, position: u64 },
    /// It would be carried out; a case that is new would get its number then.
    Valid { case: Case, is_new: bool },
    /// The rules refuse it.
    Rejected(Rejection),
    /// Its key was used for another request.
    KeyReused,
    /// Too many events wait for a required consumer.
    BacklogFull { consumer: String, waiting: u64 },
    /// The store is damaged, or has lost events: whatever is added to it is in danger.
    StoreDamaged,
}

impl Decided {
    /// What did not do its part, if that is why nothing was decided.
    pub(crate) fn obstacle(&self) -> Option<String> {
        match self {
            Self::BacklogFull { consumer, .. } => Some(consumer.clone()),
            Self::StoreDamaged => Some("store".to_owned()),
            Self::Accepted { .. }
            | Self::Replayed { .. }
            | Self::Valid { .. }
            | Self::Rejected(_)
            | Self::KeyReused => None,
        }
    }
}

/// What decisions need besides the store.
pub(crate) struct Surroundings {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) lifecycle: Arc<LifecycleInForce>,
    pub(crate) case_id_prefix: CaseIdPrefix,
    pub(crate) consumers: Arc<Consumers>,
    /// Fails once the store is known to be damaged, or to have lost what was acknowledged.
    pub(crate) store: Condition,
    pub(crate) backlog_max: u64,
}

/// The decisions of one store.
pub(crate) struct CaseWriter {
    surroundings: Surroundings,
    keys: IdempotencyKeys,
    random: Random,
    /// As of the last commit.
    committed: Counters,
    /// With what the present batch has added.
    counters: Counters,
    /// Acknowledgements that the present batch writes.
    acknowledgements: Vec<(String, u64)>,
    head: watch::Sender<u64>,
    head_file: HeadFile,
}

impl CaseWriter {
    /// Reads what is remembered between commands. The receiver sees the last committed position.
    pub(crate) fn load(
        connection: &Connection,
        surroundings: Surroundings,
        random: Random,
        (head_file, retention_us): (HeadFile, i64),
    ) -> Result<(Self, watch::Receiver<u64>), Error> {
        let counters = schema::load_counters(connection)?;
        let last_event = schema::last_event_position(connection)?;
        if last_event != counters.position {
            let Counters { position, .. } = counters;
            return Err(Error::corrupt(format!("the counter says {position} events, the last one is {last_event}")));
        }
        let keys = IdempotencyKeys::load(connection, retention_us)?;
        let (head, receiver) = watch::channel(counters.position);
        surroundings.consumers.committed(counters.position);
        let (committed, acknowledgements) = (counters, Vec::new());
        let writer = Self { surroundings, keys, random, committed, counters, acknowledgements, head, head_file };
        Ok((writer, receiver))
    }

    /// How many idempotency keys there are in memory, now and from now on.
    pub(crate) fn keys_remembered(&self) -> Arc<AtomicUsize> {
        self.keys.count()
    }

    fn decide(&mut self, tx: &Transaction<'_>, queued: &QueuedCommand) -> Result<Decided, Error> {
        let key = queued.key.as_ref().filter(|_| !queued.validate_only);
        match key.map(|key| self.keys.look_up(key)) {
            None | Some(LookedUp::Fresh) => {}
            Some(LookedUp::Reused) => return Ok(Decided::KeyReused),
            Some(LookedUp::Replay { id }) => {
                let (case, position) = self.keys.answer(tx, id)?;
                return Ok(Decided::Replayed { case, position });
            }
        }
        if let Some(obstacle) = self.obstacle().filter(|_| !queued.validate_only) {
            return Ok(obstacle);
        }
        let state = match queued.command.case_id() {
            None => None,
            Some(id) => schema::load_case(tx, id.number())?,
        };
        let now = self.now();
        let linked_case_exists = match queued.command.linked_case_id() {
            None => false,
            Some(id) => schema::load_case(tx, id.number())?.is_some_and(|case| case.id == *id),
        };
        let context = DecisionContext { linked_case_exists, ..self.context(now, &queued.request) };
        let event = match decide(state.as_ref(), &queued.command, &context) {
            Ok(event) => event,
            Err(rejection) => return Ok(Decided::Rejected(rejection)),
        };
        let case = after(state, event.as_ref())?;
        if queued.validate_only {
            return Ok(Decided::Valid { case, is_new: queued.command.case_id().is_none() });
        }
        self.store(tx, &case, event.as_ref())?;
        let state = schema::encode_case(&case);
        let is_new = event.as_ref().is_some_and(|event| event.action == Action::CaseCreated);
        if event.is_some() {
            schema::save_case(tx, &case, &state)?;
        }
        let position = self.counters.position;
        if let Some(key) = key {
            let answer = if is_new { Answer::Creation } else { Answer::Kept(&state) };
            self.keys.remember(tx, key, (now.unix_us(), position, answer))?;
        }
        Ok(Decided::Accepted { case, position, event: event.map(Box::new) })
    }

    /// Appends the event and counts on. Nothing happens without one.
    fn store(&mut self, tx: &Transaction<'_>, case: &Case, event: Option<&Event>) -> Result<(), Error> {
        let Some(event) = event else { return Ok(()) };
        let position = self.counters.position + 1;
        let salt: [u8; SALT_BYTES] = self.random.take();
        let id = uuid_v7_of(event.time.unix_us(), self.random.take());
        let mut event_id = Uuid::encode_buffer();
        let event_id = &*id.hyphenated().encode_lower(&mut event_id);
        schema::append_event(tx, &record_event(event, Stamp { position, event_id, salt }))?;
        self.counters =
            Counters { position, case_number: self.counters.case_number.max(case.id.number()), time: event.time };
        Ok(())
    }

    /// What forbids to go on, whatever the command is: a store in danger, or a required consumer that is too far behind.
    fn obstacle(&self) -> Option<Decided> {
        if !self.surroundings.store.passes() {
            return Some(Decided::StoreDamaged);
        }
        let Surroundings { consumers, backlog_max, .. } = &self.surroundings;
        let (consumer, waiting) = consumers.backlog(self.counters.position, *backlog_max)?;
        Some(Decided::BacklogFull { consumer, waiting })
    }

    /// The time of the next decision: never before that of the last event, whatever the system's clock does.
    fn now(&self) -> Timestamp {
        Timestamp::saturating_from_unix_us(self.surroundings.clock.unix_us()).max(self.counters.time)
    }

    fn context<'a>(&'a self, now: Timestamp, request: &'a RequestContext) -> DecisionContext<'a> {
        DecisionContext {
            now,
            request,
            lifecycle: &self.surroundings.lifecycle.lifecycle,
            lifecycle_version: self.surroundings.lifecycle.version,
            case_id_prefix: &self.surroundings.case_id_prefix,
            next_case_number: self.counters.case_number + 1,
            linked_case_exists: false,
        }
    }
}

fn after(state: Option<Case>, event: Option<&Event>) -> Result<Case, Error> {
    let case = match event {
        None => state,
        Some(event) => Some(evolve(state, event).map_err(|error| Error::corrupt(error.to_string()))?),
    };
    case.ok_or_else(|| Error::corrupt("a command was accepted on a case that is not there"))
}

impl Participant for CaseWriter {
    type Command = QueuedCommand;
    type Answer = Decided;

    fn execute(&mut self, tx: &Transaction<'_>, command: &QueuedCommand) -> Result<Decided, Error> {
        self.decide(tx, command)
    }

    fn before_commit(&mut self, tx: &Transaction<'_>) -> Result<(), Error> {
        if self.counters != self.committed {
            schema::save_counters(tx, &self.counters)?;
        }
        self.keys.before_commit(tx, self.surroundings.clock.unix_us())?;
        self.acknowledgements = self.surroundings.consumers.unwritten();
        for (consumer, position) in &self.acknowledgements {
            schema::save_acknowledgement(tx, consumer, *position)?;
        }
        Ok(())
    }

    fn committed(&mut self) {
        self.committed = self.counters;
        self.keys.committed();
        self.surroundings.consumers.written(&self.acknowledgements);
        self.acknowledgements.clear();
        let head = self.committed.position;
        if self.head.send_if_modified(|seen| std::mem::replace(seen, head) != head) {
            self.head_file.write(head);
            self.surroundings.consumers.committed(head);
        }
    }

    fn rolled_back(&mut self) {
        self.counters = self.committed;
        self.keys.rolled_back();
        self.acknowledgements.clear();
    }

    fn idle(&mut self, connection: &Connection) -> Result<(), Error> {
        if self.surroundings.consumers.unwritten().is_empty() {
            return Ok(());
        }
        let tx = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        match self.before_commit(&tx).and_then(|()| tx.commit().map_err(Error::from)) {
            Ok(()) => self.committed(),
            Err(error) => {
                self.rolled_back();
                return Err(error);
            }
        }
        Ok(())
    }
}

/// What identifies a store to consumers and tokens, made on its first start.
pub(crate) fn found(connection: &Connection, entropy: &dyn Entropy) -> Result<Epoch, Error> {
    let mut epoch = Epoch([0; 16]);
    entropy.fill(&mut epoch.0);
    schema::found_store(connection, epoch)?;
    schema::load_epoch(connection)
}
