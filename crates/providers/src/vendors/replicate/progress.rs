//! What a run's looks mean: how far it is, what it made, what it cost.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::{Cost, Failure, FailureClass, FailureCode, Prices, Usage};
use serde_json::Value;
use url::Url;

use super::wire::Run;
use crate::{outside_service::OutsideProgress, vendors::clean};

/// Most files of one output, and how deep they are looked for.
const MOST_FILES: usize = 16;
const DEEPEST: usize = 4;
/// The end of the logs, in which the progress stands.
const LOG_BYTES: usize = 4096;

/// How a run stands. Words for states that came up later mean what `completed_at` says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    Working,
    /// With an output, which may be gone again.
    Succeeded,
    Failed,
    /// By whoever asked for it, or at its deadline.
    Canceled,
    /// Its deadline passed before it had begun. Costs nothing.
    Aborted,
}

impl Standing {
    pub fn of(run: &Run) -> Self {
        match run.status.as_str() {
            "succeeded" => Self::Succeeded,
            "failed" => Self::Failed,
            "canceled" => Self::Canceled,
            "aborted" => Self::Aborted,
            _ if run.completed_at.is_none() => Self::Working,
            _ if !run.output.is_null() => Self::Succeeded,
            _ => Self::Failed,
        }
    }
}

/// What was used, and what that costs by these prices. What was never begun costs nothing.
pub fn charge(run: &Run, prices: &Prices) -> (Usage, Option<Cost>) {
    if Standing::of(run) == Standing::Aborted {
        return (Usage::default(), None);
    }
    let told = run.metrics.and_then(|metrics| metrics.predict_time);
    let compute_seconds = told.filter(|seconds| seconds.is_finite() && *seconds > 0.0).unwrap_or(0.0);
    let usage = Usage { compute_seconds, ..Usage::default() };
    (usage, prices.cost(&usage))
}

/// The end of a run that made nothing, in words; `None` for one that works or has made something.
pub fn failure(provider: &str, run: &Run) -> Option<Failure> {
    let what = match Standing::of(run) {
        Standing::Working | Standing::Succeeded => return None,
        Standing::Failed => match run.error.as_str().map(clean).filter(|error| !error.is_empty()) {
            Some(error) => format!("failed: {error}"),
            None => format!("ended without a result ({})", clean(&run.status)),
        },
        Standing::Canceled => "had the work called off".to_owned(),
        Standing::Aborted => "did not begin the work in time".to_owned(),
    };
    Some(away(provider, &what))
}

/// It made something that cannot be had. Made again, it may be.
pub fn lost(provider: &str, run: &Run) -> Failure {
    let removed = run.data_removed == Some(true);
    away(
        provider,
        if removed { "has deleted what it made: it was not fetched in time" } else { "answered without a result" },
    )
}

/// Nobody there knows the run. What was asked for less than `known_within` ago is not everywhere yet where it is looked
/// for; of what is older nobody knows any more.
///
/// # Errors
/// `Transient` where it may be known in a moment.
pub fn unknown(provider: &str, age: Duration, known_within: Duration) -> Result<OutsideProgress, Failure> {
    if age < known_within {
        return Err(away(provider, "does not know of the work yet"));
    }
    Ok(OutsideProgress::failed(away(provider, "knows nothing of the work any more"), None))
}

fn away(provider: &str, what: &str) -> Failure {
    Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, format!("{provider} {what}"))
}

/// A run that goes on. It is looked at again after a share of its age: what takes long is not asked for often.
pub fn working(run: &Run, now: DateTime<Utc>, within: (Duration, Duration)) -> OutsideProgress {
    let age = run.created_at.and_then(|created| (now - created).to_std().ok()).unwrap_or_default();
    let fraction = run.logs.as_deref().and_then(fraction);
    OutsideProgress::Working { fraction, look_again_in: (age / 8).clamp(within.0, within.1) }
}

/// The progress in logs, 0–1: the last "epoch 2/3", else the last "42%".
pub fn fraction(logs: &str) -> Option<f64> {
    let from = logs.len().saturating_sub(LOG_BYTES);
    let end: String =
        logs.bytes().skip(from).map(|byte| if byte.is_ascii() { char::from(byte) } else { ' ' }).collect();
    let end = end.to_ascii_lowercase();
    end.rmatch_indices("epoch").find_map(|(at, word)| epoch(end.get(at + word.len()..)?)).or_else(|| percent(&end))
}

/// What follows "epoch": "2/3" or "2 of 3", with a colon or a blank before.
fn epoch(text: &str) -> Option<f64> {
    let text = text.trim_start_matches([' ', ':', '=', '#']);
    let (done, text) = number(text)?;
    let text = text.trim_start();
    let text = text.strip_prefix('/').or_else(|| text.strip_prefix("of"))?;
    let (all, _) = number(text.trim_start())?;
    (all > 0.0).then(|| (done / all).clamp(0.0, 1.0))
}

fn number(text: &str) -> Option<(f64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, rest))
}

fn percent(text: &str) -> Option<f64> {
    let of = |at: usize| {
        let before = text.get(..at)?;
        let digits = before.bytes().rev().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        before.get(at - digits..)?.parse::<f64>().ok()
    };
    let share = text.rmatch_indices('%').find_map(|(at, _)| of(at))?;
    (0.0..=100.0).contains(&share).then_some(share / 100.0)
}

/// Where the files of an output lie, the sound first: an address, a list of them, or an object that holds some by name.
pub fn files(output: &Value) -> Vec<Url> {
    let mut found = Vec::new();
    collect(output, DEEPEST, &mut found);
    found.truncate(MOST_FILES);
    found
}

fn collect(output: &Value, depth: usize, found: &mut Vec<Url>) {
    if depth == 0 || found.len() >= MOST_FILES {
        return;
    }
    match output {
        Value::String(text) => {
            found.extend(Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https")))
        }
        Value::Array(all) => all.iter().for_each(|one| collect(one, depth - 1, found)),
        Value::Object(named) => {
            // Beside the sound some models hand out what they remember of it.
            let sound = |name: &str| name.contains("audio");
            let (first, rest): (Vec<_>, Vec<_>) = named.iter().partition(|(name, _)| sound(name));
            for (_, one) in first.into_iter().chain(rest) {
                collect(one, depth - 1, found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn states_are_told_apart_and_new_words_by_whether_it_is_over() {
        let check = |shown: Value, expected: Standing| {
            let run: Run = serde_json::from_value(shown.clone()).unwrap();
            assert_eq!(Standing::of(&run), expected, "{shown}");
            let is_over = !matches!(expected, Standing::Working | Standing::Succeeded);
            assert_eq!(failure("vendor", &run).is_some(), is_over, "{shown}");
        };
        let over = "2026-01-01T00:00:00Z";
        check(json!({"status": "starting"}), Standing::Working);
        check(json!({"status": "processing", "completed_at": null}), Standing::Working);
        check(json!({"status": "queued"}), Standing::Working);
        check(json!({}), Standing::Working);
        check(json!({"status": "succeeded", "completed_at": over}), Standing::Succeeded);
        check(json!({"status": "failed", "error": "PA", "completed_at": over}), Standing::Failed);
        check(json!({"status": "canceled", "completed_at": over}), Standing::Canceled);
        check(json!({"status": "aborted", "completed_at": over}), Standing::Aborted);
        check(json!({"status": "expired", "completed_at": over}), Standing::Failed);
        check(json!({"status": "finished", "completed_at": over, "output": "https://x.test/a"}), Standing::Succeeded);
    }

    #[test]
    fn progress_is_read_off_the_end_of_logs() {
        let check = |logs: &str, expected: Option<f64>| assert_eq!(fraction(logs), expected, "{logs}");
        check("", None);
        check("Using seed: 1\n", None);
        check(" 10%|█         | 5/50\n 42%|████▏     | 21/50 [00:03<00:04]", Some(0.42));
        check("12.5% done", Some(0.125));
        check("100%", Some(1.0));
        check("volume at 250%", None);
        check("%", None);
        check("Epoch 1/4 ... 99%\nepoch: 2 of 4, 10%", Some(0.5));
        check("epoch zero, 7%", Some(0.07));
        check("epoch 1/0 30%", Some(0.3));
        check(&format!("90%{}", "x".repeat(2 * LOG_BYTES)), None);
    }

    #[test]
    fn files_are_found_in_outputs_of_every_shape() {
        let check = |output: Value, expected: &[&str]| {
            let found: Vec<String> = files(&output).iter().map(Url::to_string).collect();
            assert_eq!(found, expected, "{output}");
        };
        let (a, b) = ("https://replicate.delivery/a.wav", "https://replicate.delivery/b.wav");
        check(json!(a), &[a]);
        check(json!([a, b]), &[a, b]);
        check(json!({"prompt_npz": b, "audio_out": a}), &[a, b]);
        check(json!({"prompt_npz": null, "audio_out": a}), &[a]);
        check(json!([{"audio": [a]}, {"audio": b}]), &[a, b]);
        check(json!(null), &[]);
        check(json!("just words"), &[]);
        check(json!("data:audio/wav;base64,AAAA"), &[]);
        check(json!([[[[[a]]]]]), &[]);
        assert_eq!(files(&json!(vec![a; 100])).len(), MOST_FILES);
    }

    #[test]
    fn what_was_used_is_charged_and_what_never_began_is_not() {
        let prices = Prices { currency: "USD".to_owned(), per_compute_second: 1000, per_call: 7, ..Prices::default() };
        let check = |shown: Value, micros: Option<i64>| {
            let run: Run = serde_json::from_value(shown.clone()).unwrap();
            assert_eq!(charge(&run, &prices).1.map(|cost| cost.micros), micros, "{shown}");
        };
        check(json!({"status": "succeeded", "metrics": {"predict_time": 2.5}}), Some(2507));
        check(json!({"status": "failed", "metrics": {"predict_time": 1}}), Some(1007));
        check(json!({"status": "succeeded", "metrics": null}), Some(7));
        check(json!({"status": "succeeded", "metrics": {"predict_time": -5}}), Some(7));
        check(json!({"status": "aborted", "metrics": {"predict_time": 3}}), None);
    }
}
