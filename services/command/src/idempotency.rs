//! Idempotency keys: a replay answers as the first time did, also after a restart.
//!
//! The look-up is in memory and exact (128 bits of a cryptographic hash); on disk, keys are only appended, one row a batch. An
//! index over random keys on the write path would cost more than everything else together (`docs/adr/0003`, `docs/adr/0015`).

mod known;
mod record;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use case_domain::Case;
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};
use storage::Error;

use crate::schema;
use known::Known;
pub(crate) use record::{AnswerPlace, RECORD_BYTES, Record};

/// So many expired keys are enough for one batch, so that none pays for a backlog: twice as many as a batch adds.
const COLLECTED_ENOUGH: u64 = 512;

/// As many rows at most, where there are few keys in each.
const COLLECTED_ROWS_MAX: usize = 64;

/// The first half of a SHA-256.
pub(crate) type Digest = [u8; 16];

/// A command's key, and what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyedRequest {
    pub(crate) key_hash: Digest,
    pub(crate) fingerprint: Digest,
}

impl KeyedRequest {
    /// A key belongs to one actor; the method is part of the fingerprint.
    pub(crate) fn new(actor: &str, key: &str, method: &str, request: &[u8]) -> Self {
        Self { key_hash: digest(actor, key.as_bytes()), fingerprint: digest(method, request) }
    }
}

/// Both parts, told apart by the length of the first.
fn digest(first: &str, second: &[u8]) -> Digest {
    let length = u64::try_from(first.len()).unwrap_or(u64::MAX);
    let hash = Sha256::new().chain_update(length.to_be_bytes()).chain_update(first).chain_update(second).finalize();
    let mut half = Digest::default();
    half.copy_from_slice(&hash[..16]);
    half
}

/// One row of `key_batches` without its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyBatch {
    pub(crate) first_id: u64,
    /// How many keys there are in it.
    pub(crate) count: u64,
    /// When the latest of them was accepted.
    pub(crate) time_us: i64,
}

impl KeyBatch {
    pub(crate) const fn last_id(&self) -> u64 {
        self.first_id + self.count - 1
    }
}

/// What a key turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LookedUp {
    /// Nobody has used it.
    Fresh,
    /// It was used for this very request; the id finds the answer.
    Replay { id: u64 },
    /// It was used for another request.
    Reused,
}

/// What a replay of an accepted command will be answered with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer<'a> {
    /// The case that the event at the command's position created.
    Creation,
    /// This state.
    Kept(&'a [u8]),
}

/// Every remembered key. What a batch adds or removes is final when the batch is committed.
#[derive(Debug)]
pub(crate) struct IdempotencyKeys {
    retention_us: i64,
    known: Known,
    oldest_time_us: Option<i64>,
    /// The records of the present batch, one after the other, as they will be stored.
    added: Vec<u8>,
    /// When the latest of them was accepted.
    added_time_us: i64,
    collected: Option<Collected>,
    /// How many are known, for other threads.
    count: Arc<AtomicUsize>,
}

/// What a batch takes out, and the time of the oldest row that is left (`None`: none is).
#[derive(Debug)]
struct Collected {
    up_to_id: Option<u64>,
    oldest_left_us: Option<i64>,
}

impl IdempotencyKeys {
    /// Reads all keys of the store.
    pub(crate) fn load(connection: &Connection, retention_us: i64) -> Result<Self, Error> {
        let ids = schema::key_ids(connection)?;
        let mut known = Known::from_id(ids.start);
        known.reserve(usize::try_from(ids.end - ids.start).unwrap_or(0));
        let mut oldest_time_us = None;
        schema::each_key_batch(connection, |batch, records| {
            if batch.first_id != known.next_id() {
                return Err(Error::corrupt("remembered idempotency keys are missing"));
            }
            oldest_time_us.get_or_insert(batch.time_us);
            for record in records.chunks(RECORD_BYTES) {
                known.push(read(record)?.request);
            }
            Ok(())
        })?;
        let count = Arc::new(AtomicUsize::new(known.len()));
        let (added, added_time_us, collected) = (Vec::new(), i64::MIN, None);
        Ok(Self { retention_us, known, oldest_time_us, added, added_time_us, collected, count })
    }

    /// How many keys are remembered, also later.
    pub(crate) fn count(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.count)
    }

    /// Compares a request with what its key was used for, the present batch included.
    pub(crate) fn look_up(&self, request: &KeyedRequest) -> LookedUp {
        match self.known.get(&request.key_hash) {
            None => LookedUp::Fresh,
            Some((id, known)) if known.fingerprint == request.fingerprint => LookedUp::Replay { id },
            Some(_) => LookedUp::Reused,
        }
    }

    /// What a remembered command answered, and at which position.
    pub(crate) fn answer(&self, connection: &Connection, id: u64) -> Result<(Case, u64), Error> {
        let Record { position, answer, .. } = match id.checked_sub(self.first_added()) {
            None => read(&schema::load_key(connection, id)?)?,
            Some(place) => {
                let mut records = self.added.chunks(RECORD_BYTES);
                read(usize::try_from(place).ok().and_then(|place| records.nth(place)).unwrap_or_default())?
            }
        };
        let case = match answer {
            AnswerPlace::Kept => schema::load_answer(connection, id)?,
            AnswerPlace::Creation => schema::created_case(connection, position)?,
        };
        Ok((case, position))
    }

    /// Remembers an accepted command with its answer, once the batch is committed.
    pub(crate) fn remember(
        &mut self,
        connection: &Connection,
        request: &KeyedRequest,
        (time_us, position, answer): (i64, u64, Answer<'_>),
    ) -> Result<(), Error> {
        let answer = match answer {
            Answer::Creation => AnswerPlace::Creation,
            Answer::Kept(state) => {
                schema::append_answer(connection, self.known.next_id(), state)?;
                AnswerPlace::Kept
            }
        };
        self.added.extend_from_slice(&Record { request: *request, position, answer }.to_bytes());
        self.added_time_us = self.added_time_us.max(time_us);
        self.known.push(*request);
        Ok(())
    }

    /// Writes what the batch has added, and deletes some of the keys that have been kept for long enough.
    pub(crate) fn before_commit(&mut self, connection: &Connection, now_us: i64) -> Result<(), Error> {
        if !self.added.is_empty() {
            let batch = self.batch_added();
            schema::append_key_batch(connection, &batch, &self.added)?;
        }
        self.collect(connection, now_us)
    }

    fn collect(&mut self, connection: &Connection, now_us: i64) -> Result<(), Error> {
        let expired = |time_us: i64| time_us < now_us.saturating_sub(self.retention_us);
        if !self.oldest_time_us.is_some_and(expired) {
            return Ok(());
        }
        // One more than may be collected: the oldest that is left.
        let batches = schema::oldest_key_batches(connection, COLLECTED_ROWS_MAX + 1)?;
        let (mut keys, mut up_to_id) = (0, None);
        let left = batches.iter().take(COLLECTED_ROWS_MAX).position(|batch| {
            let is_left = keys >= COLLECTED_ENOUGH || !expired(batch.time_us);
            if !is_left {
                keys += batch.count;
                up_to_id = Some(batch.last_id());
            }
            is_left
        });
        let oldest_left_us = batches.get(left.unwrap_or(COLLECTED_ROWS_MAX)).map(|batch| batch.time_us);
        if let Some(id) = up_to_id {
            schema::delete_keys_up_to(connection, id)?;
        }
        self.collected = Some(Collected { up_to_id, oldest_left_us });
        Ok(())
    }

    /// The batch is on disk.
    pub(crate) fn committed(&mut self) {
        if !self.added.is_empty() {
            self.oldest_time_us.get_or_insert(self.added_time_us);
        }
        if let Some(Collected { up_to_id, oldest_left_us }) = self.collected.take() {
            self.known.forget_up_to(up_to_id.unwrap_or(0));
            self.oldest_time_us = oldest_left_us;
        }
        self.begin_anew();
        self.count.store(self.known.len(), Ordering::Relaxed);
    }

    /// The batch has not happened.
    pub(crate) fn rolled_back(&mut self) {
        for _ in 0..self.added.len() / RECORD_BYTES {
            self.known.pop_latest();
        }
        self.collected = None;
        self.begin_anew();
    }

    fn begin_anew(&mut self) {
        self.added.clear();
        self.added_time_us = i64::MIN;
    }

    /// The id of the first key that the present batch has added or will add.
    fn first_added(&self) -> u64 {
        self.known.next_id() - self.batch_count()
    }

    fn batch_count(&self) -> u64 {
        (self.added.len() / RECORD_BYTES) as u64
    }

    fn batch_added(&self) -> KeyBatch {
        KeyBatch { first_id: self.first_added(), count: self.batch_count(), time_us: self.added_time_us }
    }
}

fn read(record: &[u8]) -> Result<Record, Error> {
    Record::from_bytes(record).ok_or_else(|| Error::corrupt("a remembered idempotency key cannot be read"))
}

#[cfg(test)]
mod tests;
