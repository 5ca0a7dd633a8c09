//! Why a handshake came to nothing: a closed list, counted by name.

use std::io;

use rustls::{Error, InvalidMessage};

/// Who or what ended a handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Failure {
    /// What came is not TLS: a request in the clear, or a probe.
    NotTls,
    /// Nothing in common: no version, cipher or application protocol; or a message that is not to the rules.
    Protocol,
    /// The client said no: it does not trust the certificate, as a rule.
    Refused,
    /// The client went away.
    Closed,
    /// It took longer than a head may.
    Timeout,
}

impl Failure {
    pub(crate) const ALL: [Failure; 5] =
        [Failure::NotTls, Failure::Protocol, Failure::Refused, Failure::Closed, Failure::Timeout];

    /// As the metric calls it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Failure::NotTls => "not-tls",
            Failure::Protocol => "protocol",
            Failure::Refused => "refused-by-client",
            Failure::Closed => "closed",
            Failure::Timeout => "timeout",
        }
    }

    pub(crate) fn of(error: &io::Error) -> Failure {
        match error.get_ref().and_then(|e| e.downcast_ref::<Error>()) {
            Some(Error::InvalidMessage(InvalidMessage::InvalidContentType)) => Failure::NotTls,
            Some(Error::AlertReceived(_)) => Failure::Refused,
            Some(_) => Failure::Protocol,
            None => Failure::Closed,
        }
    }
}
