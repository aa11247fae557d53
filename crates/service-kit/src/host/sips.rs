//! How much a connection is read at a time after it had to wait.
//!
//! HTTP/2 reads a connection until it is empty before anybody sees the first of its calls: with a full socket that is
//! hundreds of them, all refused at once by a server that has no room. So a connection that was held up is read in sips, and
//! each is looked at before the next: a pause comes after a handful of refusals.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

/// What is read at once, in bytes: a dozen calls' headers.
const SIP: u64 = 512;

/// So many sips without a pause in between, and the connection is read as any other.
const SIPS: u32 = 1_024;

/// Where one connection stands.
#[derive(Debug, Default)]
pub(super) struct Sips {
    left: u32,
    /// What was read last has not been looked at.
    unseen: Arc<AtomicBool>,
}

impl Sips {
    /// The connection has to wait.
    pub(super) const fn begin(&mut self) {
        self.left = SIPS;
    }

    /// How many bytes may be read now at most; none as long as others have something to do first.
    pub(super) fn next(&self) -> Option<u64> {
        if self.left == 0 {
            Some(u64::MAX)
        } else if self.unseen.load(Ordering::Relaxed) {
            None
        } else {
            Some(SIP)
        }
    }

    /// A sip was read. `connection` is woken when the calls in it have been looked at: a lane runs its tasks in the order in
    /// which they became ready, so this one wakes the connection behind those that it is about to start. Waking it at once
    /// would not do: it reads on within the same turn.
    pub(super) fn took(&mut self, connection: &Waker) {
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        self.unseen.store(true, Ordering::Relaxed);
        let (unseen, connection) = (Arc::clone(&self.unseen), connection.clone());
        drop(tokio::spawn(async move {
            unseen.store(false, Ordering::Relaxed);
            connection.wake();
        }));
    }
}

#[cfg(test)]
mod tests {
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[test]
    fn who_never_had_to_wait_is_read_without_a_bound() {
        let mut sips = Sips::default();
        assert_eq!(sips.next(), Some(u64::MAX));
        sips.took(&Waker::from(Arc::new(Woken::default())));
        assert_eq!(sips.next(), Some(u64::MAX));
    }

    #[tokio::test]
    async fn after_a_pause_each_sip_is_looked_at_before_the_next_until_there_were_enough() {
        let mut sips = Sips::default();
        sips.begin();
        for _ in 0..SIPS {
            let woken = Arc::new(Woken::default());
            assert_eq!(sips.next(), Some(SIP));
            sips.took(&Waker::from(Arc::clone(&woken)));
            let looked_at = tokio::spawn(async move { woken.0.load(Ordering::Relaxed) });
            assert!(sips.left == 0 || sips.next().is_none(), "not before others had their turn");
            assert!(looked_at.await.unwrap());
        }
        assert_eq!(sips.next(), Some(u64::MAX));
    }
}
