//! Lifecycle files: what is read is written so that it reads the same; each mistake names a line that there is.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    match lifecycle_file::parse(text) {
        Ok(lifecycle) => {
            let again = lifecycle_file::parse(&lifecycle_file::write(&lifecycle));
            assert!(again.is_ok_and(|again| again == lifecycle), "a lifecycle does not read back");
        }
        Err(mistakes) => {
            let lines = text.matches('\n').count() + 1;
            assert!(!mistakes.is_empty(), "refused without a mistake");
            for mistake in mistakes {
                assert!((1..=lines).contains(&mistake.line), "there is no line {} of {lines}", mistake.line);
                assert!(!mistake.message.contains('\n'), "a message of several lines: {}", mistake.message);
            }
        }
    }
});
