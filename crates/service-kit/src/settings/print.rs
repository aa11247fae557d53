//! The configuration in force, as a configuration file: what `config print` shows.

use std::fmt::Write;

use super::configuration::Configuration;
use super::problem::Problem;

impl Configuration {
    /// A TOML file that gives these settings again; each line ends in a comment that names the source of its value.
    ///
    /// An invalid configuration is printed too, because that is when one needs to see it: the problems come first, as
    /// comments.
    pub fn print(&self) -> String {
        let mut text = heading(&self.problems);
        let mut section = "";
        for line in self.provenance.keys() {
            let (above, name) = line.key.rsplit_once('.').unwrap_or(("", line.key));
            if above != section {
                section = above;
                // Writing to a string cannot fail.
                let _ = writeln!(text, "\n[{section}]");
            }
            let _ = writeln!(text, "{name} = {} # {}", line.value, one_line(&line.source.to_string()));
        }
        text
    }
}

fn heading(problems: &[Problem]) -> String {
    if problems.is_empty() {
        return String::new();
    }
    let mut text = format!("# THIS CONFIGURATION IS NOT VALID: {}\n", count(problems));
    for problem in problems {
        let _ = writeln!(text, "#   {}", one_line(&problem.to_string()));
    }
    text.push('\n');
    text
}

/// `1 problem`, `3 problems`.
pub(crate) fn count(problems: &[Problem]) -> String {
    let plural = if problems.len() == 1 { "" } else { "s" };
    format!("{} problem{plural}", problems.len())
}

/// The name of a file may contain a line break; a comment may not.
fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control(), " ")
}
