//! Which index a list is read by.

use std::collections::BTreeSet;

use crate::filter::Filter;
use crate::order::{SortKey, SortValue};

/// What narrows a list.
pub(super) enum Drive<'a> {
    /// Nothing: a walk over all cases in the list's order.
    Walk { index: &'static str },
    /// Values of a column, by an index.
    Column { field: Field, index: &'static str, values: Values<'a> },
    /// A tag.
    Tag(&'a str),
}

/// A field of which a filter names values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Assignee,
    Team,
    Reporter,
    Status,
    StatusCategory,
    Priority,
    Severity,
}

/// The values of one field of a filter.
#[derive(Clone, Copy)]
pub(super) enum Values<'a> {
    Texts(&'a BTreeSet<String>),
    Ranks(&'a BTreeSet<i64>),
}

impl<'a> Values<'a> {
    pub(super) fn is_empty(self) -> bool {
        match self {
            Self::Texts(texts) => texts.is_empty(),
            Self::Ranks(ranks) => ranks.is_empty(),
        }
    }

    pub(super) fn each(self) -> Box<dyn Iterator<Item = SortValue> + 'a> {
        match self {
            Self::Texts(texts) => Box::new(texts.iter().cloned().map(SortValue::Text)),
            Self::Ranks(ranks) => Box::new(ranks.iter().copied().map(SortValue::Number)),
        }
    }

    /// Whether the cases without a value are asked for: they may be most of all cases.
    fn has_unset(self) -> bool {
        match self {
            Self::Texts(texts) => texts.contains(""),
            Self::Ranks(ranks) => ranks.contains(&0),
        }
    }
}

/// Every field with its values, the one first that matches the fewest cases as a rule.
pub(super) fn fields(filter: &Filter) -> [(Field, Values<'_>); 7] {
    [
        (Field::Assignee, Values::Texts(&filter.assignees)),
        (Field::Team, Values::Texts(&filter.teams)),
        (Field::Reporter, Values::Texts(&filter.reporters)),
        (Field::Status, Values::Texts(&filter.statuses)),
        (Field::StatusCategory, Values::Texts(&filter.status_categories)),
        (Field::Priority, Values::Ranks(&filter.priorities)),
        (Field::Severity, Values::Ranks(&filter.severities)),
    ]
}

impl Field {
    /// Its column.
    pub(super) const fn column(self) -> &'static str {
        match self {
            Self::Assignee => "assignee",
            Self::Team => "team",
            Self::Reporter => "reporter",
            Self::Status => "status",
            Self::StatusCategory => "status_category",
            Self::Priority => "priority",
            Self::Severity => "severity",
        }
    }

    /// The index that has the cases of one value in the order of a key.
    fn in_order(self, key: SortKey) -> Option<&'static str> {
        IN_ORDER.into_iter().find(|(field, keys, _)| *field == self && keys.contains(&key)).map(|(_, _, index)| index)
    }

    /// Whether a value has few cases as a rule, and then its index, in whatever order: sorting them is cheap.
    const fn few(self) -> Option<&'static str> {
        match self {
            Self::Assignee => Some("cases_by_assignee"),
            Self::Team => Some("cases_by_team_create_time"),
            Self::Reporter => Some("cases_by_reporter_create_time"),
            Self::Status | Self::StatusCategory | Self::Priority | Self::Severity => None,
        }
    }
}

/// Which indexes have the cases of one value of a field in the order of which keys.
const IN_ORDER: [(Field, &[SortKey], &str); 11] = [
    (Field::Assignee, &[SortKey::CreateTime], "cases_by_assignee_create_time"),
    (Field::Assignee, &[SortKey::UpdateTime], "cases_by_assignee_update_time"),
    (Field::Assignee, &[SortKey::Assignee, SortKey::CaseId], "cases_by_assignee"),
    (Field::Team, &[SortKey::CreateTime], "cases_by_team_create_time"),
    (Field::Reporter, &[SortKey::CreateTime], "cases_by_reporter_create_time"),
    (Field::Status, &[SortKey::CreateTime], "cases_by_status_create_time"),
    (Field::Status, &[SortKey::UpdateTime], "cases_by_status_update_time"),
    (Field::Status, &[SortKey::Status, SortKey::CaseId], "cases_by_status"),
    (Field::StatusCategory, &[SortKey::CreateTime], "cases_by_category_create_time"),
    (Field::Priority, &[SortKey::Priority, SortKey::CaseId], "cases_by_priority"),
    (Field::Severity, &[SortKey::Severity, SortKey::CaseId], "cases_by_severity"),
];

impl<'a> Drive<'a> {
    /// People and teams first, then tags, and last what matches many cases, such as a status. What matches few is sorted
    /// where it has no index in the list's order; where many match, looking at each row of a walk beats sorting them.
    pub(super) fn of(filter: &'a Filter, key: SortKey) -> Self {
        let tag = filter.tags_all.first();
        let by = |(field, values): (Field, Values<'a>)| {
            let in_order = field.in_order(key);
            let index = match field.few() {
                Some(few) => in_order.or_else(|| (!values.has_unset()).then_some(few)),
                None => in_order.filter(|_| tag.is_none()),
            };
            index.map(|index| Self::Column { field, index, values })
        };
        let mut given = fields(filter).into_iter().filter(|(_, values)| !values.is_empty());
        let narrow = given.find_map(by).or_else(|| tag.map(|tag| Self::Tag(tag)));
        narrow.unwrap_or_else(|| Self::Walk { index: walk(key) })
    }

    /// Whether the driving field is the sort key too: each arm is one key.
    pub(super) fn is_by(&self, key: SortKey) -> bool {
        matches!(self, Self::Column { field, .. } if field.column() == key.as_str())
    }

    /// Where an arm is read from.
    pub(super) fn source(&self) -> String {
        match self {
            Self::Walk { index } => format!("cases AS c {index}"),
            Self::Column { index, .. } => format!("cases AS c INDEXED BY {index}"),
            Self::Tag(_) => "case_tags AS t CROSS JOIN cases AS c ON c.number = t.number".to_owned(),
        }
    }

    /// The condition that begins an arm. The first placeholder is there also where nothing drives.
    pub(super) fn start(&self) -> String {
        match self {
            Self::Walk { .. } => "?1 IS NULL".to_owned(),
            Self::Column { field, .. } => format!("c.{} = ?1", field.column()),
            Self::Tag(_) => "t.tag = ?1".to_owned(),
        }
    }

    /// The value of each arm.
    pub(super) fn arms(&self) -> Vec<Option<SortValue>> {
        match self {
            Self::Walk { .. } => vec![None],
            Self::Column { values, .. } => values.each().map(Some).collect(),
            Self::Tag(tag) => vec![Some(SortValue::Text((*tag).to_owned()))],
        }
    }

    /// The column of a sort key, in the table whose order counts.
    pub(super) const fn column(&self, key: SortKey) -> &'static str {
        match key {
            SortKey::CreateTime => match self {
                Self::Tag(_) => "t.create_time_us",
                Self::Walk { .. } | Self::Column { .. } => "c.create_time_us",
            },
            SortKey::UpdateTime => "c.update_time_us",
            SortKey::DueTime => "c.due_time_us",
            SortKey::CloseTime => "c.close_time_us",
            SortKey::Priority => "c.priority",
            SortKey::Severity => "c.severity",
            SortKey::Status => "c.status",
            SortKey::Assignee => "c.assignee",
            SortKey::Title => "c.title",
            SortKey::CaseId => "c.number",
        }
    }

    /// The column of the number, likewise.
    pub(super) const fn number(&self, key: SortKey) -> &'static str {
        match (self, key) {
            (Self::Tag(_), SortKey::CreateTime) => "t.number",
            (Self::Tag(_) | Self::Walk { .. } | Self::Column { .. }, _) => "c.number",
        }
    }
}

/// How the walk over all cases in the order of a key is written.
const fn walk(key: SortKey) -> &'static str {
    match key {
        SortKey::CreateTime => "INDEXED BY cases_by_create_time",
        SortKey::UpdateTime => "INDEXED BY cases_by_update_time",
        SortKey::DueTime => "INDEXED BY cases_by_due_time",
        SortKey::CloseTime => "INDEXED BY cases_by_close_time",
        SortKey::Priority => "INDEXED BY cases_by_priority",
        SortKey::Severity => "INDEXED BY cases_by_severity",
        SortKey::Status => "INDEXED BY cases_by_status",
        SortKey::Assignee => "INDEXED BY cases_by_assignee",
        SortKey::Title => "INDEXED BY cases_by_title",
        SortKey::CaseId => "NOT INDEXED",
    }
}
