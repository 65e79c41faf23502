//! How wide a text will be. A renderer chooses the font, so this is an estimate on the safe side: the advances of DejaVu
//! Sans, the widest of the faces that the look names or falls back to, rounded up by groups of letters. It never asks
//! the machine, so that the same song gives the same picture everywhere.

/// Bold faces are this much wider.
const BOLD: f64 = 1.12;
const ELLIPSIS: char = '…';

/// Width of a text in points at a size of type.
pub(super) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(advance).sum::<f64>() * size
}

pub(super) fn bold_width(text: &str, size: f64) -> f64 {
    width(text, size) * BOLD
}

/// The text, or as much of its beginning as fits, with an ellipsis.
pub(super) fn fitted(text: &str, most: f64, width: impl Fn(&str) -> f64) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut kept = text.to_owned();
    while kept.pop().is_some() {
        let cut = format!("{}{ELLIPSIS}", kept.trim_end());
        if width(&cut) <= most {
            return cut;
        }
    }
    String::new()
}

/// Advance of a character in ems.
const fn advance(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | 'í' | 'ì' | 'ï' | 'î' | '\'' => 0.28,
        'I' | 'J' | ' ' | '.' | ',' | '’' | '‘' => 0.32,
        '/' | ':' | ';' | '|' | 'f' | '-' => 0.37,
        't' | 'r' | '(' | ')' | '[' | ']' | '!' | '¡' => 0.42,
        '"' | '“' | '”' | '*' | '_' | 's' | 'z' | '?' | '¿' | '♯' | '♭' => 0.53,
        'c' | 'L' | 'F' | 'k' | 'v' | 'x' | 'y' => 0.6,
        'U' | 'H' | 'N' | 'D' | 'G' | '&' => 0.78,
        'w' | 'O' | 'Q' | '#' | '+' | '=' | '<' | '>' | '~' | '‿' => 0.84,
        'm' | 'M' | 'W' | '%' | '@' | '—' | '…' => 1.0,
        'A'..='Z' => 0.7,
        '\u{0}'..='\u{ff}' => 0.64,
        // Letters of other alphabets, and whatever else may come.
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Measured with DejaVu Sans at 100 points.
    #[test]
    fn the_estimate_is_never_short_and_not_far_off() {
        for (text, measured) in [
            ("straight", 387.5),
            ("freu-", 237.3),
            ("illinois", 315.6),
            ("te‿a", 242.4),
            ("WOMM", 350.1),
            ("corazón", 395.6),
            ("A#3", 215.8),
        ] {
            let estimated = width(text, 100.0);
            assert!((1.0..1.1).contains(&(estimated / measured)), "{text}: {estimated} for {measured}");
        }
    }

    #[test]
    fn a_text_without_room_is_cut_with_an_ellipsis() {
        let at_ten = |text: &str| width(text, 10.0);
        assert_eq!(fitted("summer nights", 200.0, at_ten), "summer nights");
        let cut = fitted("summer nights", 50.0, at_ten);
        assert!(cut.starts_with("sum") && cut.ends_with('…') && at_ten(&cut) <= 50.0, "{cut}");
        assert_eq!(fitted("summer", 1.0, at_ten), "");
    }
}
