//! How much a connection is read at a time after it had to wait.
//!
//! HTTP/2 reads a connection until it is empty before anybody sees the first of its calls: with a full socket that is
//! hundreds of them, all refused at once by a server that has no room. So a connection that was held up is read in sips, and
//! each is looked at before the next: a pause comes after a handful of refusals.

/// What is read at once, in bytes: a dozen calls' headers.
const SIP: u64 = 512;

/// So many sips without a pause in between, and the connection is read as any other.
const SIPS: u32 = 1_024;

/// Where one connection stands.
#[derive(Debug, Default)]
pub(super) struct Sips {
    left: u32,
    /// What was read last has not been looked at.
    unseen: bool,
}

impl Sips {
    /// Of a connection that has to wait.
    pub(super) const fn after_a_pause() -> Self {
        Self { left: SIPS, unseen: false }
    }

    /// How many bytes may be read now at most; nothing as long as others have something to do first.
    pub(super) const fn next(&mut self) -> Option<u64> {
        if self.left == 0 {
            return Some(u64::MAX);
        }
        self.unseen = !self.unseen;
        if !self.unseen {
            return None;
        }
        self.left -= 1;
        Some(SIP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_never_had_to_wait_is_read_without_a_bound() {
        let mut sips = Sips::default();
        assert_eq!([sips.next(), sips.next()], [Some(u64::MAX); 2]);
    }

    #[test]
    fn after_a_pause_each_sip_is_looked_at_before_the_next_until_there_were_enough() {
        let mut sips = Sips::after_a_pause();
        for sip in 0..SIPS {
            assert_eq!(sips.next(), Some(SIP));
            let looked_at = sips.next();
            assert_eq!(looked_at, if sip + 1 < SIPS { None } else { Some(u64::MAX) });
        }
    }
}
