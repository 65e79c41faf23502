//! Lines of words: out of a plan of the vendor's, and into our parts.

use serde_json::Value;
use settings::PlanLimits;

use super::form::Part;

/// A line that is sung takes at least so long, in milliseconds.
const SHORTEST_LINE_MS: u64 = 1_000;
/// Most lines that are read of a plan.
const MOST_READ: usize = 1_000;

/// The lines of each section or chunk of a plan, in order. Headings in brackets are nothing that is sung.
pub fn of_plan(plan: &Value, limits: &PlanLimits) -> Vec<Vec<String>> {
    let parts = plan["sections"].as_array().or_else(|| plan["chunks"].as_array());
    let mut left = MOST_READ;
    let lines = |part: &Value| {
        let of_section = part["lines"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let texts: Vec<&str> = of_section.chain(part["text"].as_str()).flat_map(str::lines).take(left).collect();
        left -= texts.len();
        let is_heading = |text: &str| text.starts_with('[') && text.ends_with(']');
        texts
            .into_iter()
            .map(str::trim)
            .filter(|text| !is_heading(text))
            .flat_map(|text| split(text, limits.line_chars))
            .collect()
    };
    parts.into_iter().flatten().map(lines).collect()
}

/// Gives lines to parts: as they are where the parts are as many; else to those that sing, in order, by their lengths.
pub fn deal(parts: &[Part], theirs: Vec<Vec<String>>, limits: &PlanLimits) -> Vec<Vec<String>> {
    let most = limits.lines;
    let room = |part: &Part| most.min(usize::try_from(part.ms / SHORTEST_LINE_MS).unwrap_or(most));
    let is_ours = theirs.len() == parts.len()
        && theirs.iter().zip(parts).all(|(lines, part)| lines.len() <= room(part) && (part.sings || lines.is_empty()));
    if is_ours {
        return theirs;
    }
    let mut all = theirs.into_iter().flatten();
    let count = all.clone().count() as u64;
    let total_ms: u64 = parts.iter().filter(|part| part.sings).map(|part| part.ms).sum();
    let (mut at_ms, mut dealt) = (0, 0);
    let part = |part: &Part| {
        if !part.sings {
            return Vec::new();
        }
        at_ms += part.ms;
        let until = (count * at_ms).div_ceil(total_ms.max(1));
        let lines: Vec<String> = all.by_ref().take(usize::try_from(until - dealt).unwrap_or(0)).collect();
        dealt = until;
        lines.into_iter().take(room(part)).collect()
    };
    parts.iter().map(part).collect()
}

/// Gives lines that begin at moments, in milliseconds and in order, to the parts in which they begin; of one in which nobody sings,
/// to the one before it that sings, else to the first.
pub fn place(parts: &[Part], timed: &[(u64, String)], limits: &PlanLimits) -> Vec<Vec<String>> {
    let mut placed = vec![Vec::new(); parts.len()];
    let Some(first) = parts.iter().position(|part| part.sings) else { return placed };
    for (at_ms, text) in timed {
        let mut end = 0;
        let begun = parts.iter().take_while(|part| {
            let start = end;
            end += part.ms;
            start <= *at_ms
        });
        let part = begun.enumerate().filter(|(_, part)| part.sings).last().map_or(first, |(index, _)| index);
        placed[part].extend(split(text, limits.line_chars));
    }
    placed
}

/// A stranger's line as lines that the vendor takes: without what is no text, cut between words where it is too long.
fn split(text: &str, most_chars: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    for word in plain.split_whitespace() {
        let word = shortened(word, most_chars);
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= most_chars => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// The beginning of a text on one line, up to a whole word where there is one.
pub fn shortened(text: &str, most_chars: usize) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((end, _)) = text.char_indices().nth(most_chars) else { return text };
    let head = &text[..end];
    let is_whole = text[end..].starts_with(' ');
    let last_space = head.rfind(' ').filter(|_| !is_whole);
    head[..last_space.unwrap_or(end)].trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parts(of: &[(u64, bool)]) -> Vec<Part> {
        of.iter().map(|(ms, sings)| Part { name: "P".to_owned(), ms: *ms, sings: *sings, style: None }).collect()
    }

    fn counts(dealt: &[Vec<String>]) -> Vec<usize> {
        dealt.iter().map(Vec::len).collect()
    }

    #[test]
    fn lines_are_read_of_both_versions() {
        let sections =
            json!({"sections": [{"lines": ["One\u{7} two", ""]}, {"lines": ["[Solo]", 7]}, {"lines": null}]});
        let limits = PlanLimits::default();
        let of_plan = |plan: &Value| of_plan(plan, &limits);
        assert_eq!(of_plan(&sections), [vec!["One two".to_owned()], vec![], vec![]]);
        let chunks = json!({"chunks": [{"text": "[Verse]\nOne\n\nTwo"}, {"song_id": "s"}]});
        assert_eq!(of_plan(&chunks), [vec!["One".to_owned(), "Two".to_owned()], vec![]]);
        assert_eq!(of_plan(&json!("none")), Vec::<Vec<String>>::new());
        let long = json!({"sections": [{"lines": ["word ".repeat(90)]}]});
        assert!(of_plan(&long)[0].len() == 3 && of_plan(&long)[0].iter().all(|line| line.len() <= limits.line_chars));
        let endless = json!({"chunks": [{"text": "la\n".repeat(5_000)}, {"text": "lo"}]});
        assert_eq!(counts(&of_plan(&endless)), [MOST_READ, 0]);
    }

    #[test]
    fn lines_go_to_parts_that_sing() {
        let lines = |counts: &[usize]| counts.iter().map(|count| vec!["la".to_owned(); *count]).collect::<Vec<_>>();
        let limits = PlanLimits::default();
        let song = parts(&[(4_000, false), (20_000, true), (10_000, false), (20_000, true)]);
        let check = |theirs: &[usize], expected: &[usize]| {
            assert_eq!(counts(&deal(&song, lines(theirs), &limits)), expected, "{theirs:?}");
        };
        check(&[0, 4, 0, 6], &[0, 4, 0, 6]);
        check(&[2, 4, 0, 2], &[0, 4, 0, 4]);
        check(&[8], &[0, 4, 0, 4]);
        check(&[1], &[0, 1, 0, 0]);
        check(&[], &[0, 0, 0, 0]);
        // No more than there is time for.
        check(&[90], &[0, 20, 0, 20]);
        let long = parts(&[(120_000, true)]);
        for most in [30, 12] {
            let limits = PlanLimits { lines: most, ..PlanLimits::default() };
            assert_eq!(counts(&deal(&long, lines(&[90]), &limits)), [most]);
        }
    }

    #[test]
    fn lines_of_our_own_go_where_they_begin() {
        let song = parts(&[(4_000, false), (10_000, true), (6_000, false), (10_000, true)]);
        let check = |moments: &[u64], expected: &[usize]| {
            let timed: Vec<(u64, String)> = moments.iter().map(|at| (*at, "la la".to_owned())).collect();
            assert_eq!(counts(&place(&song, &timed, &PlanLimits::default())), expected, "{moments:?}");
        };
        check(&[4_000, 13_999, 20_000, 29_000], &[0, 2, 0, 2]);
        check(&[0, 15_000, 90_000], &[0, 2, 0, 1]);
        check(&[], &[0, 0, 0, 0]);
        let short = PlanLimits { line_chars: 2, ..PlanLimits::default() };
        assert_eq!(place(&song, &[(5_000, "la lo".to_owned())], &short)[1], ["la", "lo"]);
        assert_eq!(counts(&place(&parts(&[(9_000, false)]), &[(0, "la".to_owned())], &short)), [0]);
    }

    #[test]
    fn order_is_kept() {
        let theirs: Vec<Vec<String>> = vec![(0..7).map(|n| n.to_string()).collect()];
        let dealt = deal(&parts(&[(9_000, true), (9_000, true), (3_000, true)]), theirs, &PlanLimits::default());
        assert_eq!(dealt.concat(), ["0", "1", "2", "3", "4", "5", "6"]);
    }

    #[test]
    fn texts_end_with_a_whole_word() {
        for (text, most, expected) in
            [("one two", 5, "one"), ("one two", 3, "one"), ("one", 2, "on"), (" a\n b ", 9, "a b")]
        {
            assert_eq!(shortened(text, most), expected, "{text:?} in {most}");
        }
    }
}
