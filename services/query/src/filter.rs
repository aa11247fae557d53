//! Which cases to list, and in which order.

use std::collections::BTreeSet;

use case_domain::Timestamp;

/// Which cases to list. An empty set matches every case; the values of a set are joined by OR.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Filter {
    /// Names of the lifecycle. One that it lacks matches nothing: the projection may be behind.
    pub(crate) statuses: BTreeSet<String>,
    /// Names of categories.
    pub(crate) status_categories: BTreeSet<String>,
    /// Names of priorities; an empty one: none.
    pub(crate) priorities: BTreeSet<String>,
    /// Exact names; an empty one: nobody.
    pub(crate) assignees: BTreeSet<String>,
    /// Exact names; an empty one: nobody.
    pub(crate) reporters: BTreeSet<String>,
    /// Tags that a case must have, every one.
    pub(crate) tags_all: BTreeSet<String>,
    /// Created then or later.
    pub(crate) created_from: Option<Timestamp>,
    /// Created before.
    pub(crate) created_before: Option<Timestamp>,
}

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SortKey {
    /// When the case was created.
    CreateTime,
    /// When it was last changed.
    UpdateTime,
    /// Its number.
    CaseId,
}

/// Which way a list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// The smallest first.
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
#[error("must be create_time, update_time or case_id, which ` asc` or ` desc` may follow")]
pub(crate) struct InvalidOrder;

impl Order {
    /// Reads `order_by`; empty: the newest first.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidOrder> {
        let mut words = text.split_ascii_whitespace();
        let Some(key) = words.next() else {
            return Ok(Self { key: SortKey::CreateTime, direction: Direction::Descending });
        };
        let key = match key {
            "create_time" => SortKey::CreateTime,
            "update_time" => SortKey::UpdateTime,
            "case_id" => SortKey::CaseId,
            _ => return Err(InvalidOrder),
        };
        let direction = match (words.next(), words.next()) {
            (None | Some("asc"), None) => Direction::Ascending,
            (Some("desc"), None) => Direction::Descending,
            (None | Some(_), None | Some(_)) => return Err(InvalidOrder),
        };
        Ok(Self { key, direction })
    }

    /// The canonical text.
    pub(crate) const fn as_str(self) -> &'static str {
        match (self.key, self.direction) {
            (SortKey::CreateTime, Direction::Ascending) => "create_time asc",
            (SortKey::CreateTime, Direction::Descending) => "create_time desc",
            (SortKey::UpdateTime, Direction::Ascending) => "update_time asc",
            (SortKey::UpdateTime, Direction::Descending) => "update_time desc",
            (SortKey::CaseId, Direction::Ascending) => "case_id asc",
            (SortKey::CaseId, Direction::Descending) => "case_id desc",
        }
    }
}

/// Where a page ended: the next one begins right behind it, whatever has become of the case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The sort key of the last case, as it was then; the number again where the list is sorted by it.
    pub(crate) key: i64,
    /// Its number.
    pub(crate) number: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_read_back_and_the_newest_come_first_by_default() {
        assert_eq!(Order::parse("").unwrap().as_str(), "create_time desc");
        for text in ["create_time", "update_time", "case_id"] {
            assert_eq!(Order::parse(text).unwrap().as_str(), format!("{text} asc"));
            for direction in ["asc", "desc"] {
                let text = format!("{text} {direction}");
                assert_eq!(Order::parse(&text).unwrap().as_str(), text);
            }
        }
    }

    #[test]
    fn what_is_no_order_is_refused() {
        for text in ["title", "create_time DESC", "create_time desc desc", "create_time, case_id", "desc"] {
            assert_eq!(Order::parse(text), Err(InvalidOrder), "{text}");
        }
    }
}
