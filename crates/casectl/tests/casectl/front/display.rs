//! What people see.

use std::sync::PoisonError;

use super::{Desk, Setting};

const LOOKS: [&[&str]; 10] = [
    &["list"],
    &["show", "CASE-001", "--comments"],
    &["timeline", "CASE-001"],
    &["audit"],
    &["audit", "--event", "0193-event"],
    &["lifecycle", "show"],
    &["health"],
    &["diagnostics"],
    &["update", "CASE-001", "--title", "x"],
    &["transition", "CASE-001", "IN_REVIEW"],
];

#[tokio::test]
async fn everything_fits_the_terminal() {
    let (_desk, address) = Desk::open().await;
    for columns in [40, 60, 80, 200] {
        for look in LOOKS {
            let said = Setting::at(address).on_terminal(columns).run(look).await;
            assert_eq!(said.code, 0, "{said:?}");
            let widest = said.out.lines().max_by_key(|line| console::measure_text_width(line)).unwrap();
            assert!(console::measure_text_width(widest) <= usize::from(columns), "{columns}: {widest}");
        }
    }
}

#[tokio::test]
async fn colours_are_for_terminals_that_want_them() {
    let (_desk, address) = Desk::open().await;
    let terminal = || Setting::at(address).on_terminal(80);
    for (setting, flags, coloured) in [
        (terminal(), &["list"][..], true),
        (Setting::at(address), &["list"], false),
        (terminal().with("NO_COLOR", "1"), &["list"], false),
        (terminal().with("NO_COLOR", ""), &["list"], true),
        (terminal().with("TERM", "dumb"), &["list"], false),
        (terminal(), &["list", "--color", "never"], false),
        (Setting::at(address).with("NO_COLOR", "1"), &["list", "--color", "always"], true),
        (terminal(), &["list", "--output", "json"], false),
    ] {
        let said = setting.run(flags).await;
        assert_eq!(said.out.contains('\u{1b}'), coloured, "{flags:?}: {said:?}");
    }
}

#[tokio::test]
async fn a_list_is_brief_and_a_card_is_complete() {
    let (_desk, address) = Desk::open().await;
    let said = Setting::at(address).on_terminal(60).with("NO_COLOR", "1").run(&["list"]).await;
    assert_eq!(said.out, include_str!("golden/list_60.txt"));
    let said = Setting::at(address).on_terminal(60).with("NO_COLOR", "1").run(&["show", "CASE-001"]).await;
    assert_eq!(said.out, include_str!("golden/show_60.txt"));
}

#[tokio::test]
async fn histories_tell_the_exact_time_and_how_long_each_status_lasted() {
    let (_desk, address) = Desk::open().await;
    let said = Setting::at(address).run(&["timeline", "CASE-001"]).await;
    assert_eq!(
        said.out,
        "2026-11-23 09:28:30 UTC  transitioned by amira  (version 2)\n  status: DRAFT → SUBMITTED\n  \
         reason: complete\n\nSTATUS  TIME IN IT\nDRAFT   3.2 s\n"
    );
    let said = Setting::at(address).run(&["timeline", "CASE-001", "--times", "both"]).await;
    assert!(said.out.starts_with("2026-11-23 09:28:30 UTC (1 min ago)  "), "{said:?}");
}

#[tokio::test]
async fn text_of_others_cannot_command_the_terminal() {
    let (desk, address) = Desk::open().await;
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}";
    {
        let mut case = desk.case.lock().unwrap_or_else(PoisonError::into_inner);
        case.title = format!("title {evil}");
        case.description = format!("description\n{evil}");
        case.status = format!("STATUS{evil}");
        case.assignee = evil.to_owned();
        case.tags = vec![evil.to_owned()];
        case.allowed_transitions[0].to_status = evil.to_owned();
        case.links[0].case_id = evil.to_owned();
    }
    for look in [&["list"][..], &["show", "CASE-001"], &["transition", "CASE-001", "X"]] {
        let said = Setting::at(address).run(look).await;
        assert_eq!(said.code, 0);
        let obeyed = said.out.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
        assert_eq!(obeyed, None, "{look:?}: {:?}", said.out);
    }
}
