//! How many syllables a prompt wants of each line.

/// Most lines that are written, whatever a prompt says.
const MOST_LINES: usize = 200;
/// Most syllables of a line.
const MOST_SYLLABLES: usize = 60;

/// The counts, line by line; none where the prompt has none. Understood are numbers beside the word "syllables", one or more a
/// line of the prompt ("Line 3: 7 syllables", "7-syllable", "syllables per line: 7, 8, 6", `"syllables": 7`), and without that
/// word a numbered list of numbers ("1: 7").
pub fn wanted(prompt: &str) -> Vec<usize> {
    let beside: Vec<(bool, Vec<usize>)> = prompt
        .lines()
        .map(|line| (is_item(line), beside_the_word(line)))
        .filter(|(_, counts)| !counts.is_empty())
        .collect();
    // A sentence about the lines in general gives way to a list of them.
    let items: Vec<usize> = beside.iter().filter(|(item, _)| *item).flat_map(|(_, counts)| counts.clone()).collect();
    let mut counts = match items.len() {
        0 | 1 => beside.into_iter().map(|(_, counts)| counts).max_by_key(Vec::len).unwrap_or_default(),
        _ => items,
    };
    if counts.len() < 2 {
        let listed = numbered(prompt);
        if listed.len() > counts.len() {
            counts = listed;
        }
    }
    counts.truncate(MOST_LINES);
    counts
}

/// Whether a line of the prompt is one of a list: it begins with a number, a dash, a star, a brace or the word "line".
fn is_item(line: &str) -> bool {
    let line = line.trim_start().to_lowercase();
    line.starts_with(|first: char| first.is_ascii_digit() || "-*{".contains(first)) || line.starts_with("line ")
}

fn beside_the_word(line: &str) -> Vec<usize> {
    let line = line.to_lowercase();
    let parts: Vec<&str> = line.split("syllable").collect();
    let before = |part: &&str| {
        let trimmed = part.trim_end_matches([' ', '-', '(']);
        let digits = trimmed.len() - trimmed.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        plausible(&trimmed[trimmed.len() - digits..])
    };
    let counts: Vec<usize> = parts[..parts.len() - 1].iter().filter_map(before).collect();
    if !counts.is_empty() {
        return counts;
    }
    let many = parts.len() > 2;
    parts[1..].iter().flat_map(|part| numbers(part).into_iter().take(if many { 1 } else { MOST_LINES })).collect()
}

fn numbered(prompt: &str) -> Vec<usize> {
    let mut counts = Vec::new();
    for line in prompt.lines() {
        let line = line.trim_start().trim_start_matches(['-', '*', ' ']);
        let line = line.strip_prefix("Line ").or_else(|| line.strip_prefix("line ")).unwrap_or(line);
        let Some((index, rest)) = line.split_once([':', '.', ')']) else { continue };
        if index.trim().parse() == Ok(counts.len() + 1)
            && let Some(count) = numbers(rest).first()
        {
            counts.push(*count);
        }
    }
    counts
}

fn numbers(text: &str) -> Vec<usize> {
    text.split(|c: char| !c.is_ascii_digit()).filter_map(plausible).collect()
}

fn plausible(digits: &str) -> Option<usize> {
    digits.parse().ok().filter(|count| (1..=MOST_SYLLABLES).contains(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_as_people_write_them() {
        let expected = vec![7, 8, 6];
        for prompt in [
            "Write a song.\nLine 1: 7 syllables\nLine 2: 8 syllables, ends a phrase\nLine 3: 6 syllables",
            "Exactly 3 lines, at most 12 syllables each.\n1. (7 syllables)\n2. (8 syllables)\n3. (6 syllables)",
            "Syllables per line: 7, 8, 6\nBe brief.",
            "Syllables of each line: [7,8,6]",
            r#"{"lines":[{"line":1,"syllables":7},{"line":2,"syllables":8},{"line":3,"syllables":6}]}"#,
            "{\"line\": 1, \"syllables\": 7}\n{\"line\": 2, \"syllables\": 8}\n{\"line\": 3, \"syllables\": 6}",
            "Line lengths:\n1: 7\n2: 8\n3: 6",
            "- line 1: 7 stressed x-x-x\n- line 2: 8\n- line 3: 6",
        ] {
            assert_eq!(wanted(prompt), expected, "{prompt}");
        }
        assert_eq!(wanted("Write a song about the year 2024."), Vec::<usize>::new());
    }
}
