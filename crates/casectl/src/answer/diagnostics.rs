//! What services know about themselves.

use serde::Serialize;
use service_kit::diagnostics::pb;

use super::{duration, is_default, named, number, time};

/// The answer of `diagnostics`.
#[derive(Serialize)]
pub(crate) struct DiagnosticsAnswer<'a> {
    pub(crate) services: Vec<ServiceAnswer<'a>>,
}

/// One service: either of the two last fields.
#[derive(Serialize)]
pub(crate) struct ServiceAnswer<'a> {
    pub(crate) service: &'static str,
    pub(crate) address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) diagnostics: Option<DiagnosticsJson<'a>>,
    /// Why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// `casetracker.admin.v1.Diagnostics`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DiagnosticsJson<'a> {
    service: &'a str,
    program: &'a str,
    version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    build_sha: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    rustc_version: &'a str,
    environment: &'a str,
    process_id: u32,
    start_time: Option<String>,
    read_time: Option<String>,
    uptime: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<HealthJson<'a>>,
    settings: Vec<SettingJson<'a>>,
    features: Vec<FeatureJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stores: Vec<StoreJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    queues: Vec<QueueJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    feeds: Vec<FeedJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dependencies: Vec<DependencyJson<'a>>,
}

#[derive(Serialize)]
struct HealthJson<'a> {
    #[serde(skip_serializing_if = "is_default")]
    ready: bool,
    #[serde(skip_serializing_if = "is_default")]
    started: bool,
    #[serde(skip_serializing_if = "is_default")]
    draining: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conditions: Vec<ConditionJson<'a>>,
}

#[derive(Serialize)]
struct ConditionJson<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "is_default")]
    passing: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
}

#[derive(Serialize)]
struct SettingJson<'a> {
    key: &'a str,
    value: &'a str,
    source: &'a str,
}

#[derive(Serialize)]
struct FeatureJson<'a> {
    name: &'a str,
    state: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StoreJson<'a> {
    name: &'a str,
    address: &'a str,
    #[serde(skip_serializing_if = "is_default")]
    schema_version: u32,
    #[serde(skip_serializing_if = "is_default")]
    schema_version_supported: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_bytes: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    problem: &'a str,
}

#[derive(Serialize)]
struct QueueJson<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    depth: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capacity: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FeedJson<'a> {
    consumer: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    head_position: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lag: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    connected: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DependencyJson<'a> {
    name: &'a str,
    address: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    breaker_state: Option<&'static str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    last_failure: &'a str,
}

impl<'a> From<&'a pb::Diagnostics> for DiagnosticsJson<'a> {
    fn from(state: &'a pb::Diagnostics) -> Self {
        Self {
            service: &state.service,
            program: &state.program,
            version: &state.version,
            build_sha: &state.build_sha,
            rustc_version: &state.rustc_version,
            environment: &state.environment,
            process_id: state.process_id,
            start_time: time(state.start_time.as_ref()),
            read_time: time(state.read_time.as_ref()),
            uptime: state.uptime.as_ref().map(duration),
            health: state.health.as_ref().map(health),
            settings: state.settings.iter().map(setting).collect(),
            features: state.features.iter().map(feature).collect(),
            stores: state.stores.iter().map(store).collect(),
            queues: state.queues.iter().map(queue).collect(),
            feeds: state.feeds.iter().map(feed).collect(),
            dependencies: state.dependencies.iter().map(dependency).collect(),
        }
    }
}

fn health(health: &pb::Health) -> HealthJson<'_> {
    let pb::Health { ready, started, draining, conditions } = health;
    HealthJson {
        ready: *ready,
        started: *started,
        draining: *draining,
        conditions: conditions.iter().map(condition).collect(),
    }
}

fn condition(condition: &pb::Condition) -> ConditionJson<'_> {
    ConditionJson { name: &condition.name, passing: condition.passing, reason: &condition.reason }
}

fn setting(setting: &pb::Setting) -> SettingJson<'_> {
    SettingJson { key: &setting.key, value: &setting.value, source: &setting.source }
}

fn feature(feature: &pb::Feature) -> FeatureJson<'_> {
    FeatureJson { name: &feature.name, state: &feature.state }
}

fn store(store: &pb::Store) -> StoreJson<'_> {
    StoreJson {
        name: &store.name,
        address: &store.address,
        schema_version: store.schema_version,
        schema_version_supported: store.schema_version_supported,
        size_bytes: number(store.size_bytes),
        problem: &store.problem,
    }
}

fn queue(queue: &pb::Queue) -> QueueJson<'_> {
    QueueJson { name: &queue.name, depth: number(queue.depth), capacity: number(queue.capacity) }
}

fn feed(feed: &pb::Feed) -> FeedJson<'_> {
    FeedJson {
        consumer: &feed.consumer,
        position: number(feed.position),
        head_position: number(feed.head_position),
        lag: feed.lag.as_ref().map(duration),
        connected: feed.connected,
    }
}

fn dependency(dependency: &pb::Dependency) -> DependencyJson<'_> {
    DependencyJson {
        name: &dependency.name,
        address: &dependency.address,
        breaker_state: named(dependency.breaker_state().as_str_name(), dependency.breaker_state),
        last_failure: &dependency.last_failure,
    }
}
