//! Made-up songs and what people type for them. The same at every run.

/// Common words of titles, the most frequent first.
const COMMON: [&str; 120] = [
    "the",
    "love",
    "you",
    "me",
    "a",
    "of",
    "in",
    "my",
    "to",
    "i",
    "night",
    "on",
    "your",
    "and",
    "heart",
    "time",
    "baby",
    "blue",
    "for",
    "no",
    "one",
    "all",
    "it",
    "world",
    "day",
    "girl",
    "with",
    "man",
    "home",
    "rain",
    "dream",
    "go",
    "is",
    "we",
    "sun",
    "moon",
    "river",
    "road",
    "light",
    "life",
    "what",
    "when",
    "how",
    "do",
    "dont",
    "never",
    "again",
    "away",
    "little",
    "big",
    "old",
    "new",
    "long",
    "lonely",
    "sweet",
    "wild",
    "dance",
    "dancing",
    "song",
    "blues",
    "star",
    "sky",
    "fire",
    "water",
    "summer",
    "winter",
    "morning",
    "tonight",
    "tomorrow",
    "yesterday",
    "forever",
    "heaven",
    "angel",
    "devil",
    "queen",
    "king",
    "lady",
    "boy",
    "friend",
    "street",
    "city",
    "train",
    "car",
    "house",
    "door",
    "window",
    "eyes",
    "hand",
    "kiss",
    "tears",
    "smile",
    "black",
    "white",
    "red",
    "golden",
    "silver",
    "green",
    "crazy",
    "broken",
    "falling",
    "flying",
    "running",
    "waiting",
    "walking",
    "burning",
    "shining",
    "lost",
    "found",
    "last",
    "first",
    "wind",
    "sea",
    "island",
    "mountain",
    "garden",
    "rose",
    "child",
    "soul",
    "magic",
    "secret",
];
const ONSETS: [&str; 24] = [
    "b", "br", "c", "ch", "d", "dr", "f", "fl", "g", "gr", "h", "j", "k", "l", "m", "n", "p", "r", "s", "st", "t",
    "tr", "v", "w",
];
const VOWELS: [&str; 10] = ["a", "e", "i", "o", "u", "ai", "ea", "ou", "é", "ö"];
const ENDS: [&str; 12] = ["n", "r", "l", "s", "t", "nd", "ck", "m", "ng", "th", "lla", "ster"];

/// SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", 2014).
pub struct Dice(pub u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// A rank from 0 by Zipf's law with an exponent near 1: the logarithm of the rank is uniform.
    fn zipf(&mut self, ranks: usize) -> usize {
        let share = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        ((ranks as f64 + 1.0).powf(share) - 1.0) as usize
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

#[derive(Clone)]
pub struct Made {
    pub title: String,
    pub artist: String,
}

/// `count` songs with titles of one to six words out of 30,000, by a tenth as many artists.
pub fn songs(count: usize) -> Vec<Made> {
    let mut dice = Dice(1);
    let invented = |dice: &mut Dice, syllables: usize| {
        let mut word: String = (0..syllables).map(|_| [dice.pick(&ONSETS), dice.pick(&VOWELS)].concat()).collect();
        word.push_str(dice.pick(&ENDS));
        word
    };
    let mut words: Vec<String> = COMMON.iter().map(|word| (*word).to_owned()).collect();
    while words.len() < 30_000 {
        let syllables = 1 + dice.below(3);
        words.push(invented(&mut dice, syllables));
    }
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    };
    let artists: Vec<String> = (0..count / 10)
        .map(|_| match dice.below(3) {
            0 => format!("The {}s", capital(&words[dice.zipf(words.len())])),
            1 => format!("{} {}", capital(&invented(&mut dice, 2)), capital(&invented(&mut dice, 1))),
            _ => capital(&invented(&mut dice, 2)),
        })
        .collect();
    (0..count)
        .map(|_| {
            let length = [1, 2, 2, 3, 3, 4, 5, 6][dice.below(8)];
            let title: Vec<String> = (0..length).map(|_| capital(&words[dice.zipf(words.len())])).collect();
            Made { title: title.join(" "), artist: artists[dice.zipf(artists.len())].clone() }
        })
        .collect()
}

/// What is typed for a song, and the song's place.
pub struct Typed {
    pub kind: &'static str,
    pub text: String,
    pub of: usize,
}

pub const KINDS: [&str; 7] = [
    "title artist",
    "Artist - Title",
    "one error",
    "two errors",
    "any order",
    "half of it, no accents",
    "title, one error",
];

/// As many of each kind.
pub fn queries(songs: &[Made], each: usize) -> Vec<Typed> {
    let mut dice = Dice(2);
    let mut queries = Vec::new();
    for kind in KINDS {
        for _ in 0..each {
            let of = dice.below(songs.len());
            let Made { title, artist } = &songs[of];
            let both = format!("{title} {artist}").to_lowercase();
            let text = match kind {
                "title artist" => both,
                "Artist - Title" => format!("{artist} - {title}"),
                "one error" => mistyped(&both, &mut dice),
                "two errors" => mistyped(&mistyped(&both, &mut dice), &mut dice),
                "any order" => shuffled(&both, &mut dice),
                "half of it, no accents" => {
                    let words: Vec<&str> = both.split(' ').filter(|_| dice.below(3) > 0).collect();
                    let kept = if words.is_empty() { both.clone() } else { words.join(" ") };
                    kept.replace('é', "e").replace('ö', "o")
                }
                _ => mistyped(&title.to_lowercase(), &mut dice),
            };
            queries.push(Typed { kind, text, of });
        }
    }
    queries
}

/// Words that half of the catalogue has.
pub const POPULAR: [&str; 8] =
    ["love", "the", "the love of the night", "you and me", "in the night", "a", "love love love", "of the world"];

fn mistyped(text: &str, dice: &mut Dice) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let at = dice.below(letters.len());
    let other = char::from(b'a' + dice.below(26) as u8);
    match dice.below(4) {
        0 => letters[at] = other,
        1 => letters.insert(at, other),
        2 if letters.len() > 2 => {
            letters.remove(at);
        }
        _ if at + 1 < letters.len() => letters.swap(at, at + 1),
        _ => letters.push(other),
    }
    letters.into_iter().collect()
}

fn shuffled(text: &str, dice: &mut Dice) -> String {
    let mut words: Vec<&str> = text.split(' ').collect();
    for at in (1..words.len()).rev() {
        words.swap(at, dice.below(at + 1));
    }
    words.join(" ")
}
