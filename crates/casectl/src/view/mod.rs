//! What people see: paragraphs and tables that fit their terminal.

pub(crate) mod case;
pub(crate) mod diagnostics;
pub(crate) mod history;
pub(crate) mod lifecycle;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod times;

use console::{Color, Style};

use times::Clockface;

/// Paragraphs are not wider than this, however wide the terminal is: longer lines are hard to read.
const PARAGRAPH_COLUMNS_MAX: usize = 100;

/// How to write for the one who looks.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// The columns of the terminal; `None`: whatever is needed, as nobody looks.
    pub(crate) columns: Option<usize>,
    /// Whether to colour.
    pub(crate) color: bool,
    /// How to write times.
    pub(crate) clockface: Clockface,
}

/// What a colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Paint {
    /// Nothing.
    #[default]
    Plain,
    /// The thing itself.
    Strong,
    /// Less important than the rest.
    Faint,
    /// Work goes on.
    Good,
    /// Somebody is awaited, or attention is wanted.
    Waiting,
    /// Work has ended.
    Ended,
    /// Something is wrong.
    Bad,
}

impl View {
    /// Coloured, if colours are on.
    pub(crate) fn paint(&self, paint: Paint, text: &str) -> String {
        if !self.color || paint == Paint::Plain || text.is_empty() {
            return text.to_owned();
        }
        style(paint).apply_to(text).to_string()
    }

    /// A name and its value.
    pub(crate) fn field(&self, name: &str, value: &str) -> String {
        const NAME_COLUMNS: usize = 10;
        self.beside(&format!("  {name:<NAME_COLUMNS$}  "), Paint::Faint, value)
    }

    /// A text beside its head; it goes on below itself where it is too long for one line.
    pub(crate) fn beside(&self, head: &str, paint: Paint, text: &str) -> String {
        let columns = console::measure_text_width(head);
        let (head, indent) = (self.paint(paint, head), " ".repeat(columns));
        let margins = std::iter::once(&head).chain(std::iter::repeat(&indent));
        let lines = self.wrapped(text, columns);
        let lines =
            lines.iter().zip(margins).map(|(line, margin)| format!("{margin}{line}").trim_end().to_owned() + "\n");
        lines.collect::<Vec<_>>().concat()
    }

    /// Pieces beside each other; those that do not fit go on below, indented. A piece is broken only if it is too long for a
    /// line of its own.
    pub(crate) fn pieces(&self, pieces: &[(Paint, &str)]) -> String {
        const GAP: &str = "  ";
        let limit = self.columns.unwrap_or(usize::MAX);
        let (mut text, mut used) = (String::new(), 0);
        for (paint, piece) in pieces.iter().filter(|(_, piece)| !piece.is_empty()) {
            let piece = text::printable(piece);
            let width = console::measure_text_width(&piece);
            if used > 0 && used + GAP.len() + width > limit {
                text.push('\n');
                used = 0;
            }
            let is_indented = used > 0 || !text.is_empty();
            let margin = if is_indented { GAP } else { "" };
            if used == 0 && margin.len() + width > limit {
                text.push_str(self.paragraph(&piece, margin.len()).trim_end_matches('\n'));
                used = limit;
            } else {
                text.push_str(margin);
                text.push_str(&self.paint(*paint, &piece));
                used += margin.len() + width;
            }
        }
        text + "\n"
    }

    /// Several lines, indented.
    pub(crate) fn paragraph(&self, text: &str, indent: usize) -> String {
        let margin = " ".repeat(indent);
        let lines = self.wrapped(text, indent);
        let lines: Vec<_> = lines.iter().map(|line| format!("{margin}{line}").trim_end().to_owned() + "\n").collect();
        lines.concat()
    }

    fn wrapped(&self, text: &str, indent: usize) -> Vec<String> {
        let text = text::prose(text);
        let Some(columns) = self.columns else { return text.split('\n').map(ToOwned::to_owned).collect() };
        let columns = columns.saturating_sub(indent).clamp(8, PARAGRAPH_COLUMNS_MAX);
        textwrap::wrap(&text, columns).into_iter().map(std::borrow::Cow::into_owned).collect()
    }
}

fn style(paint: Paint) -> Style {
    let style = Style::new().force_styling(true);
    match paint {
        Paint::Plain => style,
        Paint::Strong => style.bold(),
        Paint::Faint => style.dim(),
        Paint::Good => style.fg(Color::Green),
        Paint::Waiting => style.fg(Color::Yellow),
        Paint::Ended => style.fg(Color::Blue),
        Paint::Bad => style.fg(Color::Red),
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn view(columns: Option<usize>) -> View {
        View { columns, color: false, clockface: Clockface { now_us: 0, zone: TimeZone::UTC, times: None } }
    }

    #[test]
    fn pieces_stand_side_by_side_as_long_as_they_fit() {
        let pieces = [(Paint::Plain, "2026-11-23"), (Paint::Strong, "moved by amira"), (Paint::Faint, "(version 2)")];
        let shown = |columns| view(columns).pieces(&pieces);
        assert_eq!(shown(None), "2026-11-23  moved by amira  (version 2)\n");
        assert_eq!(shown(Some(39)), "2026-11-23  moved by amira  (version 2)\n");
        assert_eq!(shown(Some(38)), "2026-11-23  moved by amira\n  (version 2)\n");
        assert_eq!(shown(Some(16)), "2026-11-23\n  moved by amira\n  (version 2)\n");
        assert_eq!(shown(Some(12)), "2026-11-23\n  moved by\n  amira\n  (version\n  2)\n");
    }
}
