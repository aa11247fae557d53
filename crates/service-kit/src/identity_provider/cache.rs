//! Tokens that have been verified: a signature costs once, not on every call.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::token::Verified;

/// How many tokens each of the two generations holds.
const TOKENS_PER_GENERATION: usize = 4_096;

/// What stands for a token: the token itself is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub(crate) fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }
}

/// The verified tokens, at most twice [`TOKENS_PER_GENERATION`].
///
/// Two generations are the simplest bounded memory that forgets what is not used: who is found in the older one moves to
/// the younger, and when that is full, the older one is dropped as a whole.
#[derive(Debug, Default)]
pub(crate) struct VerifiedTokens {
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Fingerprint, Entry>,
    old: HashMap<Fingerprint, Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    verified: Verified,
    /// The keys that it was verified with: when they are replaced, it does not count any more.
    keys: u64,
}

impl VerifiedTokens {
    /// Who has sent this token before, if it has not expired and the keys are still the same.
    pub(crate) fn find(&self, token: Fingerprint, keys: u64, now_us: i64) -> Option<Verified> {
        let mut generations = self.lock();
        let found = if let Some(entry) = generations.young.get(&token) {
            entry.clone()
        } else {
            let entry = generations.old.remove(&token)?;
            generations.keep(token, entry.clone());
            entry
        };
        (found.keys == keys && now_us < found.verified.until_us).then_some(found.verified)
    }

    /// Remembers a token that was verified with these keys.
    pub(crate) fn keep(&self, token: Fingerprint, verified: Verified, keys: u64) {
        self.lock().keep(token, Entry { verified, keys });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Generations> {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn keep(&mut self, token: Fingerprint, entry: Entry) {
        if self.young.len() >= TOKENS_PER_GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(token, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Caller, Roles};

    fn verified(until_us: i64) -> Verified {
        Verified { caller: Caller::named("amira", Roles::all()).unwrap(), until_us }
    }

    #[test]
    fn a_token_counts_until_it_expires_or_the_keys_change() {
        let (tokens, token) = (VerifiedTokens::default(), Fingerprint::of("t"));
        assert_eq!(tokens.find(token, 1, 0), None);
        tokens.keep(token, verified(100), 1);
        assert_eq!(tokens.find(token, 1, 99), Some(verified(100)));
        assert_eq!(tokens.find(token, 1, 100), None, "expired");
        assert_eq!(tokens.find(token, 2, 0), None, "other keys");
        assert_eq!(tokens.find(Fingerprint::of("T"), 1, 0), None, "another token");
    }

    #[test]
    fn memory_is_bounded_and_what_is_used_stays() {
        let tokens = VerifiedTokens::default();
        let used = Fingerprint::of("used");
        tokens.keep(used, verified(1), 1);
        for number in 0..5 * TOKENS_PER_GENERATION {
            tokens.keep(Fingerprint::of(&number.to_string()), verified(1), 1);
            assert!(tokens.find(used, 1, 0).is_some(), "{number}");
        }
        let generations = tokens.lock();
        assert!(generations.young.len() + generations.old.len() <= 2 * TOKENS_PER_GENERATION);
        drop(generations);
        assert_eq!(tokens.find(Fingerprint::of("0"), 1, 0), None, "what is not used goes");
    }
}
