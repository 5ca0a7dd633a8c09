//! How a job can end early, and whether trying again can help.

use durable::StoreError;
use media::MediaError;

/// Why a job's run ended early. What is shown is a sentence for the person who uploaded the file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The source, or a decoder, or an encoder.
    #[error("{0}")]
    Media(MediaError),
    /// The disk or the catalogue.
    #[error("The server could not store its work: {0}.")]
    Store(StoreError),
    /// A thread of ours panicked.
    #[error("A part of the server failed while it worked on this file. Its log says more.")]
    Panicked,
    /// The thread did not stop when it was told to, or made no step for too long.
    #[error("The work on this file did not come to an end and was stopped. The file may be damaged; export it again.")]
    Hung,
    /// Every run of the job was cut off before it stored anything.
    #[error(
        "The server was interrupted each time it worked on this file. Export it again, or look into the server's log."
    )]
    Poisoned,
    /// What the catalogue holds of the asset cannot be read back.
    #[error("The plan for this file was written by another version of the server. Upload the file again.")]
    BadPlan,
    /// The asset is to be encrypted, and its key is sealed by another `content.key` than ours.
    #[error(
        "The key of this asset cannot be opened: keys/content.key is another one than when it was uploaded. Restore it."
    )]
    KeyLost,
}

impl Failure {
    /// Stable word for the API, the counters and the log.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Media(error) => error.code(),
            Self::Store(StoreError::DiskFull) => "disk_full",
            Self::Store(_) => "store_failed",
            Self::Panicked => "worker_panicked",
            Self::Hung => "stalled",
            Self::Poisoned => "interrupted",
            Self::BadPlan => "bad_plan",
            Self::KeyLost => "key_lost",
        }
    }

    /// Whether another run could end differently: yes for what is ours and may pass, no for what is in the file.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Media(MediaError::Io(_) | MediaError::Output(_)) => true,
            Self::Media(_) | Self::Hung | Self::Poisoned | Self::BadPlan | Self::KeyLost => false,
            Self::Store(StoreError::Fenced | StoreError::NotWhole { .. }) => false,
            Self::Store(_) | Self::Panicked => true,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<MediaError> for Failure {
    /// Errors of our own callbacks come back wrapped; they are the store's.
    fn from(error: MediaError) -> Self {
        match error {
            MediaError::Output(inner) => match inner.downcast::<StoreError>() {
                Ok(store) => Self::Store(*store),
                Err(other) => Self::Media(MediaError::Output(other)),
            },
            error => Self::Media(error),
        }
    }
}

/// For callbacks of the media crate: carries a store's error through it.
pub(crate) fn through_media(error: StoreError) -> MediaError {
    MediaError::Output(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_store_comes_through_the_media_crate_unchanged() {
        let failure = Failure::from(through_media(StoreError::DiskFull));
        assert!(matches!(failure, Failure::Store(StoreError::DiskFull)));
        assert_eq!((failure.code(), failure.may_pass()), ("disk_full", true));
    }

    #[test]
    fn what_is_in_the_file_is_not_tried_again() {
        assert!(!Failure::from(MediaError::NoMoov).may_pass());
        assert!(Failure::Panicked.may_pass());
    }
}
