//! Text as a reader means it: case, accents, look-alike letters and digits, stretched and spaced-out words.

use std::ops::Range;

/// One word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Folded letters, with nothing guessed.
    pub plain: String,
    /// What it may be read as, `plain` first.
    pub readings: Vec<String>,
    /// Bytes of the text.
    pub range: Range<usize>,
    /// What stands between it and the token before is short and has no space: a hyphen, a dot.
    touches: bool,
}

/// Readings of one token are at most this many.
const MOST_READINGS: usize = 24;
/// Letters of a token that are looked at; listed words are shorter.
const MOST_LETTERS: usize = 48;

/// Look-alikes outside of Latin.
const LOOKALIKES: &[(char, char)] = &[
    ('а', 'a'),
    ('е', 'e'),
    ('о', 'o'),
    ('р', 'p'),
    ('с', 'c'),
    ('у', 'y'),
    ('х', 'x'),
    ('к', 'k'),
    ('м', 'm'),
    ('т', 't'),
    ('і', 'i'),
    ('ѕ', 's'),
    ('н', 'h'),
    ('в', 'b'),
    ('α', 'a'),
    ('ε', 'e'),
    ('ι', 'i'),
    ('κ', 'k'),
    ('ν', 'v'),
    ('ο', 'o'),
    ('ρ', 'p'),
    ('τ', 't'),
    ('υ', 'u'),
    ('χ', 'x'),
    ('ı', 'i'),
    ('ł', 'l'),
    ('ø', 'o'),
    ('đ', 'd'),
    ('ß', 's'),
];
const ACCENTED: &[(&str, char)] = &[
    ("àáâãäåāăą", 'a'),
    ("çćč", 'c'),
    ("ďð", 'd'),
    ("èéêëēėęě", 'e'),
    ("ğģ", 'g'),
    ("ìíîïīį", 'i'),
    ("ķ", 'k'),
    ("ļľĺ", 'l'),
    ("ńňņ", 'n'),
    ("òóôõöōő", 'o'),
    ("ŕř", 'r'),
    ("śšşș", 's'),
    ("ťţț", 't'),
    ("ùúûüūůűų", 'u'),
    ("ýÿ", 'y'),
    ("źżž", 'z'),
];

/// A letter in its plainest form, or the sign itself. ñ stays: it is a letter of its own.
fn folded(c: char) -> char {
    let c = c.to_lowercase().next().unwrap_or(c);
    if c.is_ascii() || c == 'ñ' {
        return c;
    }
    match c as u32 {
        // Full-width forms.
        0xff01..=0xff5e => return char::from_u32(c as u32 - 0xfee0).map_or(c, |c| c.to_ascii_lowercase()),
        // Mathematical alphabets, each of 26 capitals and 26 small letters.
        code @ 0x1d400..=0x1d6a3 => return char::from(b'a' + ((code - 0x1d400) % 26) as u8),
        // Letters in circles.
        code @ 0x24b6..=0x24e9 => return char::from(b'a' + ((code - 0x24b6) % 26) as u8),
        _ => {}
    }
    let accented = ACCENTED.iter().find(|(all, _)| all.contains(c)).map(|(_, plain)| *plain);
    accented.or_else(|| LOOKALIKES.iter().find(|(from, _)| *from == c).map(|(_, to)| *to)).unwrap_or(c)
}

/// Signs that are not seen: zero-width ones, soft hyphens, accents that stand alone.
fn is_unseen(c: char) -> bool {
    matches!(c as u32, 0xad | 0x200b..=0x200f | 0x2060..=0x2064 | 0xfeff | 0x300..=0x36f | 0xfe00..=0xfe0f)
}

/// Signs that stand for letters inside of words.
fn stands_in(c: char) -> &'static [char] {
    match c {
        '0' => &['o'],
        '1' | '!' | '|' => &['i', 'l'],
        '3' => &['e'],
        '4' | '@' => &['a'],
        '5' | '$' => &['s'],
        '7' | '+' => &['t'],
        '8' => &['b'],
        '9' => &['g'],
        '*' | '#' => &['u', 'i', 'a', 'o', 'e'],
        _ => &[],
    }
}

/// The words of a term or phrase of a list.
pub fn words(text: &str) -> Vec<String> {
    tokens(text).into_iter().map(|token| token.plain).collect()
}

/// The words of a text in order.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut letters: Vec<char> = Vec::new();
    let mut start = 0;
    let mut last_end = 0;
    let mut gap = String::new();
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        if is_unseen(c) {
            continue;
        }
        let folded = folded(c);
        if folded.is_alphanumeric() || !stands_in(folded).is_empty() {
            if letters.is_empty() {
                start = at;
            }
            letters.push(folded);
            last_end = at + c.len_utf8();
            continue;
        }
        // "don't" is one word.
        if matches!(folded, '\'' | '\u{2019}') && !letters.is_empty() {
            continue;
        }
        if let Some(token) = token(&letters, start..last_end, &gap) {
            tokens.push(token);
            gap.clear();
        }
        letters.clear();
        gap.push(folded);
    }
    tokens
}

fn token(letters: &[char], range: Range<usize>, gap: &str) -> Option<Token> {
    // Signs at the edges are punctuation more often than letters: "hello!" but "$hip".
    let start = letters.iter().position(|c| c.is_alphanumeric() || matches!(c, '$' | '@'))?;
    let end = letters.iter().rposition(|c| c.is_alphanumeric() || *c == '$')? + 1;
    let letters = &letters[start..end.max(start + 1).min(start + MOST_LETTERS)];
    let plain: String = letters.iter().filter(|c| c.is_alphanumeric()).collect();
    let touches = !gap.is_empty() && gap.chars().count() <= 2 && !gap.contains(char::is_whitespace);
    Some(Token { readings: readings(letters, &plain), plain, range, touches })
}

fn readings(letters: &[char], plain: &str) -> Vec<String> {
    let mut readings = vec![plain.to_owned()];
    if letters.iter().any(|c| c.is_alphabetic()) && letters.iter().any(|c| !stands_in(*c).is_empty()) {
        let mut guesses = vec![String::new()];
        for &c in letters {
            let meant = stands_in(c);
            let mut next = Vec::new();
            for guess in &guesses {
                if meant.is_empty() {
                    next.push(format!("{guess}{c}"));
                } else {
                    next.extend(meant.iter().map(|m| format!("{guess}{m}")));
                }
            }
            next.truncate(MOST_READINGS);
            guesses = next;
        }
        readings.extend(guesses);
    }
    for reading in readings.clone() {
        for most in [1, 2] {
            let squeezed = squeezed(&reading, most);
            if squeezed != reading && has_run(&reading) {
                readings.push(squeezed);
            }
        }
    }
    readings
}

/// Whether a letter comes three times in a row: that is how words are stretched.
fn has_run(word: &str) -> bool {
    let letters: Vec<char> = word.chars().collect();
    letters.windows(3).any(|w| w[0] == w[1] && w[1] == w[2])
}

/// Runs of one letter cut to `most`.
fn squeezed(word: &str, most: usize) -> String {
    let mut out = String::new();
    let (mut last, mut run) = (None, 0);
    for c in word.chars() {
        run = if last == Some(c) { run + 1 } else { 1 };
        last = Some(c);
        if run <= most {
            out.push(c);
        }
    }
    out
}

/// Runs of at least four single letters, joined.
pub fn spelled_out(tokens: &[Token]) -> Vec<(String, Range<usize>)> {
    let single = |token: &Token| token.readings.iter().any(|r| r.chars().count() == 1);
    tokens
        .chunk_by(|a, b| single(a) && single(b))
        .filter(|run| run.len() >= 4 && run.iter().all(single))
        .map(|run| (run.iter().map(|t| t.plain.as_str()).collect(), run[0].range.start..run[run.len() - 1].range.end))
        .collect()
}

/// Pairs of pieces that touch with only a hyphen, dot or the like between them, joined.
pub fn torn(tokens: &[Token]) -> Vec<(String, Range<usize>)> {
    tokens
        .windows(2)
        .filter(|pair| pair[1].touches && pair[0].plain.chars().count() + pair[1].plain.chars().count() >= 4)
        .map(|pair| (format!("{}{}", pair[0].plain, pair[1].plain), pair[0].range.start..pair[1].range.end))
        .collect()
}
