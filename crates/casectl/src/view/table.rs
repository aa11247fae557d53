//! Tables without borders, one line a row.
//!
//! Columns without a value in any row are left out. A table that is too wide then cuts its longest texts, loses its least
//! important columns, and at last cuts everything. Text that nobody looks at (a pipe) is neither cut nor thinned.

use console::{measure_text_width, pad_str, truncate_str};

use super::text::printable;
use super::{Paint, View};

const GAP: &str = "  ";
/// Texts are not cut below this while there is a column left to lose.
const TEXT_COLUMNS_MIN: usize = 16;

/// One column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    name: &'static str,
    /// Which columns are lost first: the highest rank. 0 is never lost.
    rank: u8,
    /// Whether its texts may be cut before others are.
    is_text: bool,
}

impl Column {
    /// One that is always there, and cut last.
    pub(crate) const fn key(name: &'static str) -> Self {
        Self { name, rank: 0, is_text: false }
    }

    /// One that is always there, and cut first.
    pub(crate) const fn text(name: &'static str) -> Self {
        Self { name, rank: 0, is_text: true }
    }

    /// One that may be lost.
    pub(crate) const fn extra(name: &'static str, rank: u8) -> Self {
        Self { name, rank, is_text: false }
    }
}

/// One cell.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    paint: Paint,
}

impl Cell {
    pub(crate) fn new(text: &str) -> Self {
        Self::painted(text, Paint::Plain)
    }

    pub(crate) fn painted(text: &str, paint: Paint) -> Self {
        Self { text: printable(text).into_owned(), paint }
    }
}

/// The rows under their columns' names.
pub(crate) fn render(view: &View, columns: &[Column], rows: &[Vec<Cell>]) -> String {
    let widths = widths(view.columns, columns, rows);
    let heads: Vec<_> = columns.iter().map(|column| Cell::painted(column.name, Paint::Faint)).collect();
    std::iter::once(&heads).chain(rows).map(|row| line(view, row, &widths)).collect()
}

/// The width of each column; `None` for one that is lost.
fn widths(limit: Option<usize>, columns: &[Column], rows: &[Vec<Cell>]) -> Vec<Option<usize>> {
    let natural = |index: usize, column: &Column| {
        let cells = rows.iter().filter_map(|row| row.get(index)).map(|cell| measure_text_width(&cell.text));
        cells.chain([measure_text_width(column.name)]).max()
    };
    let mut widths: Vec<_> = columns.iter().enumerate().map(|(index, column)| natural(index, column)).collect();
    let Some(limit) = limit else { return widths };
    for (index, column) in columns.iter().enumerate() {
        let is_empty = rows.iter().all(|row| row.get(index).is_none_or(|cell| cell.text.is_empty()));
        if column.rank > 0 && is_empty {
            widths[index] = None;
        }
    }
    while least(columns, &widths) > limit {
        let ranks = columns.iter().zip(&widths).enumerate().filter(|(_, (_, width))| width.is_some());
        let Some((index, _)) = ranks.filter(|(_, (c, _))| c.rank > 0).max_by_key(|(_, (c, _))| c.rank) else { break };
        widths[index] = None;
    }
    while total(&widths) > limit {
        let Some(index) = widest(columns, &widths) else { break };
        widths[index] = widths[index].map(|width| width - 1);
    }
    widths
}

/// The width of the whole if texts are cut as far as is sensible.
fn least(columns: &[Column], widths: &[Option<usize>]) -> usize {
    let cut = columns
        .iter()
        .zip(widths)
        .map(|(column, width)| width.map(|width| if column.is_text { width.min(TEXT_COLUMNS_MIN) } else { width }));
    total(&cut.collect::<Vec<_>>())
}

fn total(widths: &[Option<usize>]) -> usize {
    let kept = widths.iter().flatten();
    kept.clone().sum::<usize>() + GAP.len() * kept.count().saturating_sub(1)
}

/// The column to cut next: the widest text, then the widest of all.
fn widest(columns: &[Column], widths: &[Option<usize>]) -> Option<usize> {
    let kept = || widths.iter().enumerate().filter_map(|(index, width)| Some((index, (*width)?)));
    let text = kept().filter(|(index, width)| columns[*index].is_text && *width > TEXT_COLUMNS_MIN);
    let text = text.max_by_key(|(_, width)| *width);
    text.or_else(|| kept().filter(|(_, width)| *width > 1).max_by_key(|(_, width)| *width)).map(|(index, _)| index)
}

fn line(view: &View, row: &[Cell], widths: &[Option<usize>]) -> String {
    let kept = row.iter().zip(widths).filter_map(|(cell, width)| Some((cell, (*width)?)));
    let cells = kept.map(|(cell, width)| {
        let text = truncate_str(&cell.text, width, "…");
        let padded = pad_str(&text, width, console::Alignment::Left, None);
        let spaces = padded.len() - text.len();
        format!("{}{}", view.paint(cell.paint, &text), " ".repeat(spaces))
    });
    let line = cells.collect::<Vec<_>>().join(GAP);
    format!("{}\n", line.trim_end())
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::view::times::Clockface;

    const COLUMNS: [Column; 4] =
        [Column::key("CASE"), Column::text("TITLE"), Column::extra("TEAM", 2), Column::extra("WHO", 1)];

    fn rendered(columns: Option<usize>) -> String {
        let clockface = Clockface { now_us: 0, zone: TimeZone::UTC, times: None };
        let view = View { columns, color: false, clockface };
        let cell = |text: &str| Cell::new(text);
        let row =
            vec![cell("CASE-001"), cell("Water damage in unit 4, first floor"), cell("facilities"), cell("citra")];
        render(&view, &COLUMNS, &[row])
    }

    #[test]
    fn nothing_is_cut_where_nobody_looks() {
        let text = "CASE      TITLE                                TEAM        WHO\n\
                    CASE-001  Water damage in unit 4, first floor  facilities  citra\n";
        assert_eq!(rendered(None), text);
    }

    #[test]
    fn texts_are_cut_then_columns_are_lost_then_everything_is_cut() {
        assert_eq!(rendered(Some(50)).lines().nth(1), Some("CASE-001  Water damage in unit…  facilities  citra"));
        assert_eq!(rendered(Some(40)).lines().nth(1), Some("CASE-001  Water damage in unit 4…  citra"));
        assert_eq!(rendered(Some(30)).lines().nth(1), Some("CASE-001  Water damage in uni…"));
        assert_eq!(rendered(Some(10)).lines().nth(1), Some("CAS…  Wat…"));
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for columns in 8..120 {
            let widest = rendered(Some(columns)).lines().map(measure_text_width).max().unwrap();
            assert!(widest <= columns, "{widest} > {columns}");
        }
    }
}
