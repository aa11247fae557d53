//! Answers for programs. The golden files are the contract with scripts: a change there breaks them.

use super::{Desk, Setting};

async fn json(arguments: &[&str]) -> String {
    let (_desk, address) = Desk::open().await;
    let said = Setting::at(address).run(&[&["--output", "json"], arguments].concat()).await;
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    said.out
}

#[tokio::test]
async fn answers_have_the_form_of_the_protos() {
    let golden: [(&[&str], &str); 9] = [
        (&["show", "CASE-001"], include_str!("golden/show.json")),
        (&["show", "CASE-001", "--comments"], include_str!("golden/show_comments.json")),
        (&["show", "CASE-001", "CASE-002"], include_str!("golden/show_several.json")),
        (&["list"], include_str!("golden/list.json")),
        (&["timeline", "CASE-001"], include_str!("golden/timeline.json")),
        (&["audit"], include_str!("golden/audit.json")),
        (&["lifecycle", "show"], include_str!("golden/lifecycle.json")),
        (&["transition", "CASE-001", "IN_REVIEW"], include_str!("golden/transition.json")),
        (&["comment", "CASE-001", "Wet."], include_str!("golden/comment.json")),
    ];
    for (arguments, golden) in golden {
        assert_eq!(json(arguments).await, golden, "{arguments:?}");
    }
}

#[tokio::test]
async fn one_audit_event_is_one_document() {
    assert_eq!(json(&["audit", "--event", "0193-event"]).await, include_str!("golden/audit.json"));
}

#[tokio::test]
async fn all_pages_are_lines_in_one_stream() {
    let (desk, address) = Desk::open().await;
    *desk.pages.lock().unwrap() = 3;
    for command in ["list", "audit"] {
        let said = Setting::at(address).run(&[command, "--all", "-o", "json"]).await;
        assert_eq!((said.code, said.out.lines().count(), said.err.as_str()), (0, 3, ""), "{command}");
    }
    assert!(desk.calls().iter().all(|call| call.message.contains("page_size: 1000")));
}

#[tokio::test]
async fn one_page_says_how_to_get_the_next() {
    let (desk, address) = Desk::open().await;
    *desk.pages.lock().unwrap() = 3;
    let said = Setting::at(address).run(&["list", "-o", "json", "--page-token", "1"]).await;
    assert_eq!((said.out.lines().count(), said.err.as_str()), (1, "{\"nextPageToken\":\"2\"}\n"));
    let said = Setting::at(address).run(&["list"]).await;
    assert_eq!(said.err, "There are more: --all, or the next page with --page-token 1\n");
}

#[tokio::test]
async fn nothing_found_is_no_lines_for_programs_and_a_word_for_people() {
    let (_desk, address) = Desk::open().await;
    let said = Setting::at(address).run(&["list", "--reporter", "nobody", "-o", "json"]).await;
    assert_eq!((said.code, said.out.as_str()), (0, ""));
    let said = Setting::at(address).run(&["list", "--reporter", "nobody"]).await;
    assert_eq!((said.code, said.out.as_str()), (0, "No case matches\n"));
}

#[tokio::test]
async fn health_names_each_service_and_fails_unless_all_are_well() {
    let (_desk, address) = Desk::open().await;
    let said = Setting::at(address).run(&["health"]).await;
    assert_eq!((said.code, said.out.matches("SERVING").count()), (0, 3), "{said:?}");
    let said = Setting::at(address).run(&["health", "--check", "startup", "-o", "json"]).await;
    assert_eq!(said.code, 1);
    let service = |name| format!(r#"{{"service":"{name}","address":"{address}","status":"NOT_SERVING"}}"#);
    let services = ["command", "query", "audit"].map(service).join(",");
    assert_eq!(said.out, format!("{{\"services\":[{services}]}}\n"));
    assert_eq!(said.err, "{\"error\":{\"exitCode\":1,\"message\":\"not healthy (startup): command, query, audit\"}}\n");
}
