//! The logging policy (R12), its moments that belong to the host, through the real stack. Those of the domain and of the
//! process are in `services/case-tracker/tests`.

use serde_json::Value;
use service_kit::telemetry::policy::{LOGGED, Moment};
use tonic::{Code, Request};

use crate::probe::{Lines, asked, echo, host, in_time, open, plain, start};
use crate::telemetry::logging;

/// What is wrong with the lines of a moment's events, and how many there are.
fn judged(lines: &Lines, moment: Moment) -> (usize, Vec<String>) {
    let rule = moment.rule().unwrap();
    let events = LOGGED.iter().filter(|logged| logged.moment == moment);
    let found: Vec<Value> = events.flat_map(|logged| lines.of(logged.event)).collect();
    let breaches = |line: &Value| {
        let field = |name: &str| line.get(name).map(ToString::to_string);
        let wrong = rule.breaches(line["level"].as_str().unwrap_or_default(), field);
        wrong.into_iter().map(|breach| format!("{breach}: {line}")).collect::<Vec<_>>()
    };
    (found.len(), found.iter().flat_map(breaches).collect())
}

#[tokio::test]
async fn every_moment_of_a_call_is_logged_as_the_policy_says() {
    let lines = Lines::default();
    let _default = logging(&lines);
    let server = start(host("case-command")).await;
    let mut client = plain(&server).await;
    echo(&mut client, asked("hello")).await.unwrap();
    for text in ["missing", "foreign"] {
        echo(&mut client, asked(text)).await.unwrap_err();
    }
    let mut stream = open(&mut client, asked("foreign")).await.unwrap();
    while let Ok(Some(_)) = in_time(stream.message()).await {}
    let nobody = echo(&mut client, Request::new("who".to_owned())).await.unwrap_err();
    assert_eq!(nobody.code(), Code::Unauthenticated);
    drop((client, stream));
    server.stop().await;
    let table =
        [(Moment::RequestStart, 5), (Moment::RequestEnd, 5), (Moment::UnexpectedError, 2), (Moment::SecurityEvent, 1)];
    for (moment, lines_wanted) in table {
        let (count, breaches) = judged(&lines, moment);
        assert!(breaches.is_empty(), "{breaches:#?}");
        assert_eq!(count, lines_wanted, "{moment:?}: {}", lines.text());
    }
}

#[tokio::test]
async fn the_end_of_a_call_says_how_and_why() {
    let lines = Lines::default();
    let _default = logging(&lines);
    let server = start(host("case-command")).await;
    let mut client = plain(&server).await;
    echo(&mut client, asked("hello")).await.unwrap();
    for text in ["missing", "foreign", "panic"] {
        echo(&mut client, asked(text)).await.unwrap_err();
    }
    let mut stream = open(&mut client, asked("panic")).await.unwrap();
    while let Ok(Some(_)) = in_time(stream.message()).await {}
    let mut left = open(&mut client, asked("endless")).await.unwrap();
    in_time(left.message()).await.unwrap();
    drop((left, stream, client));
    server.stop().await;
    let told: Vec<_> = lines
        .of("request_finished")
        .iter()
        .map(|line| {
            ["code", "outcome", "error.type", "reason"].map(|field| line[field].as_str().map(ToOwned::to_owned))
        })
        .collect();
    let said = |fields: [&str; 4]| fields.map(|field| (!field.is_empty()).then(|| field.to_owned()));
    let expected = [
        said(["OK", "ok", "", ""]),
        said(["NOT_FOUND", "refused", "NOT_FOUND", "CASE_NOT_FOUND"]),
        said(["INTERNAL", "failed", "INTERNAL", "INTERNAL"]),
        said(["INTERNAL", "failed", "INTERNAL", "INTERNAL"]),
        // Nothing of the status is left when a body panics but its code.
        said(["INTERNAL", "failed", "INTERNAL", ""]),
        said(["CANCELLED", "cancelled", "CANCELLED", ""]),
    ];
    assert_eq!(told, expected);
}
