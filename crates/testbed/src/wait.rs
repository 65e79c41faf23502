//! Waiting for a condition instead of for a time.

use std::{
    fmt::Debug,
    future::Future,
    time::{Duration, Instant},
};

/// Asks `look` again and again until it answers `Ok`, and returns what it found.
///
/// # Panics
/// After `bound`, with `what` was awaited and the last state seen (the last `Err`).
pub async fn eventually<T, E, F>(what: &str, bound: Duration, mut look: impl FnMut() -> F) -> T
where
    E: Debug,
    F: Future<Output = Result<T, E>>,
{
    let start = Instant::now();
    let mut pause = Duration::from_millis(5);
    loop {
        match look().await {
            Ok(found) => return found,
            Err(seen) if start.elapsed() >= bound => {
                panic!("waited {:.1} s for {what}; last seen: {seen:?}", bound.as_secs_f64())
            }
            Err(_) => tokio::time::sleep(pause).await,
        }
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn returns_what_was_found() {
        let mut looks = 0;
        let found = eventually("the third look", Duration::from_secs(5), || {
            looks += 1;
            let seen = looks;
            async move { if seen == 3 { Ok(seen) } else { Err(seen) } }
        })
        .await;
        assert_eq!(found, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "waited 0.0 s for a miracle; last seen: \"nothing yet\"")]
    async fn says_what_was_seen_last() {
        let _: () = eventually("a miracle", Duration::ZERO, || async { Err("nothing yet") }).await;
    }
}
