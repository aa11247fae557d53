//! Pages of lists: one, or all of them.

use serde_json::json;

use crate::cli::PageArgs;
use crate::problem::Problem;
use crate::session::Session;

/// Rows of a page where all pages are wanted: the most that a server gives.
pub(super) const PAGE_SIZE_MAX: i32 = 1_000;

impl PageArgs {
    /// What to ask for; 0 is the server's default.
    pub(super) fn size(&self) -> i32 {
        self.page_size.unwrap_or(if self.all { PAGE_SIZE_MAX } else { 0 })
    }
}

/// Where a walk over pages stands.
pub(super) struct Walk {
    all: bool,
    /// What to ask for next.
    pub(super) token: String,
}

impl Walk {
    pub(super) fn new(args: &PageArgs) -> Self {
        Self { all: args.all, token: args.page_token.clone() }
    }

    /// Every page from the first one.
    pub(super) const fn whole() -> Self {
        Self { all: true, token: String::new() }
    }

    /// Whether to go on, after a page that ended with `next`.
    pub(super) fn goes_on(&mut self, next: String) -> bool {
        self.token = next;
        self.all && !self.token.is_empty()
    }

    /// Says how to get the rest, if there is any.
    pub(super) fn tell_rest(&self, session: &mut Session) {
        if self.token.is_empty() {
            return;
        }
        let text = format!("There are more: --all, or the next page with --page-token {}", self.token);
        session.note(&text, &json!({ "nextPageToken": self.token }));
    }
}

/// Says that nothing matches: an empty table looks like a mistake. For programs nothing is said: no lines are none.
pub(super) fn tell_none(session: &mut Session, what: &str) -> Result<(), Problem> {
    session.print(&format!("{what}\n"))
}
