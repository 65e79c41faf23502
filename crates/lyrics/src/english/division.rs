//! Where the spelling of an English word is divided under notes, as vocal scores print it: compounds and endings apart,
//! short stressed vowels with the consonant after them ("riv-er"), others without ("ti-ny"), double consonants cut.
//!
//! There are always as many pieces as sounded syllables; joined they are the word again. For the eye only: what a voice
//! sings is cut in [`super::syllables`].

use std::{
    collections::{HashMap, HashSet},
    sync::{LazyLock, PoisonError, RwLock},
};

use super::{
    FUNCTION_WORDS,
    alignment::{Sound, Unit, align},
    dictionary::{self, Phones, syllable_count},
    ing_form,
};

/// Words whose custom is not their sound's.
const CUSTOMARY: &[(&str, &[&str])] = &[
    ("hour", &["ho", "ur"]),
    ("hours", &["ho", "urs"]),
    ("our", &["o", "ur"]),
    ("ours", &["o", "urs"]),
    ("beyond", &["be", "yond"]),
    ("people", &["peo", "ple"]),
    ("business", &["busi", "ness"]),
    ("wednesday", &["wednes", "day"]),
    ("evening", &["eve", "ning"]),
    ("wherever", &["wher", "ev", "er"]),
];

/// Words divided before, for the writer asks for the same few thousands of times a line. No more than this many: what
/// comes after them is divided anew each time.
const MOST_REMEMBERED: usize = 20_000;
static REMEMBERED: LazyLock<RwLock<HashMap<String, Vec<String>>>> = LazyLock::new(RwLock::default);

/// Cuts `word` into a piece for each of its syllables, whose sounds are `phones`.
pub fn split_spelling(word: &str, phones: &[&str]) -> Vec<String> {
    if syllable_count(phones) <= 1 {
        return vec![word.to_owned()];
    }
    let key = format!("{word} {}", phones.join(" "));
    if let Some(pieces) = REMEMBERED.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return pieces.clone();
    }
    let pieces = divided(word, phones);
    let mut remembered = REMEMBERED.write().unwrap_or_else(PoisonError::into_inner);
    if remembered.len() < MOST_REMEMBERED {
        remembered.insert(key, pieces.clone());
    }
    pieces
}

fn divided(word: &str, phones: &[&str]) -> Vec<String> {
    let count = syllable_count(phones);
    let lower = word.to_lowercase();
    let letters: Vec<char> = word.chars().collect();
    // Nothing in the dictionary grows in lower case; a word that does has no place here.
    let cuts = if lower.chars().count() == letters.len() { cuts(&lower, phones) } else { Vec::new() };
    let mut pieces = Vec::with_capacity(count);
    let mut start = 0;
    for end in cuts.into_iter().take(count - 1).chain([letters.len()]) {
        pieces.push(letters[start..end].iter().collect());
        start = end;
    }
    pieces.resize(count, String::new());
    pieces
}

/// Indices of letters at which new pieces begin: one fewer than there are vowels in `phones`.
fn cuts(word: &str, phones: &[&str]) -> Vec<usize> {
    let count = syllable_count(phones);
    if count <= 1 {
        return Vec::new();
    }
    let customary = CUSTOMARY.iter().find(|(known, pieces)| *known == word && pieces.len() == count);
    if let Some((_, pieces)) = customary {
        let ends = pieces.iter().scan(0, |end, piece| {
            *end += piece.chars().count();
            Some(*end)
        });
        return ends.take(count - 1).collect();
    }
    if let Some((at, first)) = compound(word, phones) {
        // Both parts are of ASCII letters, as all words that are listed.
        let (left, right) = word.split_at(at);
        let mut all = cuts(left, &phones[..first]);
        all.push(at);
        all.extend(cuts(right, &phones[first..]).into_iter().map(|cut| cut + at));
        return all;
    }
    by_sound(word, phones)
}

/// What our own lines are made of, and what other compounds are: the pronouncing dictionary alone has so many names that
/// almost every word would be made of two.
static PARTS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let words = super::LEXICON.lines().filter(|line| !line.starts_with('#'));
    let listed = words.filter_map(|line| line.rsplit('|').next()).flat_map(str::split_whitespace);
    let all = listed.chain(FUNCTION_WORDS.iter().copied()).chain(MORE_PARTS.split_whitespace());
    all.filter(|word| word.len() > 2 || SHORT_PARTS.contains(word)).collect()
});

const SHORT_PARTS: &[&str] = &["be", "by", "in", "on", "no", "to", "un", "up"];

const MORE_PARTS: &str = "\
    ache after air any back ball band bank bar bath beam beat bed bell berry bird birth board boat body bone book boot \
    bow box bread break breath bridge bright broken brush by card care cat chain chair child clock cloth coat corn \
    count cup day dead death devil dog door down dream drop drum dust ear earth east egg eight end ever every eye face fall far farm \
    feather field fight fire fish five flake flash flower fly foot fore forth found four free friend front full gate \
    girl glass gold good grand grass grave green ground guard hair half hand hard head heart heat high hill home hood \
    hook horn horse hot house how ice ill in iron jack key knee knife lace lady lamp land law lead leaf less life lift \
    light like line lock long look lord love made mail man mark master mate men mid mile milk mill mind moon more \
    morning mother mouth neck nest never news night nine noon north nose note nut old one out over paint pan paper \
    pass path piece pin place plane play pocket point port post pot print proof quake rail rain rest right ring rise \
    river road rock roof room root rope rose round run sail sake salt sand scape school scraper sea seven shape sheep shell \
    shine ship shirt shoe shop shore short show side sign six skin sky sleep smith smoke snow some song space spot \
    spring stair stand star steam step stick still stone storm straw stream street string sun sweet table tail take \
    tale talk ten thing things think three through tide time times tip tips tomb ton tooth top touch town track train \
    tree trip turn two under up wake walk wall ward ware wash waste watch water wave way ways wear week well west what \
    wheel when where white who wide wild wind wine wing winter wish with woman women wood word work works world worm \
    worth yard year yellow";

/// Where a word parts into two that sound in it as they sound alone: the letter, and the phones of the first part. Of
/// several places the first: "tea-cup", though there is something called "teac".
fn compound(word: &str, phones: &[&str]) -> Option<(usize, usize)> {
    word.char_indices().map(|(at, _)| at).filter(|&at| at > 0).find_map(|at| {
        let (left, right) = word.split_at(at);
        if !PARTS.contains(left) || !PARTS.contains(right) {
            return None;
        }
        let rights = sounding(right, |listed| ends_with(phones, listed));
        rights.iter().map(|right| phones.len() - right.len()).find_map(|first| {
            let sounds = syllable_count(&phones[first..]) > 0 && syllable_count(&phones[..first]) > 0;
            (sounds && !sounding(left, |listed| same(&phones[..first], listed)).is_empty()).then_some((at, first))
        })
    })
}

fn sounding(part: &str, fits: impl Fn(&[&str]) -> bool) -> Vec<Phones> {
    dictionary::pronunciations(part).into_iter().filter(|listed| fits(listed)).collect()
}

fn bare(phone: &str) -> &str {
    phone.trim_end_matches(['0', '1', '2'])
}

/// The same sounds, however stressed. A vowel that has lost its stress altogether is another one in all but name.
fn same(phones: &[&str], listed: &[&str]) -> bool {
    phones.len() == listed.len() && phones.iter().zip(listed).all(|(a, b)| bare(a) == bare(b))
}

fn ends_with(phones: &[&str], listed: &[&str]) -> bool {
    listed.len() < phones.len() && same(&phones[phones.len() - listed.len()..], listed)
}

fn by_sound(word: &str, phones: &[&str]) -> Vec<usize> {
    let letters: Vec<char> = word.chars().collect();
    let units = with_shared_r(&letters, align(&letters, phones));
    let nuclei: Vec<usize> =
        units.iter().enumerate().filter(|(_, unit)| matches!(unit.sound, Sound::Vowel(_))).map(|(i, _)| i).collect();
    let ending = ending(word, phones, &units);
    nuclei
        .windows(2)
        .map(|pair| {
            let between = Between { letters: &letters, units: &units, left: pair[0], right: pair[1] };
            let (from, to) = (units[pair[0]].end, units[pair[1]].start);
            let is_last = Some(&pair[1]) == nuclei.last();
            match ending.filter(|&at| is_last && (from..=to).contains(&at)) {
                Some(at) => at,
                None => between.cut(),
            }
        })
        .collect()
}

/// Before a vowel the r of "or", "ar" and "ur" begins the next syllable ("mem-o-ry"); that of "er" does not ("ev-er-y").
fn with_shared_r<'a>(letters: &[char], units: Vec<Unit<'a>>) -> Vec<Unit<'a>> {
    let mut all: Vec<Unit<'a>> = Vec::with_capacity(units.len() + 1);
    for (index, unit) in units.iter().enumerate() {
        let before_vowel = units.get(index + 1).is_some_and(|next| matches!(next.sound, Sound::Vowel(_)));
        let parts = before_vowel
            && unit.end - unit.start == 2
            && letters[unit.end - 1] == 'r'
            && matches!(letters[unit.start], 'a' | 'o' | 'u')
            && matches!(unit.sound, Sound::Vowel(phone) if bare(phone) == "ER");
        if parts {
            all.push(Unit { end: unit.end - 1, ..*unit });
            all.push(Unit { start: unit.end - 1, end: unit.end, sound: Sound::Consonant("R") });
        } else {
            all.push(*unit);
        }
    }
    all
}

/// Endings that stand apart from the word that they are put to, with the sounds that they may have.
const ENDINGS: &[(&str, &[&[&str]])] = &[
    ("ing", &[&["IH0", "NG"]]),
    ("ings", &[&["IH0", "NG", "Z"]]),
    ("ed", &[&["AH0", "D"], &["IH0", "D"]]),
    ("es", &[&["AH0", "Z"], &["IH0", "Z"]]),
    ("er", &[&["ER0"]]),
    ("ers", &[&["ER0", "Z"]]),
    ("est", &[&["AH0", "S", "T"], &["IH0", "S", "T"]]),
    ("y", &[&["IY0"]]),
];

/// The letter at which an ending begins that the word can do without: "sing-er" and "danc-ing", but "riv-er". Where the
/// word doubles its last letter ("run-ning") that is cut like all doubles.
fn ending(word: &str, phones: &[&str], units: &[Unit<'_>]) -> Option<usize> {
    if let Some(stem) = word.strip_suffix("n't") {
        return Some(stem.chars().count());
    }
    let (stem, suffix) = ENDINGS.iter().find_map(|(suffix, sounds)| {
        let stem = word.strip_suffix(suffix)?;
        sounds.iter().any(|sound| phones.ends_with(sound)).then_some((stem, *suffix))
    })?;
    let at = stem.chars().count();
    let sounds = ENDINGS.iter().find(|(known, _)| *known == suffix)?.1;
    let length = sounds.iter().find(|sound| phones.ends_with(sound))?.len();
    let rest = &phones[..phones.len() - length];
    let is_word = |text: &str| !sounding(text, |listed| same(rest, listed)).is_empty();
    let vowel = units.iter().rposition(|unit| unit.end <= at && matches!(unit.sound, Sound::Vowel(_)))?;
    let consonants = units[vowel + 1..].iter().filter(|unit| unit.end <= at && unit.sound != Sound::Silent).count();
    let is_long = units[vowel].end - units[vowel].start > 1;
    // What one can do, there is somebody who does it; most other words before "er" are names.
    let is_known = |text: &str| (PARTS.contains(text) || dictionary::contains(&ing_form(text))) && is_word(text);
    let with_e = format!("{stem}e");
    let mut last_first = stem.chars().rev();
    let doubles = last_first.next().is_some_and(|last| Some(last) == last_first.next());
    let stands = match suffix {
        // The stem of "roll-ing" has both letters by itself.
        _ if doubles && !stem.ends_with(['l', 's', 'f', 'z']) => false,
        "ing" | "ings" | "ed" | "es" => is_word(stem) || is_word(&with_e),
        // A cluster before the rest reads better cut: "win-ter", "par-ty".
        "y" => consonants <= 1 && is_long && bare_vowel(&units[vowel]) != "ER" && is_word(stem),
        _ => consonants <= 1 && (is_known(stem) || is_known(&with_e)),
    };
    stands.then_some(at)
}

fn bare_vowel<'a>(unit: &Unit<'a>) -> &'a str {
    match unit.sound {
        Sound::Vowel(phone) => bare(phone),
        Sound::Consonant(_) | Sound::Silent => "",
    }
}

/// What stands between two vowels of a word.
struct Between<'a> {
    letters: &'a [char],
    units: &'a [Unit<'a>],
    left: usize,
    right: usize,
}

impl Between<'_> {
    fn cut(&self) -> usize {
        let inner = &self.units[self.left + 1..self.right];
        // A vowel letter that is not said keeps its piece closed ("some-where") ...
        let quiet = inner.iter().rposition(|unit| {
            unit.sound == Sound::Silent && matches!(self.letters[unit.start], 'a' | 'e' | 'i' | 'o' | 'u')
        });
        match quiet {
            // ... unless it is one that hurried speech leaves out ("ev-ery", "fam-ily").
            Some(at) if self.is_left_out(&inner[at], &inner[at + 1..]) => self.among(&inner[..at]),
            // "Car-riage": the letter belongs to the vowel after it.
            Some(at) if at + 1 == inner.len() && self.letters[inner[at].start] != 'e' => self.among(&inner[..at]),
            Some(at) => inner[at].end,
            None => self.among(inner),
        }
    }

    fn is_left_out(&self, vowel: &Unit<'_>, after: &[Unit<'_>]) -> bool {
        let [next] = after else { return false };
        match (self.letters[vowel.start], self.letters[next.start]) {
            (_, 'r') => true,
            ('e', _) => false,
            (_, second) => second == 'l',
        }
    }

    /// The cut among consonants.
    fn among(&self, units: &[Unit<'_>]) -> usize {
        let from = self.units[self.left].end;
        let to = units.last().map_or(from, |unit| unit.end);
        let letters = &self.letters[from..to];
        if let Some(at) = doubled(letters) {
            return from + at;
        }
        // Letters that are not said go with what is before them: "light-ning".
        let sounded: Vec<&Unit<'_>> = units.iter().filter(|unit| unit.sound != Sound::Silent).collect();
        // Names of letters have fewer letters than syllables.
        let syllabic = self.letters.get(self.units[self.right].start) == Some(&'l');
        match sounded[..] {
            // The second r of "hur-ry".
            [] if letters.first().is_some_and(|letter| Some(letter) == self.letters[..from].last()) => from,
            [] => to,
            _ if syllabic => to - onset_of_le(letters),
            [only] => {
                let text: String = self.letters[only.start..only.end].iter().collect();
                if matches!(text.as_str(), "sc" | "dg") {
                    // "Cres-cent", "bud-get".
                    only.start + 1
                } else if self.closes(only) || (self.is_short() && !is_softened(self.letters, only)) {
                    only.end
                } else {
                    only.start
                }
            }
            _ => self.cluster(&sounded),
        }
    }

    /// Sounds that never begin a piece.
    fn closes(&self, unit: &Unit<'_>) -> bool {
        let text: String = self.letters[unit.start..unit.end].iter().collect();
        matches!(text.as_str(), "ck" | "tch" | "x") || unit.sound == Sound::Consonant("NG")
    }

    /// Whether the vowel before is a short one under stress, which takes the consonant after it.
    fn is_short(&self) -> bool {
        let unit = &self.units[self.left];
        let Sound::Vowel(phone) = unit.sound else { return false };
        if !phone.ends_with(['1', '2']) {
            return false;
        }
        let letter = self.letters.get(unit.start).copied().unwrap_or_default();
        let before_r = self.units[self.left + 1].sound == Sound::Consonant("R");
        match bare(phone) {
            "AE" | "EH" | "AH" => true,
            "UH" => !before_r,
            // "For-est", "or-ange", but "sto-ry", "cho-rus".
            "AO" => before_r && matches!(self.letters.get(self.units[self.right].start), Some('a' | 'e')),
            "IH" => !(before_r && letter == 'e'),
            "AA" => letter == 'o',
            _ => false,
        }
    }

    fn cluster(&self, sounded: &[&Unit<'_>]) -> usize {
        let text = |index: usize| -> String { self.letters[sounded[index].start..sounded[index].end].iter().collect() };
        let last = sounded.len() - 1;
        let mut first = last;
        // "Lan-guage", "ge-nius".
        let glides =
            matches!(sounded[last].sound, Sound::Consonant("W" | "Y")) && matches!(text(last).as_str(), "u" | "i");
        let blends = (glides || is_blend(&text(last - 1), &text(last))) && !self.closes(sounded[last - 1]);
        // "Prob-lem": a short vowel keeps the first of two.
        if blends && !(last == 1 && self.is_short()) {
            first -= 1;
        }
        let after_s = first > 0 && text(first - 1) == "s";
        let stops = matches!(text(first).as_str(), "c" | "k" | "p" | "t" | "ch");
        let flows = matches!(text(first).as_str(), "l" | "m" | "n" | "w");
        // "Mon-ster", but "sis-ter"; and "a-stray", "a-sleep".
        if after_s && ((stops && first > 1) || ((stops || flows) && self.is_prefix())) {
            first -= 1;
        }
        sounded[first].start
    }

    /// An unstressed syllable before the stressed one, such as that of "re-store".
    fn is_prefix(&self) -> bool {
        let head: String = self.letters[..self.units[self.left].end].iter().collect();
        let stressed = matches!(self.units[self.right].sound, Sound::Vowel(phone) if phone.ends_with('1'));
        stressed && matches!(head.as_str(), "a" | "be" | "de" | "e" | "pre" | "pro" | "re")
    }
}

/// A letter or digraph with the letter after it that one piece may begin with.
fn is_blend(first: &str, second: &str) -> bool {
    match second {
        "l" => matches!(first, "b" | "c" | "f" | "g" | "k" | "p"),
        "r" => matches!(first, "b" | "c" | "d" | "f" | "g" | "k" | "p" | "t" | "th" | "ch" | "ph"),
        "w" => first == "t",
        _ => false,
    }
}

/// Where a double consonant is cut. One that another consonant follows ends its piece ("well-ness").
fn doubled(letters: &[char]) -> Option<usize> {
    let at = letters.windows(2).rposition(|pair| pair[0] == pair[1])? + 1;
    let after = &letters[at + 1..];
    matches!(after, [] | ['l' | 'r' | 'i' | 'h']).then_some(at)
}

/// How many letters go with a syllabic l: "ta-ble", "bot-tle", "cas-tle", but "tick-le".
fn onset_of_le(letters: &[char]) -> usize {
    match letters {
        [] | [.., 'c', 'k'] => 0,
        [.., 't' | 's' | 'c' | 'p', 'h'] => 2,
        _ => 1,
    }
}

/// The t of "na-tion", the s of "plea-sure": a letter that says another sound because of the vowel after it.
fn is_softened(letters: &[char], unit: &Unit<'_>) -> bool {
    let single = unit.end - unit.start == 1 && matches!(letters[unit.start], 'c' | 's' | 't' | 'z' | 'g');
    single && matches!(unit.sound, Sound::Consonant("SH" | "ZH" | "CH"))
}
