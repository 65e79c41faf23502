//! What a sentence says in figures, and keys: tempo, length, decade, meter.

use music::Mode;

use super::{
    lexicon::{self, Meaning},
    words::Word,
};
use crate::{
    limits::{LEAST_BPM, MOST_BPM},
    style::Style,
    wishes::Era,
};

/// Words of a meaning, the meaning, and how it is told.
pub type Read = (usize, Meaning, String);

/// Reads numbers and keys that begin at a place.
pub fn read(words: &[Word], at: usize) -> Option<Read> {
    let (length, meaning) = era(words, at)
        .or_else(|| seconds(words, at))
        .or_else(|| tempo(words, at))
        .or_else(|| key(words, at))
        .or_else(|| meter(words, at))
        .or_else(|| form(words, at))?;
    let said = meaning.says();
    Some((length, meaning, said))
}

fn plain(words: &[Word], at: usize) -> &str {
    words.get(at).map_or("", |word| &word.plain)
}

fn number(text: &str) -> Option<f64> {
    let spelled = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    if let Some(place) = spelled.iter().position(|word| *word == text) {
        return Some(place as f64 + 1.0);
    }
    text.starts_with(|first: char| first.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
        .filter(|n: &f64| n.is_finite())
}

/// Seconds of a unit.
pub fn unit(text: &str) -> Option<f64> {
    match text {
        "s" | "sec" | "secs" | "second" | "seconds" | "sekunden" | "secondes" | "segundos" => Some(1.0),
        "m" | "min" | "mins" | "minute" | "minutes" | "minuten" | "minutos" => Some(60.0),
        _ => None,
    }
}

/// `30 s`, `30s`, `2 min 10 s`, `1:30`, `half a minute`, `a minute and a half`, `one minute`.
fn seconds(words: &[Word], at: usize) -> Option<(usize, Meaning)> {
    let here = plain(words, at);
    if here == "half" && plain(words, at + 1) == "a" && unit(plain(words, at + 2)) == Some(60.0) {
        return Some((3, Meaning::Seconds(30.0)));
    }
    if let Some((minutes, rest)) = here.split_once(':') {
        let (minutes, rest): (f64, f64) = (minutes.parse().ok()?, rest.parse().ok().filter(|_| rest.len() == 2)?);
        let length = if matches!(plain(words, at + 1), "min" | "minutes" | "long") { 2 } else { 1 };
        return (rest < 60.0).then_some((length, Meaning::Seconds(60.0 * minutes + rest)));
    }
    let (mut length, mut total) = measure(words, at)?;
    if plain(words, at + length) == "and"
        && plain(words, at + length + 1) == "a"
        && plain(words, at + length + 2) == "half"
    {
        return Some((length + 3, Meaning::Seconds(total * 1.5)));
    }
    let gap = usize::from(plain(words, at + length) == "and");
    if total >= 60.0
        && let Some((more, seconds)) = measure(words, at + length + gap).filter(|(_, seconds)| *seconds < 60.0)
    {
        length += gap + more;
        total += seconds;
    }
    Some((length, Meaning::Seconds(total)))
}

/// A number with its unit, as one word or two.
fn measure(words: &[Word], at: usize) -> Option<(usize, f64)> {
    let here = plain(words, at);
    let split = here.find(|letter: char| letter.is_alphabetic()).filter(|place| *place > 0);
    if let Some(place) = split {
        return Some((1, number(&here[..place])? * unit(&here[place..])?));
    }
    let following = words.get(at + 1).filter(|word| !word.after_break)?;
    let count = match here {
        // "a minute", but no "a second".
        "a" if following.plain == "minute" => 1.0,
        _ => number(here)?,
    };
    Some((2, count * unit(&following.plain)?))
}

/// Whether a word goes on with what stands before it and says nothing of music.
fn is_strange(words: &[Word], at: usize) -> bool {
    words.get(at).is_some_and(|word| {
        let is_figure = word.plain.starts_with(|first: char| first.is_ascii_digit());
        !word.after_break && !is_figure && !lexicon::is_filler(&word.plain) && lexicon::longest(words, at).is_none()
    })
}

/// `120 bpm`, `120bpm`, `tempo 96`, `at 90`.
fn tempo(words: &[Word], at: usize) -> Option<(usize, Meaning)> {
    let here = plain(words, at);
    let could_be = |bpm: f64| (LEAST_BPM..=MOST_BPM).contains(&bpm);
    if let Some(bpm) = here.strip_suffix("bpm").filter(|digits| !digits.is_empty()).and_then(number) {
        return Some((1, Meaning::Bpm(bpm)));
    }
    if let Some(bpm) = number(here).filter(|_| here.starts_with(|first: char| first.is_ascii_digit())) {
        if plain(words, at + 1) == "bpm" {
            return Some((2, Meaning::Bpm(bpm)));
        }
        if plain(words, at + 1) == "beats" && matches!(plain(words, at + 2), "per" | "a") {
            return Some((4, Meaning::Bpm(bpm)));
        }
        return None;
    }
    let skip = match here {
        "tempo" | "bpm" => {
            let is_skipped =
                |ahead: &usize| matches!(plain(words, at + ahead), "of" | "is" | "at" | "around" | "about");
            // "Tempo 90", "tempo of 90", "tempo of about 90".
            (1..=2).take_while(is_skipped).count() + 1
        }
        "at" => 1 + usize::from(matches!(plain(words, at + 1), "about" | "around")),
        _ => return None,
    };
    let bpm = number(plain(words, at + skip)).filter(|bpm| here != "at" || could_be(*bpm))?;
    // "At 90 seconds", "at 100 miles an hour", "at 45 degrees", "at 60 per cent": what is counted is not beats.
    let next = plain(words, at + skip + 1);
    let is_counted = unit(next).is_some() || next == "per" || is_strange(words, at + skip + 1);
    if here == "at" && next != "beats" && is_counted {
        return None;
    }
    let said = usize::from(plain(words, at + skip + 1) == "bpm");
    Some((skip + 1 + said, Meaning::Bpm(bpm)))
}

/// `80s`, `1980s`, `'80s`, `eighties`.
fn era(words: &[Word], at: usize) -> Option<(usize, Meaning)> {
    let here = plain(words, at);
    let spelled = ["twenties", "thirties", "forties", "fifties", "sixties", "seventies", "eighties", "nineties"];
    let decade = match spelled.iter().position(|word| *word == here) {
        Some(place) => 1_920 + 10 * place as u16,
        None => {
            let digits = here.strip_suffix("'s").or_else(|| here.strip_suffix('s'))?;
            // "30s" is a length, "the 30s" a decade; "80s" is a decade unless it is how long something is.
            let before = at.checked_sub(1).map_or("", |before| plain(words, before));
            let lasts =
                matches!(plain(words, at + 1), "long" | "loop" | "clip" | "jingle" | "intro") || before == "for";
            match digits.parse::<u16>().ok().filter(|year| year % 10 == 0)? {
                short @ 20..=40 if digits.len() == 2 && before == "the" => 1_900 + short,
                short @ 50..=90 if digits.len() == 2 && !lasts => 1_900 + short,
                0 if digits.len() == 2 => 2_000,
                year @ 1_900..=2_020 => year,
                _ => return None,
            }
        }
    };
    Some((1, Meaning::Era(Era { decade })))
}

/// `in A minor`, `F# major`, `Bb`, `in Am`, `key of G`. A letter alone is a key only after "key
/// of", or after "in" where the sentence or a part of it ends with it: `blues in E`.
fn key(words: &[Word], at: usize) -> Option<(usize, Meaning)> {
    let (skip, is_named) = match (plain(words, at), plain(words, at + 1)) {
        ("key", "of") => (2, true),
        ("key", _) => (1, true),
        ("in", "the") if plain(words, at + 2) == "key" && plain(words, at + 3) == "of" => (4, true),
        ("in", _) => (1, false),
        _ => (0, false),
    };
    let word = words.get(at + skip)?;
    let mut letters = word.text.chars();
    let first = letters.next()?;
    let is_capital = first.is_ascii_uppercase();
    let natural = match first.to_ascii_uppercase() {
        'C' => 0,
        'D' => 2,
        'E' => 4,
        'F' => 5,
        'G' => 7,
        'A' => 9,
        'B' => 11,
        _ => return None,
    };
    let (mut shift, mut is_sure, mut mode) = (0i32, is_named, None);
    let mut rest = letters.as_str();
    if let Some(behind) = rest.strip_prefix(['#', '♯']) {
        (shift, is_sure, rest) = (1, true, behind);
    } else if let Some(behind) = rest.strip_prefix('♭').or_else(|| rest.strip_prefix('b').filter(|_| is_capital)) {
        // "Ab" and "Eb", which are no words, and after "in" only.
        (shift, is_sure, rest) = (-1, is_sure || skip > 0, behind);
    }
    let ends = words.get(at + skip + 1).is_none_or(|next| next.after_break);
    match rest {
        // "A" may be the article of what was cut off.
        "" if skip == 1 && shift == 0 && is_capital && first != 'A' && ends => is_sure = true,
        "" => {}
        "m" if is_capital && (skip > 0 || shift != 0) => (mode, is_sure) = (Some(Mode::Minor), true),
        _ => return None,
    }
    let mut length = skip + 1;
    match plain(words, at + length) {
        "sharp" if shift == 0 => (shift, is_sure, length) = (1, true, length + 1),
        "flat" if shift == 0 => (shift, is_sure, length) = (-1, true, length + 1),
        _ => {}
    }
    match plain(words, at + length) {
        "major" | "maj" | "dur" | "majeur" => (mode, length) = (Some(Mode::Major), length + 1),
        "minor" | "min" | "moll" | "mineur" => (mode, length) = (Some(Mode::Minor), length + 1),
        _ if is_sure => {}
        _ => return None,
    }
    // "A major": an article before an adjective reads like a key ("a minor piece"); a small letter needs "in" or "key".
    let is_article = first == 'a' && shift == 0 && skip == 0;
    // "a major hit", "in a minor mood", "in a major city"; at the start of a sentence also with a capital.
    let is_first = at == 0 || words[at].after_break;
    let may_be_article = shift == 0 && (first == 'a' || first == 'A' && skip == 0 && is_first);
    let goes_on = words.get(at + length).is_some_and(|next| {
        !next.after_break && matches!(next.plain.as_str(), "key" | "mood" | "hit" | "way" | "role")
            || is_strange(words, at + length)
    });
    if is_article || may_be_article && goes_on {
        return None;
    }
    Some((length, Meaning::Key((natural + shift).rem_euclid(12) as u8, mode)))
}

/// `3/4`: a waltz, the only style in three.
fn meter(words: &[Word], at: usize) -> Option<(usize, Meaning)> {
    let skip = usize::from(plain(words, at) == "in");
    match plain(words, at + skip) {
        "3/4" => Some((skip + 1, Meaning::Style(Style::Waltz))),
        _ => None,
    }
}

/// `form ABA`, `AABA form`, `AABA`.
fn form(words: &[Word], at: usize) -> Option<(usize, Meaning)> {
    let named = plain(words, at) == "form" && words.get(at + 1).is_some();
    let place = at + usize::from(named);
    let word = words.get(place)?;
    let is_capital = word.text.chars().all(|letter| ('A'..='D').contains(&letter));
    let follows = plain(words, place + 1) == "form";
    // Words such as BAD and the band ABBA are no forms.
    let speaks = ["AABA", "ABA", "ABAB", "ABAC", "AABB", "ABCA", "ABABC", "ABABCB", "AABBA", "ABACA", "AABABA", "ABCB"];
    if !(named && is_capital || follows && is_capital && word.text.len() > 1 || speaks.contains(&word.text.as_str())) {
        return None;
    }
    let form = word.text.parse().ok()?;
    Some((1 + usize::from(named) + usize::from(follows), Meaning::Form(form)))
}
