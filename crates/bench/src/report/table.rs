//! Results for people.

use std::io::{self, Write};

use super::{Figure, Section, Target, Verdict};

/// Writes one part of a report.
pub(crate) fn print(out: &mut impl Write, section: &Section) -> io::Result<()> {
    writeln!(out, "\n{}", section.title)?;
    let width = section.figures.iter().map(|figure| figure.name.chars().count()).max().unwrap_or(0);
    for figure in &section.figures {
        writeln!(out, "  {}", figure_line(figure, width))?;
    }
    for verdict in &section.verdicts {
        writeln!(out, "  {}", verdict_line(verdict))?;
    }
    for note in &section.notes {
        writeln!(out, "  ({note})")?;
    }
    for problem in &section.problems {
        writeln!(out, "  PROBLEM: {problem}")?;
    }
    Ok(())
}

fn figure_line(figure: &Figure, width: usize) -> String {
    let (least, most) = figure.range();
    let line = format!("{:width$}  {:>10} {}", figure.name, number(figure.median()), figure.unit);
    if figure.samples.len() < 2 {
        return line;
    }
    format!("{line}  ({} to {})", number(least), number(most))
}

fn verdict_line(verdict: &Verdict) -> String {
    let Verdict { id, what, value, target, met } = verdict;
    let target = match target {
        Target::AtLeast(least) => format!(">= {}", number(*least)),
        Target::AtMost(most) => format!("<= {}", number(*most)),
    };
    let met = if *met { "met" } else { "MISSED" };
    format!("{id:>3}  {met:<6}  {} (target {target})  {what}", number(*value))
}

/// Three digits that matter, or whole numbers.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 || size == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_sees_median_range_verdicts_and_problems() {
        let mut section = Section::new("write");
        section.figure("CreateCase", "/s", vec![9_000.4, 11_000.0, 10_000.0]);
        section.verdict("P1", "CreateCase / echo", 0.55, Target::AtLeast(0.6));
        section.problems.push("3 calls failed: OVERLOADED".to_owned());
        let mut out = Vec::new();
        print(&mut out, &section).expect("memory takes everything");
        let text = String::from_utf8(out).expect("text");
        let expected = "\nwrite\n  CreateCase       10000 /s  (9000 to 11000)\n   P1  MISSED  0.550 (target >= 0.600)  \
                        CreateCase / echo\n  PROBLEM: 3 calls failed: OVERLOADED\n";
        assert_eq!(text, expected);
    }
}
