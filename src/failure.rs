//! How a command that failed ends: one sentence on standard error, and the exit status.

use anyhow::Error;
use std::io;
use std::process::ExitCode;

/// Says why. A reader who has seen enough (`streamgate version | head -1`) is not a failure.
pub fn end(error: &Error) -> ExitCode {
    let is_read_enough =
        error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
    if is_read_enough {
        return ExitCode::SUCCESS;
    }
    eprintln!("streamgate: {}", sentence(error));
    ExitCode::FAILURE
}

/// The error and its causes, each once: some errors name their cause in their own text.
fn sentence(error: &Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        told if told.contains(&cause) => told.to_owned(),
        told => format!("{told}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn a_cause_is_told_once() {
        let cause = || anyhow!("no space left");
        assert_eq!(sentence(&cause().context("cannot write a: no space left; make room").context("not started")), {
            "not started: cannot write a: no space left; make room"
        });
        assert_eq!(sentence(&cause().context("cannot write a")), "cannot write a: no space left");
    }
}
