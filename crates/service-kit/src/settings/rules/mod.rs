//! What holds between keys. What holds for one key alone stands beside it in the schema.

mod access;
mod plaintext;

use std::net::SocketAddr;

use super::layers::{Entry, Layer};
use super::problem::{Fault, Problem};
use super::schema::Settings;

/// The addresses that a binary serves: it answers only for these.
pub type Served = fn(&Settings) -> Vec<SocketAddr>;

/// Every contradiction, except where a key of it is already reported in `known`.
pub(super) fn contradictions(settings: &Settings, serves: Served, top: &Layer, known: &[Problem]) -> Vec<Problem> {
    let addresses = serves(settings);
    let listens = listens(settings, &addresses);
    let mut found = access::contradictions(settings, &listens);
    found.extend(plaintext::contradictions(settings, &listens));
    found.extend(same_listen(&listens, &addresses));
    found.extend(same_store(settings));
    found.extend(deadlines(settings));
    let is_news = |c: &Contradiction| c.keys.iter().all(|key| known.iter().all(|problem| problem.key != *key));
    found.into_iter().filter(is_news).map(|contradiction| contradiction.into_problem(top)).collect()
}

struct Contradiction {
    /// All keys that take part; the first is the one to change.
    keys: Vec<&'static str>,
    text: String,
}

impl Contradiction {
    fn into_problem(self, top: &Layer) -> Problem {
        let key = self.keys.first().copied().unwrap_or_default();
        let entry = top.get(key);
        Problem {
            key: key.to_owned(),
            value: entry.map(Entry::shown),
            source: entry.map(|entry| entry.source.clone()),
            fault: Fault::Conflict(self.text),
        }
    }
}

/// A key with the address that this binary serves by it.
type Listen = (&'static str, SocketAddr);

/// The keys whose addresses this binary serves.
fn listens(settings: &Settings, served: &[SocketAddr]) -> Vec<Listen> {
    let all = [
        ("command.listen", settings.command.listen),
        ("query.listen", settings.query.listen),
        ("audit.listen", settings.audit.listen),
    ];
    all.into_iter().filter(|(_, address)| served.contains(address)).collect()
}

/// The keys by which this binary serves beyond this machine.
fn exposed(listens: &[Listen]) -> impl Iterator<Item = &'static str> {
    listens.iter().filter(|(_, address)| !address.ip().to_canonical().is_loopback()).map(|(key, _)| *key)
}

fn same_listen(listens: &[Listen], served: &[SocketAddr]) -> Vec<Contradiction> {
    // Addresses that are served only once cannot collide here, and port 0 is another port each time.
    let twice =
        |address: &SocketAddr| address.port() != 0 && served.iter().filter(|other| *other == address).count() > 1;
    let listens: Vec<_> = listens.iter().filter(|(_, address)| twice(address)).copied().collect();
    same(&listens)
}

fn same_store(settings: &Settings) -> Vec<Contradiction> {
    same(&[
        ("command.store", settings.command.store.as_str()),
        ("query.store", settings.query.store.as_str()),
        ("audit.store", settings.audit.store.as_str()),
    ])
}

/// One contradiction for each value that an earlier key has too.
fn same<T: PartialEq>(values: &[(&'static str, T)]) -> Vec<Contradiction> {
    let twin = |(index, (key, value)): (usize, &(&'static str, T))| {
        let (other, _) = values.iter().take(index).find(|(_, earlier)| earlier == value)?;
        Some(Contradiction { keys: vec![key, other], text: format!("{other} is the same; each needs its own") })
    };
    values.iter().enumerate().filter_map(twin).collect()
}

fn deadlines(settings: &Settings) -> Option<Contradiction> {
    let limits = &settings.limits;
    let longest = humantime::format_duration(limits.deadline_max);
    (limits.deadline_default > limits.deadline_max).then(|| Contradiction {
        keys: vec!["limits.deadline_default", "limits.deadline_max"],
        text: format!("allowed is at most limits.deadline_max, which is {longest}"),
    })
}
