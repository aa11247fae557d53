//! What services know about themselves, for operators.

use service_kit::diagnostics::pb;

use super::table::{Cell, Column, render};
use super::times::long_span;
use super::{Paint, View};

/// The source of settings that nobody has set.
const DEFAULT_SOURCE: &str = "default";

/// One line of the overview.
pub(crate) struct Overview<'a> {
    /// The word that people know the service by.
    pub(crate) service: &'static str,
    /// Where it is.
    pub(crate) address: String,
    /// What it says, or why it says nothing.
    pub(crate) state: Result<&'a pb::Diagnostics, String>,
}

/// Which services there are, and how they are.
pub(crate) fn overview(view: &View, services: &[Overview<'_>]) -> String {
    let row = |service: &Overview<'_>| {
        let (name, version, up, status, why) = match &service.state {
            Ok(state) => {
                let up = state.uptime.as_ref().map(long_span).unwrap_or_default();
                let (status, why) = readiness(state);
                (state.service.as_str(), state.version.as_str(), up, status, why)
            }
            Err(why) => ("", "", String::new(), Cell::painted("no answer", Paint::Bad), why.clone()),
        };
        vec![
            Cell::painted(service.service, Paint::Strong),
            Cell::new(&service.address),
            Cell::new(name),
            Cell::new(version),
            Cell::new(&up),
            status,
            Cell::new(&why),
        ]
    };
    let columns = [
        Column::key("SERVICE"),
        Column::extra("ADDRESS", 2),
        Column::extra("NAME", 3),
        Column::extra("VERSION", 1),
        Column::extra("UP", 4),
        Column::key("STATUS"),
        Column::text("WHY"),
    ];
    render(view, &columns, &services.iter().map(row).collect::<Vec<_>>())
}

fn readiness(state: &pb::Diagnostics) -> (Cell, String) {
    let Some(health) = &state.health else { return (Cell::new("unknown"), String::new()) };
    if health.ready {
        return (Cell::painted("ready", Paint::Good), String::new());
    }
    let failing = health.conditions.iter().filter(|condition| !condition.passing);
    let why = failing.map(|condition| format!("{}: {}", condition.name, condition.reason)).collect::<Vec<_>>();
    let status = if health.draining {
        Cell::painted("draining", Paint::Waiting)
    } else {
        Cell::painted("not ready", Paint::Bad)
    };
    (status, why.join("; "))
}

/// One service, in all detail but the settings that nobody has set.
pub(crate) fn details(view: &View, service: &str, state: &pb::Diagnostics) -> String {
    let mut text = view.paint(Paint::Strong, &format!("{service} ({})", super::text::printable(&state.service))) + "\n";
    text.push_str(&view.field("program", &program(state)));
    let since = view.clockface.exact(state.start_time.as_ref());
    text.push_str(
        &view.field("running", &format!("in {}, process {}, since {since}", state.environment, state.process_id)),
    );
    text.push_str(&view.field("health", &conditions(state)));
    let features = state.features.iter().map(|feature| format!("{} {}", feature.name, feature.state));
    text.push_str(&view.field("features", &features.collect::<Vec<_>>().join(", ")));
    for table in [stores(view, state), queues(view, state), feeds(view, state), dependencies(view, state)] {
        text.push_str(&table);
    }
    text.push_str(&settings(view, state));
    text
}

fn program(state: &pb::Diagnostics) -> String {
    let known = |lead: &str, what: &str| if what.is_empty() { String::new() } else { format!(", {lead} {what}") };
    let (commit, compiler) = (known("commit", &state.build_sha), known("built by", &state.rustc_version));
    format!("{} {}{commit}{compiler}", state.program, state.version)
}

fn conditions(state: &pb::Diagnostics) -> String {
    let Some(health) = &state.health else { return "unknown".to_owned() };
    let told = health.conditions.iter().map(|condition| {
        if condition.passing {
            format!("{} is well", condition.name)
        } else {
            format!("{} fails: {}", condition.name, condition.reason)
        }
    });
    let state = match (health.draining, health.ready) {
        (true, _) => "draining",
        (false, true) => "ready",
        (false, false) => "not ready",
    };
    std::iter::once(state.to_owned()).chain(told).collect::<Vec<_>>().join("; ")
}

fn stores(view: &View, state: &pb::Diagnostics) -> String {
    let row = |store: &pb::Store| {
        let schema = format!("{} of {}", store.schema_version, store.schema_version_supported);
        let size = format!("{} bytes", store.size_bytes);
        vec![
            Cell::new(&store.name),
            Cell::new(&schema),
            Cell::new(&size),
            Cell::new(&store.address),
            bad(&store.problem),
        ]
    };
    let columns = [
        Column::key("STORE"),
        Column::key("SCHEMA"),
        Column::extra("SIZE", 1),
        Column::text("ADDRESS"),
        Column::extra("PROBLEM", 2),
    ];
    table(view, &columns, &state.stores.iter().map(row).collect::<Vec<_>>())
}

fn queues(view: &View, state: &pb::Diagnostics) -> String {
    let row = |queue: &pb::Queue| {
        vec![Cell::new(&queue.name), Cell::new(&queue.depth.to_string()), Cell::new(&queue.capacity.to_string())]
    };
    let columns = [Column::key("QUEUE"), Column::key("WAITING"), Column::key("ROOM FOR")];
    table(view, &columns, &state.queues.iter().map(row).collect::<Vec<_>>())
}

fn feeds(view: &View, state: &pb::Diagnostics) -> String {
    let row = |feed: &pb::Feed| {
        let lag = feed.lag.as_ref().map(long_span).unwrap_or_default();
        let connected =
            if feed.connected { Cell::painted("yes", Paint::Good) } else { Cell::painted("no", Paint::Bad) };
        let place = format!("{} of {}", feed.position, feed.head_position);
        vec![Cell::new(&feed.consumer), connected, Cell::new(&place), Cell::new(&lag)]
    };
    let columns = [Column::key("CONSUMER"), Column::key("CONNECTED"), Column::key("POSITION"), Column::key("BEHIND")];
    table(view, &columns, &state.feeds.iter().map(row).collect::<Vec<_>>())
}

fn dependencies(view: &View, state: &pb::Diagnostics) -> String {
    let row = |dependency: &pb::Dependency| {
        let breaker = match dependency.breaker_state() {
            pb::BreakerState::Unspecified => Cell::new("unknown"),
            pb::BreakerState::Closed => Cell::painted("closed", Paint::Good),
            pb::BreakerState::Open => Cell::painted("open", Paint::Bad),
            pb::BreakerState::HalfOpen => Cell::painted("half-open", Paint::Waiting),
        };
        vec![Cell::new(&dependency.name), breaker, Cell::new(&dependency.address), Cell::new(&dependency.last_failure)]
    };
    let columns =
        [Column::key("DEPENDENCY"), Column::key("BREAKER"), Column::extra("ADDRESS", 1), Column::text("LAST FAILURE")];
    table(view, &columns, &state.dependencies.iter().map(row).collect::<Vec<_>>())
}

fn settings(view: &View, state: &pb::Diagnostics) -> String {
    let set: Vec<_> = state.settings.iter().filter(|setting| setting.source != DEFAULT_SOURCE).collect();
    let (all, set_count) = (state.settings.len(), set.len());
    let row =
        |setting: &&pb::Setting| vec![Cell::new(&setting.key), Cell::new(&setting.value), Cell::new(&setting.source)];
    let columns = [Column::key("SETTING"), Column::text("VALUE"), Column::extra("FROM", 1)];
    let told = format!("{set_count} of {all} are not the default; all of them: --output json");
    view.field("settings", &told) + &table(view, &columns, &set.iter().map(row).collect::<Vec<_>>())
}

/// Below a blank line; nothing where there are no rows.
fn table(view: &View, columns: &[Column], rows: &[Vec<Cell>]) -> String {
    if rows.is_empty() { String::new() } else { format!("\n{}", render(view, columns, rows)) }
}

fn bad(text: &str) -> Cell {
    Cell::painted(text, Paint::Bad)
}
