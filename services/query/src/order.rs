//! In which order cases are listed, and where a page ended.

use std::fmt;

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SortKey {
    /// When the case was created.
    CreateTime,
    /// When it was last changed.
    UpdateTime,
    /// When it should be done.
    DueTime,
    /// When it was closed.
    CloseTime,
    /// How soon it must be dealt with.
    Priority,
    /// How bad it is.
    Severity,
    /// Its status, by name.
    Status,
    /// Who works on it.
    Assignee,
    /// What it is about.
    Title,
    /// Its number.
    CaseId,
}

/// Which way a list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// The smallest first; what is not set is smaller than everything else.
    Ascending,
    /// The greatest first.
    Descending,
}

/// How a list is sorted. Equal keys are told apart by the number of the case, in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    /// By what.
    pub(crate) key: SortKey,
    /// Which way.
    pub(crate) direction: Direction,
}

/// The text is no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be {}, which ` asc` or ` desc` may follow", SortKey::ALL.map(SortKey::as_str).join(", "))]
pub(crate) struct InvalidOrder;

impl SortKey {
    /// Every key.
    pub(crate) const ALL: [Self; 10] = [
        Self::CreateTime,
        Self::UpdateTime,
        Self::DueTime,
        Self::CloseTime,
        Self::Priority,
        Self::Severity,
        Self::Status,
        Self::Assignee,
        Self::Title,
        Self::CaseId,
    ];

    /// The name in `order_by`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::CreateTime => "create_time",
            Self::UpdateTime => "update_time",
            Self::DueTime => "due_time",
            Self::CloseTime => "close_time",
            Self::Priority => "priority",
            Self::Severity => "severity",
            Self::Status => "status",
            Self::Assignee => "assignee",
            Self::Title => "title",
            Self::CaseId => "case_id",
        }
    }

    /// Whether its values are texts; else they are integers.
    pub(crate) const fn is_text(self) -> bool {
        match self {
            Self::Status | Self::Assignee | Self::Title => true,
            Self::CreateTime
            | Self::UpdateTime
            | Self::DueTime
            | Self::CloseTime
            | Self::Priority
            | Self::Severity
            | Self::CaseId => false,
        }
    }
}

impl Order {
    /// The newest first.
    pub(crate) const DEFAULT: Self = Self { key: SortKey::CreateTime, direction: Direction::Descending };

    /// Reads `order_by`; empty: the newest first.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidOrder> {
        let mut words = text.split_ascii_whitespace();
        let Some(name) = words.next() else {
            return Ok(Self::DEFAULT);
        };
        let key = SortKey::ALL.into_iter().find(|key| key.as_str() == name).ok_or(InvalidOrder)?;
        let direction = match (words.next(), words.next()) {
            (None | Some("asc"), None) => Direction::Ascending,
            (Some("desc"), None) => Direction::Descending,
            (None | Some(_), None | Some(_)) => return Err(InvalidOrder),
        };
        Ok(Self { key, direction })
    }
}

impl fmt::Display for Order {
    /// The canonical text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = match self.direction {
            Direction::Ascending => "asc",
            Direction::Descending => "desc",
        };
        write!(f, "{} {direction}", self.key.as_str())
    }
}

/// The value that a case is sorted by, as it stands in its row. Texts are in the order of their code points, which is that
/// of their bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SortValue {
    /// A number, a rank or microseconds.
    Number(i64),
    /// A text.
    Text(String),
}

/// Where a page ended: the next one begins right behind it, whatever has become of the case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The sort key of the last case, as it was then; the number again where the list is sorted by it.
    pub(crate) key: SortValue,
    /// Its number.
    pub(crate) number: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_read_back_and_the_newest_come_first_by_default() {
        assert_eq!(Order::parse("").unwrap().to_string(), "create_time desc");
        for key in SortKey::ALL {
            let text = key.as_str();
            assert_eq!(Order::parse(text).unwrap().to_string(), format!("{text} asc"));
            for direction in ["asc", "desc"] {
                let text = format!("{text} {direction}");
                assert_eq!(Order::parse(&text).unwrap().to_string(), text);
            }
        }
    }

    #[test]
    fn what_is_no_order_is_refused_and_told_which_there_are() {
        for text in ["reporter", "create_time DESC", "create_time desc desc", "create_time, case_id", "desc"] {
            assert_eq!(Order::parse(text), Err(InvalidOrder), "{text}");
        }
        assert!(InvalidOrder.to_string().starts_with("must be create_time, update_time, due_time, "));
    }
}
