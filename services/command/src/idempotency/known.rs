//! The keys in memory: exact, and as small as they can be.
//!
//! Ids are consecutive, oldest first, so the entries stand in a queue in which the id is the place; the table beside it has
//! nothing but 32 bits of hash and 32 bits of id for each. That is some 42 bytes a key when it has just been filled, and up to 85
//! when queue and table have doubled; a `HashMap` of the same copies all of it while it grows.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::{Digest, KeyedRequest};

/// Every remembered key.
#[derive(Debug)]
pub(super) struct Known {
    /// The id of the first entry.
    first_id: u64,
    entries: VecDeque<KeyedRequest>,
    table: HashTable<Slot>,
    hashing: Hashing,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    hash: u32,
    /// The low half of the id; the queue has fewer entries than that.
    id: u32,
}

impl Slot {
    /// The table looks at the lowest bits and at the highest ones.
    const fn hash(self) -> u64 {
        spread(self.hash)
    }
}

const fn spread(hash: u32) -> u64 {
    (hash as u64) << 32 | hash as u64
}

/// Keys are hashes already, but of texts that callers choose: with secret factors nobody can choose keys that collide.
#[derive(Debug)]
struct Hashing {
    secrets: [u64; 2],
}

impl Hashing {
    fn new() -> Self {
        Self { secrets: [0_u8, 1].map(|n| RandomState::new().hash_one(n)) }
    }

    fn of(&self, key: &Digest) -> u32 {
        let key = u128::from_le_bytes(*key);
        #[expect(clippy::cast_possible_truncation, reason = "both halves, and of the product the mixed middle")]
        {
            let halves = [key as u64 ^ self.secrets[0], (key >> 64) as u64 ^ self.secrets[1]];
            let product = u128::from(halves[0]) * u128::from(halves[1]);
            ((product >> 64) as u64 ^ product as u64) as u32
        }
    }
}

impl Known {
    /// Without any key; the first one gets this id.
    pub(super) fn from_id(first_id: u64) -> Self {
        Self { first_id, entries: VecDeque::new(), table: HashTable::new(), hashing: Hashing::new() }
    }

    /// Makes room for so many more at once.
    pub(super) fn reserve(&mut self, additional: usize) {
        self.entries.reserve(additional);
        self.table.reserve(additional, |slot| slot.hash());
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The id of the next key.
    pub(super) fn next_id(&self) -> u64 {
        self.first_id + self.entries.len() as u64
    }

    /// What a key was used for, and its id.
    pub(super) fn get(&self, key: &Digest) -> Option<(u64, &KeyedRequest)> {
        let hash = self.hashing.of(key);
        let slot = self.table.find(spread(hash), |slot| slot.hash == hash && self.is_of(*slot, key))?;
        let place = self.place(*slot);
        self.entries.get(place).map(|entry| (self.first_id + place as u64, entry))
    }

    /// Adds a key that is not there yet, under the next id.
    pub(super) fn push(&mut self, entry: KeyedRequest) {
        let hash = self.hashing.of(&entry.key_hash);
        #[expect(clippy::cast_possible_truncation, reason = "the low half is what is stored")]
        let id = self.next_id() as u32;
        self.table.insert_unique(spread(hash), Slot { hash, id }, |slot| slot.hash());
        self.entries.push_back(entry);
    }

    /// Forgets the latest key.
    pub(super) fn pop_latest(&mut self) {
        if self.entries.is_empty() {
            return;
        }
        self.unlist(self.entries.len() - 1);
        self.entries.pop_back();
    }

    /// Forgets every key up to this id.
    pub(super) fn forget_up_to(&mut self, id: u64) {
        while !self.entries.is_empty() && self.first_id <= id {
            self.unlist(0);
            self.entries.pop_front();
            self.first_id += 1;
        }
    }

    /// Takes the entry at a place out of the table.
    fn unlist(&mut self, place: usize) {
        let hash = self.hashing.of(&self.entries[place].key_hash);
        #[expect(clippy::cast_possible_truncation, reason = "the low half is what is stored")]
        let id = (self.first_id + place as u64) as u32;
        if let Entry::Occupied(slot) = self.table.entry(spread(hash), |slot| slot.id == id, |slot| slot.hash()) {
            slot.remove();
        }
    }

    fn is_of(&self, slot: Slot, key: &Digest) -> bool {
        self.entries.get(self.place(slot)).is_some_and(|entry| entry.key_hash == *key)
    }

    fn place(&self, slot: Slot) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "the low halves tell how far apart they are")]
        let first = self.first_id as u32;
        slot.id.wrapping_sub(first) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(n: u64) -> KeyedRequest {
        let mut key_hash = [0; 16];
        // The worst there is: keys that differ in few bits.
        key_hash[..8].copy_from_slice(&n.to_le_bytes());
        KeyedRequest { key_hash, fingerprint: [n.to_le_bytes()[0]; 16] }
    }

    #[test]
    fn every_key_is_found_under_its_id_and_no_other_one() {
        // Ids whose low half begins anew on the way.
        let first = u64::from(u32::MAX) - 500;
        let mut known = Known::from_id(first);
        known.reserve(100);
        for n in 0..2_000 {
            assert_eq!(known.next_id(), first + n);
            known.push(request(n));
        }
        for n in 0..2_000 {
            assert_eq!(known.get(&request(n).key_hash), Some((first + n, &request(n))));
        }
        assert_eq!(known.get(&request(2_000).key_hash), None);
    }

    #[test]
    fn the_oldest_and_the_latest_are_forgotten_and_may_come_again() {
        let mut known = Known::from_id(1);
        (0..100).for_each(|n| known.push(request(n)));
        known.forget_up_to(40);
        known.pop_latest();
        assert_eq!((known.len(), known.next_id()), (59, 100));
        for n in 0..100 {
            let expected = (40..99).contains(&n).then(|| n + 1);
            assert_eq!(known.get(&request(n).key_hash).map(|(id, _)| id), expected, "{n}");
        }
        known.push(request(3));
        assert_eq!(known.get(&request(3).key_hash), Some((100, &request(3))));
        known.forget_up_to(u64::MAX);
        known.pop_latest();
        assert_eq!((known.len(), known.next_id(), known.get(&request(3).key_hash)), (0, 101, None));
    }
}
