//! What a change sends, and what comes after it.

use super::{Desk, Setting};

#[tokio::test]
async fn a_new_case_carries_every_field() {
    let (desk, address) = Desk::open().await;
    let mut setting = Setting::at(address).with("CASECTL_ACTOR", "amira");
    setting.stdin = "From standard input.\n".to_owned();
    let arguments = "create Title -d - -p high --severity low -a citra --team t --reporter budi -t a,b -t c -f x=1 \
                     -f n:=[1,null] --due 2026-12-01 --status SUBMITTED -r because";
    let said = setting.run(&arguments.split_whitespace().collect::<Vec<_>>()).await;
    assert_eq!(said.code, 0, "{said:?}");
    let call = &desk.calls()[0];
    assert_eq!((call.method, call.actor.as_deref(), call.has_deadline), ("CreateCase", Some("amira"), true));
    for part in [
        r#"title: "Title""#,
        r#"description: "From standard input.""#,
        "priority: High",
        "severity: Low",
        r#"assignee: "citra""#,
        r#"team: "t""#,
        r#"reporter: "budi""#,
        r#"tags: ["a", "b", "c"]"#,
        r#"StringValue("1")"#,
        "NumberValue(1.0)",
        "NullValue",
        "seconds: 1796083200",
        r#"initial_status: "SUBMITTED""#,
        r#"reason: "because""#,
        "validate_only: false",
    ] {
        assert!(call.message.contains(part), "{part} is not in {}", call.message);
    }
}

#[tokio::test]
async fn an_update_names_exactly_what_is_given_or_cleared() {
    let (desk, address) = Desk::open().await;
    let arguments = ["update", "CASE-001", "--title", "New", "--assignee", "", "--clear", "team,due_time"];
    let said = Setting::at(address).run(&[&arguments[..], &["--expected-version", "7"]].concat()).await;
    assert_eq!(said.code, 0, "{said:?}");
    let message = &desk.calls()[0].message;
    assert!(message.contains(r#"update_mask: "title,assignee,team,due_time""#), "{message}");
    assert!(message.contains("expected_version: 7"), "{message}");
}

#[tokio::test]
async fn links_read_like_a_sentence() {
    let (desk, address) = Desk::open().await;
    for command in ["link", "unlink"] {
        let said = Setting::at(address).run(&[command, "CASE-001", "child-of", "CASE-002", "--no-wait"]).await;
        assert_eq!(said.code, 0, "{said:?}");
    }
    let calls = desk.calls();
    assert_eq!([calls[0].method, calls[1].method], ["LinkCases", "UnlinkCases"]);
    assert!(calls.iter().all(|call| call.message.contains("link_type: ChildOf")));
}

#[tokio::test]
async fn a_case_is_given_to_somebody_or_to_nobody() {
    let (desk, address) = Desk::open().await;
    let assign = |to: &[&'static str]| [&["assign", "CASE-001", "--expected-version", "2", "--no-wait"], to].concat();
    let said = Setting::at(address).run(&assign(&["citra"])).await;
    assert!(said.out.starts_with("CASE-001 assigned to citra, version 3\n"), "{said:?}");
    let said = Setting::at(address).run(&assign(&["--nobody", "--team", ""])).await;
    assert!(said.out.starts_with("CASE-001 assigned to nobody, version 3\n"), "{said:?}");
    let calls = desk.calls();
    assert!(calls[0].message.contains("team: None") && calls[1].message.contains(r#"team: Some("")"#), "{calls:?}");
}

#[tokio::test]
async fn every_change_has_a_key_and_the_given_one_wins() {
    let (desk, address) = Desk::open().await;
    let transition = ["transition", "CASE-001", "IN_REVIEW", "--no-wait"];
    Setting::at(address).run(&transition).await;
    let said = Setting::at(address).run(&[&transition[..], &["--idempotency-key", "used"]].concat()).await;
    assert!(said.out.contains("nothing is done twice"), "{said:?}");
    let calls = desk.calls();
    assert!(calls[0].message.contains(r#"idempotency_key: "01"#), "{calls:?}");
    assert!(calls[1].message.contains(r#"idempotency_key: "used""#), "{calls:?}");
}

#[tokio::test]
async fn a_change_waits_until_reads_show_it() {
    let (desk, address) = Desk::open().await;
    Setting::at(address).run(&["transition", "CASE-001", "IN_REVIEW"]).await;
    let read = desk.calls()[1].clone();
    assert_eq!(read.method, "GetCase");
    assert!(read.message.contains("token-of-the-change"), "{read:?}");
}

#[tokio::test]
async fn a_change_that_reads_cannot_show_yet_is_done_all_the_same() {
    let (_desk, address) = Desk::open().await;
    let setting = Setting::at(address).with("CASECTL_QUERY", "127.0.0.1:1");
    let said = setting.run(&["transition", "CASE-001", "IN_REVIEW"]).await;
    assert_eq!(said.code, 0);
    assert!(said.err.ends_with("--fresh token-of-the-change\n"), "{said:?}");
}

#[tokio::test]
async fn a_dry_run_says_so_and_waits_for_nothing() {
    let (desk, address) = Desk::open().await;
    let said = Setting::at(address).run(&["transition", "CASE-001", "IN_REVIEW", "--dry-run"]).await;
    assert!(said.out.starts_with("Dry run, nothing is stored: CASE-001 would be moved to IN_REVIEW"), "{said:?}");
    assert_eq!(desk.calls().len(), 1);
    assert!(desk.calls()[0].message.contains("validate_only: true"));
}

#[tokio::test]
async fn tokens_of_earlier_answers_are_passed_on() {
    let (desk, address) = Desk::open().await;
    Setting::at(address).run(&["show", "CASE-001", "--fresh", "a", "--fresh", "b"]).await;
    assert!(desk.calls()[0].message.contains(r#"at_least_as_fresh: ["a", "b"]"#));
}

#[tokio::test]
async fn filters_reach_the_server() {
    let (desk, address) = Desk::open().await;
    let list =
        "list -s A,B -c paused -p none,urgent --unassigned -t x --created-from 7d --due-to now --order-by status";
    Setting::at(address).run(&list.split(' ').collect::<Vec<_>>()).await;
    Setting::at(address).run(&["audit", "CASE-001", "--by", "amira", "--action", "created"]).await;
    let calls = desk.calls();
    for part in [
        r#"statuses: ["A", "B"]"#,
        "status_categories: [Paused]",
        "priorities: [Unspecified, Urgent]",
        r#"assignees: [""]"#,
        r#"tags_all: ["x"]"#,
        "seconds: 1794821400",
        "seconds: 1795426200",
        r#"order_by: "status""#,
    ] {
        assert!(calls[0].message.contains(part), "{part} is not in {}", calls[0].message);
    }
    assert!(
        calls[1].message.contains(r#"case_id: "CASE-001", actor_id: "amira", action: "case_created""#),
        "{calls:?}"
    );
}

#[tokio::test]
async fn a_change_of_nothing_is_told_as_that() {
    let (desk, address) = Desk::open().await;
    // The desk answers with version 3, whatever is asked of it.
    for arguments in [
        &["update", "CASE-001", "--title", "the same"][..],
        &["update", "CASE-001", "--title", "the same", "--expected-version", "3"],
        &["assign", "CASE-001", "citra", "--dry-run"],
    ] {
        let said = Setting::at(address).run(arguments).await;
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
        assert!(said.out.starts_with("CASE-001 is as it was, version 3: there was nothing to change\n"), "{said:?}");
    }
    let said = Setting::at(address).run(&["update", "CASE-001", "--title", "x", "--expected-version", "2"]).await;
    assert!(said.out.starts_with("CASE-001 changed (title), version 3\n"), "the control: {said:?}");
    // A program compares versions itself; it is not made to wait for another read.
    let before = desk.calls().len();
    Setting::at(address).run(&["update", "CASE-001", "--title", "x", "--no-wait", "-o", "json"]).await;
    assert_eq!(desk.calls()[before..].iter().map(|call| call.method).collect::<Vec<_>>(), ["UpdateCase"]);
}

#[tokio::test]
async fn a_change_is_made_though_nobody_knows_what_was_before() {
    let (desk, address) = Desk::open().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let query = silent.local_addr().unwrap().to_string();
    let said = Setting::at(address).run(&["assign", "CASE-001", "citra", "--query", &query, "--no-wait"]).await;
    assert_eq!((said.code, desk.calls().len()), (0, 1), "{said:?}");
    assert!(said.out.starts_with("CASE-001 assigned to citra, version 3\n"), "{said:?}");
}
