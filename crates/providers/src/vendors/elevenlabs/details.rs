//! What the vendor tells of a song beside its sound: what it calls it, and when each word is sung.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::lines::shortened;
use crate::composing::SungWord;

const LONGEST_TITLE: usize = 80;
const LONGEST_WORD: usize = 60;
/// Most words of a song: ten minutes of eight words a second.
const MOST_WORDS: usize = 4_800;
/// Words may end so much behind the song, in seconds: their times are estimates.
const SLACK_SECONDS: f64 = 1.0;
/// Where no plan says what a line is, a rest of so much ends one.
const REST_SECONDS: f64 = 0.9;
const LONGEST_LINE: usize = 42;

/// What is kept of it in the call's answer.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Details {
    pub title: Option<String>,
    /// Words line by line; empty where nobody sings, or where the times cannot be true.
    pub lines: Vec<Vec<SungWord>>,
}

impl Details {
    /// Reads them; `lines` are those that were to be sung. What is missing or makes no sense is left out: the song is good
    /// without it.
    pub fn read(json: &Value, lines: &[Vec<String>], seconds: f64) -> Self {
        let title = json["song_metadata"]["title"].as_str().map(|title| shortened(title, LONGEST_TITLE));
        let words = words(&json["words_timestamps"], seconds).unwrap_or_default();
        Self { title: title.filter(|title| !title.is_empty()), lines: in_lines(words, lines) }
    }
}

/// `None` unless every word has a time that can be true: words at wrong times are worse than none.
fn words(stamps: &Value, seconds: f64) -> Option<Vec<SungWord>> {
    let stamps = stamps.as_array().filter(|stamps| stamps.len() <= MOST_WORDS)?;
    let mut words: Vec<SungWord> = Vec::with_capacity(stamps.len());
    for stamp in stamps {
        let text = shortened(stamp["word"].as_str()?, LONGEST_WORD);
        let (start, end) = (stamp["start_ms"].as_f64()? / 1000.0, stamp["end_ms"].as_f64()? / 1000.0);
        let earliest = words.last().map_or(0.0, |last| last.start_seconds);
        if start < earliest || end < start || end > seconds + SLACK_SECONDS {
            return None;
        }
        if !text.is_empty() {
            words.push(SungWord { text, start_seconds: start, end_seconds: end.min(seconds) });
        }
    }
    Some(words)
}

/// By the lines of the plan, where those words are what was sung; else by rests.
fn in_lines(words: Vec<SungWord>, planned: &[Vec<String>]) -> Vec<Vec<SungWord>> {
    let planned: Vec<Vec<String>> =
        planned.iter().flatten().map(|line| line.split_whitespace().map(plain).collect()).collect();
    let is_as_planned =
        planned.iter().flatten().eq(words.iter().map(|word| plain(&word.text)).collect::<Vec<_>>().iter());
    let mut words = words.into_iter();
    if is_as_planned {
        let lines = planned.iter().map(|line| words.by_ref().take(line.len()).collect::<Vec<_>>());
        return lines.filter(|line| !line.is_empty()).collect();
    }
    let mut lines: Vec<Vec<SungWord>> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if goes_on(line, &word) => line.push(word),
            _ => lines.push(vec![word]),
        }
    }
    lines
}

fn goes_on(line: &[SungWord], word: &SungWord) -> bool {
    let chars: usize = line.iter().map(|word| word.text.chars().count() + 1).sum();
    let rests = line.last().is_some_and(|last| word.start_seconds - last.end_seconds > REST_SECONDS);
    !rests && chars + word.text.chars().count() <= LONGEST_LINE
}

/// A word without case and punctuation.
fn plain(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn texts(details: &Details) -> Vec<String> {
        let line = |line: &Vec<SungWord>| line.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        details.lines.iter().map(line).collect()
    }

    fn stamp(word: &str, start_ms: u64, end_ms: u64) -> Value {
        json!({"word": word, "start_ms": start_ms, "end_ms": end_ms})
    }

    fn check(stamps: Value, planned: &[&str], expected: &[&str]) {
        let planned = [planned.iter().map(|line| (*line).to_owned()).collect()];
        let details = Details::read(&json!({ "words_timestamps": stamps }), &planned, 10.0);
        assert_eq!(texts(&details), expected, "{stamps}");
    }

    #[test]
    fn words_stand_in_the_lines_of_the_plan() {
        let sung = json!([
            stamp("A", 0, 300),
            stamp("boat,", 400, 900),
            stamp("goes", 1_000, 1_400),
            stamp("by", 1_500, 2_000)
        ]);
        check(sung.clone(), &["a boat", "Goes by!"], &["A boat,", "goes by"]);
        check(sung.clone(), &["something else"], &["A boat, goes by"]);
        let rests = json!([stamp("A", 0, 300), stamp("boat", 3_000, 3_300)]);
        check(rests, &[], &["A", "boat"]);
        let many: Vec<Value> = (0..30).map(|n| stamp("lala", n * 100, n * 100 + 90)).collect();
        let details = Details::read(&json!({ "words_timestamps": many }), &[], 10.0);
        assert!(texts(&details).iter().all(|line| line.len() <= LONGEST_LINE) && details.lines.len() == 4);
    }

    #[test]
    fn times_that_cannot_be_true_are_left_out() {
        check(json!([stamp("a", 0, 10_900)]), &[], &["a"]);
        check(json!([stamp("a", 0, 11_100)]), &[], &[]);
        check(json!([stamp("a", 500, 400)]), &[], &[]);
        check(json!([stamp("a", 500, 600), stamp("b", 400, 600)]), &[], &[]);
        check(json!([{"word": "a", "start_ms": "0", "end_ms": 1}]), &[], &[]);
        check(json!([{"word": 7, "start_ms": 0, "end_ms": 1}]), &[], &[]);
        check(json!([stamp(" \u{7} ", 0, 1), stamp("b", 5, 6)]), &[], &["b"]);
        check(json!({"a": 1}), &[], &[]);
        check(json!(null), &[], &[]);
    }

    #[test]
    fn a_title_is_a_short_text_on_one_line() {
        let title = |title: Value| Details::read(&json!({"song_metadata": {"title": title}}), &[], 1.0).title;
        assert_eq!(title(json!("Paper\nHarbor")).as_deref(), Some("Paper Harbor"));
        assert_eq!(title(json!("x".repeat(900))).map(|title| title.len()), Some(LONGEST_TITLE));
        assert_eq!(title(json!("  ")), None);
        assert_eq!(title(json!(["x"])), None);
    }
}
