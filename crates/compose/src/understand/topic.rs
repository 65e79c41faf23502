//! What a song is about, and where that ends.

use super::{
    lexicon::{self, Meaning},
    numbers,
    words::Word,
};

fn plain(words: &[Word], at: usize) -> &str {
    words.get(at).map_or("", |word| &word.plain)
}

/// Whether the "about" at a place means "approximately": "about 2 minutes", "about 2 to 3 minutes", "about 90 bpm".
pub fn is_approximate(words: &[Word], at: usize) -> bool {
    let is_figure = plain(words, at + 1).starts_with(|first: char| first.is_ascii_digit());
    let is_range = is_figure && (2..=4).any(|ahead| numbers::unit(plain(words, at + ahead)).is_some());
    let read = numbers::read(words, at + 1);
    is_range || matches!(read, Some((_, Meaning::Seconds(_) | Meaning::Bpm(_), _)))
}

/// Words of the topic that begins at a place: up to the next break, or to where the sentence goes on about the music.
pub fn length(words: &[Word], from: usize) -> usize {
    let rest = words.len().saturating_sub(from);
    // Words that come first cannot end it: "about the two of us" has none of these.
    (1..rest).find(|ahead| ends(words, from + ahead)).unwrap_or(rest)
}

fn ends(words: &[Word], at: usize) -> bool {
    if words[at].after_break {
        return true;
    }
    match plain(words, at) {
        "with" | "at" | "for" | "using" | "without" | "featuring" => true,
        "in" => is_manner(words, at),
        "played" | "on" | "by" => is_player(words, at),
        "sung" => plain(words, at + 1) == "by",
        _ => false,
    }
}

/// "in D minor", "in a minor key", "in 3/4", "in a jazz style", "in the style of", but not "in the woods".
fn is_manner(words: &[Word], at: usize) -> bool {
    let article = usize::from(lexicon::is_determiner(plain(words, at + 1)));
    let is_mode = |place: usize| {
        lexicon::longest(words, place).is_some_and(|(_, sense)| matches!(sense.meaning, Meaning::Mode(_)))
    };
    let is_read = matches!(numbers::read(words, at), Some((_, Meaning::Key(..) | Meaning::Style(_), _)));
    if is_read || is_mode(at) || article > 0 && at + 2 < words.len() && is_mode(at + 2) {
        return true;
    }
    let following = words[at + 1..].iter().take_while(|word| !word.after_break).take(5);
    let style = following.map(|word| word.plain.as_str()).position(|word| matches!(word, "style" | "manner" | "vein"));
    // "In style" alone is an idiom.
    style.is_some_and(|place| place > 0 || plain(words, at + 2) == "of")
}

/// "on banjo", "played on the piano", "by a flute", but not "on the road".
fn is_player(words: &[Word], at: usize) -> bool {
    let follows = usize::from(plain(words, at) == "played" && matches!(plain(words, at + 1), "on" | "by"));
    let mut place = at + 1 + follows;
    while matches!(plain(words, place), "a" | "an" | "the" | "solo") {
        place += 1;
    }
    place < words.len()
        && lexicon::longest(words, place).is_some_and(|(_, sense)| matches!(sense.meaning, Meaning::Instrument(_)))
}
