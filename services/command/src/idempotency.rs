//! Idempotency keys: a replay answers as the first time did, also after a restart.
//!
//! The look-up is in memory and exact (128 bits of a cryptographic hash); on disk, keys are only appended. An index over
//! random keys on the write path would cost more than everything else together (`docs/adr/0003`).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rusqlite::Connection;
use sha2::{Digest as _, Sha256};
use storage::Error;

use crate::schema;

/// How many expired keys one batch collects at most, so that no batch pays for a backlog.
const COLLECTED_MAX: usize = 64;

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

/// One row of `idempotency_keys` without its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoredKey {
    pub(crate) id: i64,
    pub(crate) time_us: i64,
    pub(crate) key_hash: Digest,
    pub(crate) fingerprint: Digest,
}

/// What a key turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LookedUp {
    /// Nobody has used it.
    Fresh,
    /// It was used for this very request, whose answer stands in this row.
    Replay { id: i64 },
    /// It was used for another request.
    Reused,
}

/// Every remembered key. What a batch adds or removes takes effect when the batch is committed.
#[derive(Debug)]
pub(crate) struct IdempotencyKeys {
    retention_us: i64,
    known: HashMap<Digest, (Digest, i64)>,
    last_id: i64,
    oldest_time_us: Option<i64>,
    added: Vec<StoredKey>,
    collected: Option<Collected>,
    /// The length of `known`, for other threads.
    count: Arc<AtomicUsize>,
}

/// What a batch takes out, and the time of the oldest key that is left (`None`: none is).
#[derive(Debug)]
struct Collected {
    keys: Vec<StoredKey>,
    oldest_left_us: Option<i64>,
}

impl IdempotencyKeys {
    /// Reads all keys of the store.
    pub(crate) fn load(connection: &Connection, retention_us: i64) -> Result<Self, Error> {
        let mut keys = Self {
            retention_us,
            known: HashMap::new(),
            last_id: 0,
            oldest_time_us: None,
            added: Vec::new(),
            collected: None,
            count: Arc::default(),
        };
        schema::each_key(connection, |key| {
            keys.known.insert(key.key_hash, (key.fingerprint, key.id));
            keys.last_id = key.id;
            keys.oldest_time_us.get_or_insert(key.time_us);
        })?;
        keys.count.store(keys.known.len(), Ordering::Relaxed);
        Ok(keys)
    }

    /// How many keys are remembered, also later.
    pub(crate) fn count(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.count)
    }

    /// Compares a request with what its key was used for, the present batch included.
    pub(crate) fn look_up(&self, request: &KeyedRequest) -> LookedUp {
        let in_batch = self.added.iter().find(|key| key.key_hash == request.key_hash);
        let known = in_batch.map(|key| (key.fingerprint, key.id));
        match known.or_else(|| self.known.get(&request.key_hash).copied()) {
            None => LookedUp::Fresh,
            Some((fingerprint, id)) if fingerprint == request.fingerprint => LookedUp::Replay { id },
            Some(_) => LookedUp::Reused,
        }
    }

    /// Remembers an accepted command with its answer, once the batch is committed.
    pub(crate) fn remember(
        &mut self,
        connection: &Connection,
        request: &KeyedRequest,
        answer: Answer<'_>,
    ) -> Result<(), Error> {
        let id = self.added.last().map_or(self.last_id, |key| key.id) + 1;
        let KeyedRequest { key_hash, fingerprint } = *request;
        let key = StoredKey { id, time_us: answer.time_us, key_hash, fingerprint };
        schema::append_key(connection, &key, answer.position, answer.state)?;
        self.added.push(key);
        Ok(())
    }

    /// Deletes a few of the keys that have been kept for long enough.
    pub(crate) fn collect(&mut self, connection: &Connection, now_us: i64) -> Result<(), Error> {
        let expired = |time_us: i64| time_us < now_us.saturating_sub(self.retention_us);
        if !self.oldest_time_us.is_some_and(expired) {
            return Ok(());
        }
        let mut keys = schema::oldest_keys(connection, COLLECTED_MAX)?;
        let left = keys.iter().position(|key| !expired(key.time_us));
        // Where all that was read has expired, more may have: the last one's time brings the next batch here again.
        let full = keys.len() == COLLECTED_MAX;
        let oldest_left_us = left.map(|at| keys[at].time_us).or(keys.last().filter(|_| full).map(|key| key.time_us));
        keys.truncate(left.unwrap_or(keys.len()));
        if let Some(last) = keys.last() {
            schema::delete_keys_up_to(connection, last.id)?;
        }
        self.collected = Some(Collected { keys, oldest_left_us });
        Ok(())
    }

    /// The batch is on disk.
    pub(crate) fn committed(&mut self) {
        if let Some(collected) = self.collected.take() {
            for key in &collected.keys {
                self.known.remove(&key.key_hash);
            }
            self.oldest_time_us = collected.oldest_left_us;
        }
        for key in self.added.drain(..) {
            self.known.insert(key.key_hash, (key.fingerprint, key.id));
            self.last_id = key.id;
            self.oldest_time_us.get_or_insert(key.time_us);
        }
        self.count.store(self.known.len(), Ordering::Relaxed);
    }

    /// The batch has not happened.
    pub(crate) fn rolled_back(&mut self) {
        self.added.clear();
        self.collected = None;
    }
}

/// What a replay of the command will read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    pub(crate) time_us: i64,
    pub(crate) position: u64,
    pub(crate) state: &'a [u8],
}
