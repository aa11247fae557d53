//! Whether each acknowledged command has exactly one effect, wherever effects can be seen.

use std::collections::{BTreeMap, BTreeSet};

/// How many examples of what is wrong are kept.
const EXAMPLES_MAX: usize = 20;

/// What a client was told: its command, known by a mark of its own, has made this version of this case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// What nobody else says: it stands in the reason of the command.
    pub mark: String,
    /// The case.
    pub case_id: String,
    /// The version that the command has made.
    pub version: u64,
}

/// One effect, as somebody shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The reason that was given.
    pub mark: String,
    /// The case.
    pub case_id: String,
    /// The version of the case.
    pub version: u64,
}

/// One place where effects can be seen: the history, the read model, the audit log. Effects of one case stand in the order
/// in which they are shown.
#[derive(Debug, Clone)]
pub struct View {
    /// Its name, for people.
    pub name: &'static str,
    /// What it shows.
    pub effects: Vec<Effect>,
}

/// What is wrong. A command that is lost or doubled in several views counts once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Claims without an effect, or with one at another place than was told.
    pub lost: usize,
    /// Marks with more than one effect.
    pub doubled: usize,
    /// Effects that nobody has claimed.
    pub unclaimed: usize,
    /// Versions of cases that leave a gap, come twice or go back.
    pub disordered: usize,
    /// The first of all these, in words.
    pub examples: Vec<String>,
}

impl Verdict {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.lost + self.doubled + self.unclaimed + self.disordered == 0
    }

    fn example(&mut self, text: impl FnOnce() -> String) {
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(text());
        }
    }
}

/// Compares what clients were told with what can be seen.
pub fn judge(claims: &[Claim], views: &[View]) -> Verdict {
    let claimed: BTreeMap<&str, &Claim> = claims.iter().map(|claim| (claim.mark.as_str(), claim)).collect();
    let mut verdict = Verdict::default();
    let mut marks = Marks::default();
    for view in views {
        compare(&claimed, view, &mut marks, &mut verdict);
        count_gaps(view, &mut verdict);
    }
    (verdict.lost, verdict.doubled) = (marks.lost.len(), marks.doubled.len());
    verdict
}

/// The commands of which something is wrong anywhere.
#[derive(Debug, Default)]
struct Marks {
    lost: BTreeSet<String>,
    doubled: BTreeSet<String>,
}

fn compare(claimed: &BTreeMap<&str, &Claim>, view: &View, marks: &mut Marks, verdict: &mut Verdict) {
    let mut seen: BTreeMap<&str, Vec<&Effect>> = BTreeMap::new();
    for effect in &view.effects {
        seen.entry(&effect.mark).or_default().push(effect);
    }
    for (mark, claim) in claimed {
        let effects = seen.get(mark).map(Vec::as_slice).unwrap_or_default();
        let told = |effect: &&Effect| effect.case_id == claim.case_id && effect.version == claim.version;
        if !effects.iter().any(told) {
            marks.lost.insert((*mark).to_owned());
            verdict.example(|| format!("{}: lost: {claim:?}", view.name));
        }
    }
    for (mark, effects) in &seen {
        if effects.len() > 1 {
            marks.doubled.insert((*mark).to_owned());
            verdict.example(|| format!("{}: doubled: {effects:?}", view.name));
        }
        if !claimed.contains_key(mark) {
            verdict.unclaimed += effects.len();
            verdict.example(|| format!("{}: nobody was told of {effects:?}", view.name));
        }
    }
}

fn count_gaps(view: &View, verdict: &mut Verdict) {
    let mut versions: BTreeMap<&str, u64> = BTreeMap::new();
    for effect in &view.effects {
        let version = versions.entry(&effect.case_id).or_default();
        if effect.version != *version + 1 {
            verdict.disordered += 1;
            let before = *version;
            verdict.example(|| format!("{}: after version {before} comes {effect:?}", view.name));
        }
        *version = effect.version;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told() -> (Vec<Claim>, View) {
        let claim = |version: u64| Claim { mark: format!("m{version}"), case_id: "CASE-001".to_owned(), version };
        let claims = vec![claim(1), claim(2)];
        let effects = claims.iter().cloned().map(|Claim { mark, case_id, version }| Effect { mark, case_id, version });
        let view = View { name: "history", effects: effects.collect() };
        (claims, view)
    }

    #[test]
    fn kept_promises_are_found_kept() {
        let (claims, view) = told();
        assert!(judge(&claims, &[view.clone(), view]).is_clean());
    }

    #[test]
    fn what_is_lost_in_one_view_is_found() {
        let (claims, view) = told();
        let shorter = View { effects: view.effects[..1].to_vec(), ..view.clone() };
        assert_eq!(judge(&claims, &[view, shorter]).lost, 1);
    }

    #[test]
    fn an_effect_at_another_version_than_was_told_is_lost() {
        let (mut claims, view) = told();
        claims[1].version = 3;
        assert_eq!(judge(&claims, &[view]).lost, 1);
    }

    #[test]
    fn what_is_doubled_is_found_and_so_is_what_nobody_was_told_of() {
        let (claims, mut view) = told();
        let again = Effect { version: 3, ..view.effects[1].clone() };
        view.effects.push(again);
        let verdict = judge(&claims, std::slice::from_ref(&view));
        assert_eq!((verdict.doubled, verdict.lost, verdict.unclaimed), (1, 0, 0));
        view.effects[2].mark = "unknown".to_owned();
        let verdict = judge(&claims, &[view]);
        assert_eq!((verdict.doubled, verdict.unclaimed), (0, 1));
    }

    #[test]
    fn a_gap_and_a_repeat_in_the_versions_of_a_case_are_found() {
        let (claims, view) = told();
        let repeated = View { effects: [view.effects.clone(), view.effects.clone()].concat(), ..view.clone() };
        assert_eq!(judge(&claims, &[repeated]).disordered, 1);
        let gap = View { effects: view.effects[1..].to_vec(), ..view };
        assert_eq!(judge(&claims, &[gap]).disordered, 1);
    }
}
