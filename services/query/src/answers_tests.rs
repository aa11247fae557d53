//! What is kept, and above all what is not.

use super::*;

const HERE: Epoch = Epoch([1; 16]);
const ELSEWHERE: Epoch = Epoch([2; 16]);

fn lifecycle() -> Arc<Lifecycle> {
    use case_api::event_pb::{Category, LifecycleDefinition, StatusDefinition};
    let definition = LifecycleDefinition {
        version: 1,
        statuses: vec![StatusDefinition { name: "OPEN".to_owned(), category: Category::Open.into() }],
        initial_statuses: vec!["OPEN".to_owned()],
        transitions: vec![],
    };
    Arc::new(case_api::lifecycle_from_pb(&definition).unwrap())
}

fn id(number: u64) -> CaseId {
    CaseId::parse(&format!("CASE-{number:03}")).unwrap()
}

/// Answers about cases of one store under one lifecycle.
struct Stage {
    answers: Answers,
    lifecycle: Arc<Lifecycle>,
}

impl Stage {
    fn within(bytes_max: usize) -> Self {
        Self { answers: Answers::within(bytes_max), lifecycle: lifecycle() }
    }

    fn new() -> Self {
        Self::within(1 << 20)
    }

    fn look(&self, number: u64) -> Looked {
        self.answers.find(&id(number), HERE, &self.lifecycle)
    }

    fn found(&self, number: u64) -> Option<(u64, Bytes)> {
        match self.look(number) {
            Looked::Found { case, position } => Some((position, case)),
            Looked::Missing(_) => None,
        }
    }

    fn miss(&self, number: u64) -> Ticket {
        match self.look(number) {
            Looked::Missing(ticket) => ticket,
            Looked::Found { .. } => panic!("case {number} is kept"),
        }
    }

    fn keep(&self, ticket: Ticket, number: u64, position: u64) {
        self.keep_bytes(ticket, number, position, 100);
    }

    fn keep_bytes(&self, ticket: Ticket, number: u64, position: u64, bytes: usize) {
        let (lifecycle, case) = (Arc::clone(&self.lifecycle), Bytes::from(vec![7; bytes]));
        self.answers.keep(ticket, Kept { case_id: id(number), epoch: HERE, position, lifecycle, case });
    }

    fn read(&self, number: u64, position: u64) {
        self.keep(self.miss(number), number, position);
    }

    fn bytes(&self) -> usize {
        let of = |part: &Part| part.young.values().chain(part.old.values()).map(taken_by).sum::<usize>();
        self.answers.parts.iter().map(|part| of(&lock(part))).sum()
    }
}

#[test]
fn an_answer_is_found_with_the_position_that_it_was_read_at() {
    let stage = Stage::new();
    stage.read(1, 5);
    assert_eq!(stage.found(1), Some((5, Bytes::from(vec![7; 100]))));
    assert_eq!(stage.found(2), None);
    assert_eq!(stage.answers.looks(), Looks { found: 1, missing: 2 });
}

#[test]
fn what_a_commit_has_changed_is_never_answered_again() {
    let stage = Stage::new();
    stage.read(1, 5);
    stage.read(2, 5);
    stage.answers.forget([1]);
    assert_eq!(stage.found(1), None);
    // The control: what has not changed is.
    assert!(stage.found(2).is_some());
}

#[test]
fn what_was_read_before_a_commit_is_not_kept_after_it() {
    let stage = Stage::new();
    let slow = stage.miss(1);
    // It reads position 5; then position 6 is committed and forgotten.
    stage.answers.forget([1]);
    stage.keep(slow, 1, 5);
    assert_eq!(stage.found(1), None, "position 6 may be published by now");
    // The control: with nothing between the look and now it is kept.
    let quick = stage.miss(1);
    stage.keep(quick, 1, 6);
    assert_eq!(stage.found(1).unwrap().0, 6);
}

#[test]
fn what_was_read_before_the_model_was_begun_anew_is_not_kept_after_it() {
    let stage = Stage::new();
    stage.read(2, 5);
    let slow = stage.miss(1);
    stage.answers.forget_all();
    stage.keep(slow, 1, 5);
    assert_eq!((stage.found(1), stage.found(2)), (None, None));
}

#[test]
fn a_later_answer_is_not_replaced_by_an_earlier_one() {
    let stage = Stage::new();
    let (slow, quick) = (stage.miss(1), stage.miss(1));
    // Committed between their reads, and not forgotten yet.
    stage.keep(quick, 1, 6);
    stage.keep(slow, 1, 5);
    assert_eq!(stage.found(1).unwrap().0, 6);
}

#[test]
fn answers_of_other_stores_lifecycles_and_prefixes_are_not_found() {
    let stage = Stage::new();
    stage.read(1, 5);
    let other = CaseId::parse("CLAIM-001").unwrap();
    let asked = [(&other, HERE, &stage.lifecycle), (&id(1), ELSEWHERE, &stage.lifecycle), (&id(1), HERE, &lifecycle())];
    for (case_id, epoch, lifecycle) in asked {
        assert!(matches!(stage.answers.find(case_id, epoch, lifecycle), Looked::Missing(_)));
    }
    assert!(stage.found(1).is_some());
}

#[test]
fn memory_is_bounded_and_what_is_used_stays() {
    let bytes_max = 256 * 1024;
    let stage = Stage::within(bytes_max);
    stage.read(16, 5);
    for number in 1..=20_000 {
        if stage.found(number).is_none() {
            stage.read(number, 5);
        }
        assert!(stage.found(16).is_some(), "used after every other one");
        assert!(number % 1_000 > 0 || stage.bytes() <= bytes_max);
    }
    assert!(stage.bytes() > bytes_max / 4, "{}: it is used", stage.bytes());
    assert_eq!(stage.found(1), None, "long ago");
}

#[test]
fn a_huge_answer_drives_nothing_out() {
    let stage = Stage::within(64 << 20);
    stage.read(1, 5);
    stage.keep_bytes(stage.miss(17), 17, 5, ANSWER_BYTES_MAX + 1);
    assert_eq!(stage.found(17), None);
    stage.keep_bytes(stage.miss(17), 17, 5, ANSWER_BYTES_MAX);
    assert!(stage.found(17).is_some() && stage.found(1).is_some());
}
