//! How many files this process may have open: connections count, too.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the limit to what the operator allows at all. Shells and supervisors give 1,024 by default, for programs that use
/// `select`, while three servers with `limits.connections` = 1,024 each need more; the hard limit is the operator's word.
pub(super) fn allow_as_many_as_possible() {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        // Where it is refused everything goes on as it was: connections beyond it wait in the kernel.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_open_files_is_as_high_as_it_may_be() {
        allow_as_many_as_possible();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
