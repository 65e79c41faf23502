//! What is written beside a piece: one line, as trainers read it.

/// Longest caption, in characters: what a text encoder reads of it.
const MOST_CHARS: usize = 400;
/// Said where nothing is known. A trainer refuses a piece without a caption.
const NOTHING_KNOWN: &str = "music";

/// One line of everything that is known, what people wrote first and nothing said twice.
pub fn caption<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut said: Vec<String> = Vec::new();
    for part in parts {
        let plain: String = part.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
        let plain = plain.trim_matches([',', '.', ';', ' ']);
        let is_said = said.iter().any(|before| holds(before, plain));
        if !plain.is_empty() && !is_said {
            said.push(plain.to_owned());
        }
    }
    let line: String = said.join(", ").chars().take(MOST_CHARS).collect();
    if line.is_empty() { NOTHING_KNOWN.to_owned() } else { line.trim_end_matches([',', ' ']).to_owned() }
}

/// Whether a text holds another as whole words.
fn holds(text: &str, words: &str) -> bool {
    let plain = |text: &str| {
        let letters: String =
            text.to_lowercase().chars().map(|c| if c.is_alphanumeric() || c == '#' { c } else { ' ' }).collect();
        format!(" {} ", letters.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    plain(text).contains(&plain(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_are_one_line_that_says_nothing_twice() {
        let check = |parts: &[&str], expected: &str| assert_eq!(caption(parts.iter().copied()), expected);
        check(
            &["Warm telecaster,\nclean tone.", "telecaster", "blues", "120 bpm"],
            "Warm telecaster, clean tone, blues, 120 bpm",
        );
        check(&["", " \n", ","], "music");
        check(&["harper", "harp"], "harper, harp");
        check(&["a", "A"], "a");
        let long = caption(["word ".repeat(200).as_str()]);
        assert!(long.chars().count() <= MOST_CHARS && !long.ends_with(' '), "{long}");
    }
}
