//! What the way to standard output promises, with pipes instead of it.

use std::io::{self, BufRead, BufReader, PipeReader, Write};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use tracing::Level;

use super::Sink;
use super::losses::{Cause, Losses};
use super::outlet::Outlet;

/// Longer than any test should take: it is there to fail instead of hanging.
const PATIENCE: Duration = Duration::from_mins(1);

/// An outlet into a pipe, which tells nobody of losses.
fn piped() -> (Outlet, PipeReader) {
    let (reader, writer) = io::pipe().unwrap();
    (Outlet::start(writer, |_| ()).unwrap(), reader)
}

fn log(outlet: &Outlet, line: &str) {
    outlet.write_line(Level::INFO, format!("{line}\n").as_bytes());
}

fn lost(outlet: &Outlet) -> [u64; 2] {
    [Cause::BufferFull, Cause::WriteFailed].map(|cause| outlet.losses().total(cause))
}

#[test]
fn lines_of_several_threads_are_whole_and_in_the_order_of_each() {
    let (outlet, reader) = piped();
    let collecting = thread::spawn(move || {
        let mut next = [0; 4];
        for line in BufReader::new(reader).lines().take(4 * 5_000) {
            let line = line.unwrap();
            let (thread, n) = line.trim_end_matches('x').split_once(' ').expect("a whole line");
            let next = &mut next[thread.parse::<usize>().unwrap()];
            assert_eq!(n.parse::<usize>().unwrap(), *next);
            *next += 1;
        }
        next
    });
    thread::scope(|scope| {
        for thread in 0..4 {
            let outlet = outlet.clone();
            scope.spawn(move || {
                for n in 0..5_000 {
                    log(&outlet, &format!("{thread} {n}{}", "x".repeat(n % 300)));
                    // The reader must be able to keep up: this is not the test of one that cannot.
                    if n % 500 == 499 {
                        assert!(outlet.flush(PATIENCE));
                    }
                }
            });
        }
    });
    assert_eq!(collecting.join().unwrap(), [5_000; 4]);
    assert_eq!(lost(&outlet), [0, 0], "a reader that reads loses nothing");
}

#[test]
fn a_line_is_written_without_another_one_or_a_flush() {
    let (outlet, reader) = piped();
    let mut reader = BufReader::new(reader);
    for n in 0..20 {
        log(&outlet, &format!("line {n}"));
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert_eq!(line, format!("line {n}\n"));
    }
}

/// Counts the writes.
#[derive(Clone, Default)]
struct Counted(Arc<Mutex<(usize, Vec<u8>)>>);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut counted = self.0.lock().unwrap();
        counted.0 += 1;
        counted.1.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_gathers_is_written_at_once_and_not_line_by_line() {
    let counted = Counted::default();
    let outlet = Outlet::start(counted.clone(), |_| ()).unwrap();
    for n in 0..10_000 {
        log(&outlet, &format!("line {n}"));
    }
    assert!(outlet.flush(PATIENCE));
    let (writes, written) = &*counted.0.lock().unwrap();
    assert_eq!(written.lines().count(), 10_000);
    // A write for each line would be ten thousand; on a machine that stands still between two lines there are some more.
    assert!(*writes < 2_000, "{writes}");
}

/// An outlet that tells of losses in lines of its own, as the real one does: `lost FULL FAILED`.
fn telling(output: impl Write + Send + 'static) -> Outlet {
    let own = Arc::new(OnceLock::<Outlet>::new());
    let known = Arc::clone(&own);
    let tell = move |losses: &Losses| {
        let mut news = [0; 2];
        losses.news().for_each(|(cause, lines)| news[cause as usize] = lines);
        if news != [0, 0] {
            log(known.get().unwrap(), &format!("lost {} {}", news[0], news[1]));
        }
    };
    let outlet = Outlet::start(output, tell).unwrap();
    own.set(outlet.clone()).ok().unwrap();
    outlet
}

#[test]
fn a_reader_that_is_stuck_holds_up_nobody_and_what_is_lost_is_counted_and_told() {
    let (reader, writer) = io::pipe().unwrap();
    let outlet = telling(writer);
    // More than the pipe, the hands of the writer and the buffer hold together. Whoever waited for the reader here would wait
    // for ever.
    for n in 0..8_192 {
        log(&outlet, &format!("{n} {}", "x".repeat(1_000)));
    }
    let [dropped, refused] = lost(&outlet);
    assert!(dropped > 4_096 && refused == 0, "{dropped} {refused}");
    assert!(!outlet.flush(Duration::from_millis(50)), "a flush does not wait for it for ever either");
    let reading = thread::spawn(move || {
        let lines = BufReader::new(reader).lines().map(Result::unwrap);
        lines.take_while(|line| line != "the end").collect::<Vec<_>>()
    });
    assert!(outlet.flush(PATIENCE), "it reads again");
    log(&outlet, "the end");
    let (told, read): (Vec<_>, Vec<_>) =
        reading.join().unwrap().into_iter().partition(|line| line.starts_with("lost "));
    let told: Vec<u64> = told.iter().map(|line| line.split(' ').nth(1).unwrap().parse().unwrap()).collect();
    assert_eq!(told.iter().sum::<u64>(), dropped, "{told:?}");
    assert_eq!(read.len() as u64 + dropped, 8_192, "nothing is missing that is not counted");
    let whole = read.iter().map(|line| line.strip_suffix(&"x".repeat(1_000)).expect("a whole line"));
    let numbers: Vec<u64> = whole.map(|n| n.trim_end().parse().unwrap()).collect();
    assert!(numbers.is_sorted(), "and what was taken in keeps its order");
}

/// An output that takes some bytes, then refuses for a while, then takes everything.
struct Refusing {
    takes: usize,
    refuses: usize,
    taken: Arc<Mutex<Vec<u8>>>,
}

impl Write for Refusing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = if self.refuses > 0 { &bytes[..bytes.len().min(self.takes)] } else { bytes };
        if bytes.is_empty() {
            self.refuses -= 1;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.takes -= bytes.len().min(self.takes);
        self.taken.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_output_that_refuses_for_a_while_loses_what_is_told_and_later_lines_are_whole() {
    let taken = Arc::default();
    let outlet = telling(Refusing { takes: 8, refuses: 2, taken: Arc::clone(&taken) });
    for line in ["first", "second", "third", "fourth", "fifth"] {
        log(&outlet, line);
        assert!(outlet.flush(PATIENCE));
    }
    let taken = String::from_utf8(taken.lock().unwrap().clone()).unwrap();
    assert_eq!(taken, "first\nse\nfourth\nlost 0 2\nfifth\n");
    assert_eq!(lost(&outlet), [0, 2]);
}

#[test]
fn an_output_that_is_closed_harms_nobody_and_its_lines_are_counted() {
    let (outlet, reader) = piped();
    drop(reader);
    for n in 0..1_000 {
        log(&outlet, &format!("line {n}"));
    }
    assert!(outlet.flush(PATIENCE), "nothing is left to wait for");
    assert_eq!(lost(&outlet), [0, 1_000]);
}
