//! `docs/telemetry.md` against what a running system sends: each metric with its kind, unit and labels.

use std::collections::BTreeSet;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use test_support::{Caller, Collector};

use crate::system::{System, creation, transition};

/// A row of the page.
#[derive(Debug, PartialEq, Eq)]
struct Listed {
    name: String,
    kind: String,
    unit: String,
    labels: BTreeSet<String>,
}

fn quoted(text: &str) -> BTreeSet<String> {
    text.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect()
}

/// The tables of metrics have five columns, the kind in the second.
fn listed(page: &str) -> Vec<Listed> {
    let row = |line: &str| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, name, kind, unit, labels, _, _] = cells[..] else { return None };
        let kinds = ["Counter", "Up-down counter", "Gauge", "Histogram"];
        kinds.contains(&kind).then(|| Listed {
            name: name.trim_matches('`').to_owned(),
            kind: kind.to_owned(),
            unit: unit.trim_matches('`').to_owned(),
            labels: quoted(labels),
        })
    };
    page.lines().filter_map(row).collect()
}

fn keys<'a>(points: impl Iterator<Item = &'a [KeyValue]>) -> BTreeSet<String> {
    points.flatten().map(|pair| pair.key.clone()).collect()
}

fn sent(metric: &Metric) -> Listed {
    let (kind, labels) = match metric.data.as_ref().expect("data") {
        Data::Gauge(gauge) => ("Gauge", keys(gauge.data_points.iter().map(|p| p.attributes.as_slice()))),
        Data::Histogram(histogram) => {
            ("Histogram", keys(histogram.data_points.iter().map(|p| p.attributes.as_slice())))
        }
        Data::Sum(sum) => {
            let kind = if sum.is_monotonic { "Counter" } else { "Up-down counter" };
            (kind, keys(sum.data_points.iter().map(|p| p.attributes.as_slice())))
        }
        other @ (Data::ExponentialHistogram(_) | Data::Summary(_)) => {
            panic!("a kind that nobody here makes: {other:?}")
        }
    };
    Listed { name: metric.name.clone(), kind: kind.to_owned(), unit: metric.unit.clone(), labels }
}

#[tokio::test]
async fn every_metric_that_is_sent_is_listed_with_its_kind_unit_and_labels() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/telemetry.md")).unwrap();
    let listed = listed(&page);
    let collector = Collector::start().await;
    let endpoint = collector.endpoint();
    // Some is only measured while a server runs, and not in the last delivery at its end.
    let soon = ("OTEL_METRIC_EXPORT_INTERVAL", "50");
    let mut system = System::apart(&[("CASE_TRACKER__TELEMETRY__OTLP_ENDPOINT", &endpoint), soon]).await;
    let mut commands = system.commands(Caller::actor("amira"));
    commands.create_case(creation("t", "k")).await.unwrap();
    commands.transition_case(transition("CASE-001", "SUBMITTED", "")).await.unwrap();
    commands.transition_case(transition("CASE-001", "DRAFT", "")).await.unwrap_err();
    system.stop().await;
    let sent: Vec<_> = collector.metrics().iter().map(|seen| sent(&seen.metric)).collect();
    for metric in &sent {
        let known = listed.iter().find(|row| row.name == metric.name);
        let row = known.unwrap_or_else(|| panic!("docs/telemetry.md does not list {metric:?}"));
        assert_eq!((&row.kind, &row.unit), (&metric.kind, &metric.unit), "{}", row.name);
        assert!(row.labels.is_superset(&metric.labels), "{metric:?} has a label that {row:?} has not");
    }
    let names: BTreeSet<_> = sent.iter().map(|metric| metric.name.as_str()).collect();
    // What only an unusual event makes is in the tests of that event.
    let rare = [
        "shed_requests",
        "clamped",
        "connections_refused",
        "reads_paused",
        "security",
        "identity",
        "tls.certificate",
        "casetracker.client",
    ];
    let missing = listed.iter().filter(|row| !rare.iter().any(|part| row.name.contains(part)));
    let missing: Vec<_> = missing.filter(|row| !names.contains(row.name.as_str())).collect();
    assert!(missing.is_empty(), "listed, and not sent: {missing:#?}");
}

#[test]
fn a_row_of_the_page_is_read() {
    let page = "| `a.b` | Gauge | `s` | `x` (one), `y` (two) | how `z`. |\n| `event` | INFO | `f` | meaning |\n";
    let labels = ["x", "y"].map(ToOwned::to_owned).into();
    let row = Listed { name: "a.b".to_owned(), kind: "Gauge".to_owned(), unit: "s".to_owned(), labels };
    assert_eq!(listed(page), [row]);
}
