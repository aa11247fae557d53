//! Log lines on standard output: there at every end that is one of order, and nobody's hindrance.

use std::io::{BufRead, BufReader, Read, Write};

use serde_json::Value;
use service_kit::exit::Exit;
use service_kit::program::Process;

use super::{BEHAVIOUR, Started, ended, say};

/// How many lines a child logs: far more than a pipe and the buffer hold.
const LINES: u64 = 10_000;

/// The child: logs much once it is told to, says on standard error when it is through, and ends as it is told. With `pauses`
/// it lets its reader catch up now and then.
pub(super) async fn chat(process: Process, pauses: bool) -> Result<(), Exit> {
    let mut reload = process.reload.clone();
    say("ready");
    reload.next().await;
    let text = "x".repeat(800);
    for n in 0..LINES {
        tracing::info!(name: "chat", n, "{text}");
        if pauses && n % 500 == 0 {
            service_kit::telemetry::log::flush();
        }
    }
    std::io::stderr().write_all(b"done\n").unwrap();
    process.shutdown.cancelled().await;
    Ok(())
}

/// The child: ends in the middle of everything.
pub(super) fn panic_twice() -> Result<(), Exit> {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("the second panic");
        }
    }
    let _panics = Panics;
    panic!("the first panic");
}

/// A child that chats, and has just been told to. Nobody reads what it logs.
fn chatting(behaviour: &str) -> Started {
    let mut started = Started::new(&[], &[(BEHAVIOUR, behaviour)]);
    started.wait_for("ready");
    started.signal("HUP");
    started
}

/// Waits until the child has logged everything.
fn wait_until_done(started: &mut Started) {
    let mut said = [0; 5];
    started.child.stderr.as_mut().unwrap().read_exact(&mut said).unwrap();
    assert_eq!(&said, b"done\n");
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).expect(line)
}

#[test]
fn a_reader_that_reads_loses_no_line_up_to_the_last() {
    let mut started = chatting("chat with pauses");
    let lines = BufReader::new(started.child.stdout.take().unwrap()).lines();
    let reading = std::thread::spawn(move || lines.map(|line| parsed(&line.unwrap())).collect::<Vec<_>>());
    wait_until_done(&mut started);
    started.signal("TERM");
    assert_eq!(started.child.wait().unwrap().code(), Some(0));
    let read = reading.join().unwrap();
    let chat = read.iter().filter(|line| line["event"] == "chat");
    assert!(chat.map(|line| line["n"].as_u64().unwrap()).eq(0..LINES), "all of them, in their order");
    assert!(read.iter().all(|line| line["event"] != "log_lines_lost"));
    assert_eq!(read.last().unwrap()["event"], "service_shutdown");
}

#[test]
fn a_reader_that_is_stuck_holds_up_nobody_and_later_reads_how_much_it_has_missed() {
    let mut started = chatting("chat");
    wait_until_done(&mut started);
    let mut lines = BufReader::new(started.child.stdout.take().unwrap()).lines().map(|line| parsed(&line.unwrap()));
    let mut read = 0;
    let told = lines.by_ref().find(|line| {
        read += u64::from(line["event"] == "chat");
        line["event"] == "log_lines_lost" && line["lines_total"].as_u64().unwrap() + read == LINES
    });
    let told = told.expect("a line that accounts for what is missing");
    assert_eq!((&told["level"], &told["reason"]), (&"WARN".into(), &"buffer_full".into()));
    assert!(told["message"].as_str().unwrap().contains("log lines were lost"), "{told}");
    started.signal("TERM");
    let rest: Vec<_> = lines.collect();
    assert_eq!(rest.last().unwrap()["event"], "service_shutdown", "it goes on as if nothing had been");
    assert_eq!(started.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_reader_that_stays_stuck_cannot_keep_the_process_from_its_end() {
    let mut started = chatting("chat");
    wait_until_done(&mut started);
    started.signal("TERM");
    assert_eq!(started.child.wait().unwrap().code(), Some(0));
}

#[test]
fn an_output_that_nobody_has_open_harms_nobody() {
    let mut started = chatting("chat");
    drop(started.child.stdout.take());
    wait_until_done(&mut started);
    started.signal("TERM");
    let mut said = String::new();
    started.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((started.child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}

#[test]
fn the_line_of_a_panic_that_ends_the_process_is_there() {
    let ended = ended(&[], &[(BEHAVIOUR, "panic twice")]);
    assert_eq!(ended.code, None, "the language ends it: {}{}", ended.stdout, ended.stderr);
    for text in ["the first panic", "the second panic"] {
        let lines = ended.stdout.lines().filter(|line| line.contains("\"panicked\"") && line.contains(text));
        assert_eq!(lines.count(), 1, "{text}: {}", ended.stdout);
    }
}
