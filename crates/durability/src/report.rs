//! What was counted, for people.

use std::io::Write;

/// Lines of figures, and whether they are as they must be.
#[derive(Debug, Default)]
pub(crate) struct Report {
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    what: String,
    found: String,
    holds: bool,
}

impl Report {
    /// A figure that is told, and judged by nothing.
    pub(crate) fn told(&mut self, what: &str, count: usize) {
        self.add(what, count.to_string(), true);
    }

    /// A count that must be zero.
    pub(crate) fn must_be_none(&mut self, what: &str, count: usize) {
        self.add(what, count.to_string(), count == 0);
    }

    /// A control: what it counts must happen, or the harness proves nothing.
    pub(crate) fn control(&mut self, what: &str, count: usize) {
        self.add(&format!("control: {what}"), format!("{count} (must not be 0)"), count > 0);
    }

    /// Something that must be so.
    pub(crate) fn must(&mut self, what: &str, holds: bool) {
        self.add(what, if holds { "yes" } else { "NO" }.to_owned(), holds);
    }

    /// Whether everything is as it must be.
    pub(crate) fn holds(&self) -> bool {
        !self.lines.is_empty() && self.lines.iter().all(|line| line.holds)
    }

    /// Prints the lines to standard output.
    pub(crate) fn print(&self) {
        let width = self.lines.iter().map(|line| line.what.chars().count()).max().unwrap_or_default();
        let mut out = std::io::stdout().lock();
        for Line { what, found, holds } in &self.lines {
            let mark = if *holds { "ok    " } else { "BROKEN" };
            // Nobody is left to tell when standard output is closed.
            let _ = writeln!(out, "{mark}  {what:width$}  {found}");
        }
    }

    fn add(&mut self, what: &str, found: String, holds: bool) {
        self.lines.push(Line { what: what.to_owned(), found, holds });
    }
}

/// One line to standard error: progress, or why there is no report.
pub(crate) fn complain(text: &str) {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "case-durability: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_holds_only_if_something_was_counted_and_all_of_it_is_right() {
        assert!(!Report::default().holds());
        let mut report = Report::default();
        report.must_be_none("lost", 0);
        report.control("lost without syncs", 3);
        assert!(report.holds());
        report.control("lost when acknowledged early", 0);
        assert!(!report.holds());
        let mut broken = Report::default();
        broken.must_be_none("lost", 1);
        assert!(!broken.holds());
    }
}
