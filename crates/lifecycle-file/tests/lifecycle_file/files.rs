//! Reading from the disk.

use std::error::Error as _;

use lifecycle_file::{FILE_BYTES_MAX, Mistake, ReadError, default_lifecycle, read};

fn mistakes_of(bytes: &[u8]) -> Vec<Mistake> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lifecycle.toml");
    std::fs::write(&path, bytes).unwrap();
    match read(&path) {
        Err(ReadError::Mistaken { mistakes, .. }) => mistakes.0,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lifecycle.toml");
    std::fs::write(&path, lifecycle_file::DEFAULT_TOML).unwrap();
    assert_eq!(read(&path).unwrap(), default_lifecycle());
}

#[test]
fn a_missing_file_is_named_and_the_system_s_answer_is_the_source() {
    let error = read("no/such/lifecycle.toml".as_ref()).unwrap_err();
    assert!(matches!(&error, ReadError::Unreadable { .. }));
    assert_eq!(error.to_string(), "cannot read the lifecycle no/such/lifecycle.toml");
    let source = error.source().unwrap().to_string();
    assert!(!error.to_string().contains(&source));
}

#[test]
fn a_wrong_file_is_named_with_one_line_for_each_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lifecycle.toml");
    std::fs::write(&path, "initial = []\nstatuses = []\ntransitions = []\nx = 1\n").unwrap();
    let text = read(&path).unwrap_err().to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            &*format!("the lifecycle {} has mistakes:", path.display()),
            "line 1: a lifecycle needs at least one initial status",
            "line 2: a lifecycle needs at least one status",
            "line 4: unknown key \"x\" (known: initial, statuses, transitions)",
        ]
    );
}

#[test]
fn bytes_that_are_no_text_are_a_mistake_with_its_line() {
    let mistakes = mistakes_of(b"initial = []\n# \xff\n");
    assert_eq!(mistakes.len(), 1);
    assert_eq!(mistakes[0].to_string(), "line 2: not UTF-8 text");
}

#[test]
fn a_file_that_is_too_large_is_refused_whatever_is_in_it() {
    let expected = format!("line 1: the file is too large: at most {FILE_BYTES_MAX} bytes are read");
    for byte in [b'#', 0xff] {
        let mistakes = mistakes_of(&vec![byte; FILE_BYTES_MAX + 1]);
        assert_eq!(mistakes.len(), 1);
        assert_eq!(mistakes[0].to_string(), expected);
    }
    // The control: one byte less is read.
    assert_ne!(mistakes_of(&vec![b'#'; FILE_BYTES_MAX])[0].to_string(), expected);
}

#[cfg(unix)]
#[test]
fn an_endless_file_is_refused() {
    let error = read("/dev/zero".as_ref()).unwrap_err();
    assert!(error.to_string().contains("too large"), "{error}");
}
