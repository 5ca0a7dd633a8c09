//! What a job has made is worth more than the seconds that a database needs to come back: its results are offered again until they
//! are taken. Each of these writes may be repeated: it asks whether the job is still this run's, and changes nothing twice.

use std::time::Instant;

use durable::StoreError;

use super::cancel::Cancel;
use crate::limits::{AWAY_LOOK, AWAY_PATIENCE};

/// Asks until there is an answer, or the run is to end, or patience does.
pub(crate) async fn patiently<T, F>(cancel: &Cancel, mut ask: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let begun = Instant::now();
    loop {
        let error = match ask().await {
            Err(error) if error.is_away() && cancel.why().is_none() && begun.elapsed() < AWAY_PATIENCE => error,
            done => return done,
        };
        tracing::warn!(%error, "what a job made waits to be written");
        tokio::select! {
            () = tokio::time::sleep(AWAY_LOOK) => {}
            () = cancel.asked() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use durable::Part;

    use super::super::cancel::Why;
    use super::*;

    fn away() -> StoreError {
        StoreError::Away { part: Part::Catalogue, why: "gone".into() }
    }

    #[tokio::test]
    async fn results_are_offered_until_they_are_taken_or_nobody_wants_them() {
        let (cancel, asked) = (Cancel::default(), AtomicU32::new(0));
        let ask = || async { if asked.fetch_add(1, Ordering::Relaxed) == 0 { Err(away()) } else { Ok(7) } };
        assert_eq!(patiently(&cancel, ask).await.unwrap(), 7);
        let fenced = patiently(&cancel, || async { Err::<(), _>(StoreError::Fenced) }).await;
        assert!(matches!(fenced, Err(StoreError::Fenced)));
        cancel.because(Why::Deleted);
        assert!(patiently(&cancel, || async { Err::<(), _>(away()) }).await.unwrap_err().is_away());
    }
}
