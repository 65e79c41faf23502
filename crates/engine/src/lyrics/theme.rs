//! What a request asks for: moods, semantic fields, and the words that the song has to contain.

use super::{
    LyricsRequest, dictionary,
    lexicon::{self, Class, Entry, FIELDS, MOODS, Tags, tags},
    words,
};

/// Words that say how or what to make rather than what to sing about.
const INSTRUCTIONS: &[&str] = &[
    "about",
    "above",
    "after",
    "also",
    "any",
    "around",
    "because",
    "been",
    "before",
    "being",
    "between",
    "catchy",
    "could",
    "create",
    "describe",
    "during",
    "each",
    "easy",
    "feel",
    "feeling",
    "feels",
    "female",
    "full",
    "generate",
    "get",
    "give",
    "go",
    "going",
    "good",
    "got",
    "here",
    "hum",
    "hummed",
    "inspired",
    "into",
    "just",
    "kind",
    "line",
    "lines",
    "little",
    "lyric",
    "lyrics",
    "make",
    "making",
    "male",
    "many",
    "max",
    "may",
    "melody",
    "might",
    "mood",
    "much",
    "must",
    "need",
    "other",
    "over",
    "per",
    "piece",
    "please",
    "prompt",
    "rather",
    "really",
    "rhyme",
    "should",
    "sing",
    "singer",
    "something",
    "song",
    "sound",
    "sounding",
    "sounds",
    "style",
    "such",
    "tempo",
    "text",
    "thing",
    "things",
    "though",
    "through",
    "too",
    "track",
    "tune",
    "turn",
    "under",
    "until",
    "using",
    "vocal",
    "vocals",
    "verse",
    "very",
    "voice",
    "want",
    "way",
    "well",
    "why",
    "within",
    "without",
    "word",
    "words",
    "write",
    "writing",
    "you'll",
    "theme",
    "themed",
    "vibe",
    "vibes",
    "minute",
    "like",
    "bpm",
    "beat",
    "chorus",
    "music",
    "against",
    "along",
    "behind",
    "beneath",
    "across",
    "upon",
    "someone",
    "one",
];

/// (words of a genre, moods, fields).
const GENRES: &[(&str, &str, &str)] = &[
    ("pop dance-pop k-pop synthpop indie", "bright,any", "heart,love,night,light,music"),
    ("rock punk grunge alternative garage", "fierce,any", "fire,road,city,wind"),
    ("metal hardcore", "fierce,dark", "fire,night,wind"),
    ("ballad acoustic singer-songwriter", "tender,any", "heart,love,time,home"),
    ("folk celtic bluegrass", "calm,tender", "earth,road,home,water"),
    ("country western americana", "tender,bright", "road,home,earth,summer"),
    ("electronic edm house techno trance disco club dance", "bright,fierce", "light,night,city,music"),
    ("rap hip-hop hiphop trap drill", "fierce,dark", "city,road,fire"),
    ("rnb r&b soul funk motown", "tender,bright", "love,heart,night,music"),
    ("jazz swing lounge bossa", "tender,calm", "night,city,love,music"),
    ("blues", "dark,tender", "road,night,home,heart"),
    ("classical opera choral orchestral musical", "calm,tender", "sky,light,dream,heart"),
    ("gospel worship spiritual hymn", "bright,tender", "light,sky,heart,home"),
    ("reggae ska dub", "bright,calm", "summer,light,water,music"),
    ("latin salsa flamenco tango samba", "fierce,bright", "fire,summer,music,love"),
    ("lullaby children", "calm,tender", "night,dream,home,earth"),
    ("ambient lofi lo-fi chill new-age", "calm,any", "water,sky,dream,wind"),
    ("christmas holiday", "bright,tender", "winter,light,home"),
];

/// (words of a mood, moods).
const MOOD_WORDS: &[(&str, &str)] = &[
    (
        "happy joyful cheerful upbeat bright uplifting playful sunny fun hopeful optimistic celebratory positive",
        "bright",
    ),
    (
        "romantic tender love loving warm sweet sentimental nostalgic intimate wistful gentle heartfelt emotional",
        "tender",
    ),
    ("calm peaceful relaxed relaxing chill dreamy serene soft quiet meditative mellow soothing", "calm"),
    (
        "sad melancholic melancholy dark lonely somber gloomy heartbroken bittersweet mysterious haunting moody tragic",
        "dark",
    ),
    (
        "energetic angry powerful epic intense aggressive fierce driving triumphant defiant dramatic rebellious heroic",
        "fierce",
    ),
];

/// (everyday words, fields they bring to mind). The lexicon's own words bring their own.
const ASSOCIATIONS: &[(&str, &str)] = &[
    (
        "ocean sea beach sailor ship boat swim fish whale coast surf lighthouse mermaid dolphin anchor sail",
        "water,wind,sky",
    ),
    (
        "city urban traffic subway tokyo paris london berlin skyscraper taxi downtown club party nightclub",
        "city,night,light",
    ),
    (
        "travel journey train car drive driving road trip truck motorcycle bike highway walk adventure wander flight",
        "road,sky,dream",
    ),
    ("winter snow christmas ice cold december january ski frozen", "winter,home,light"),
    ("summer sun beach vacation holiday july august heat", "summer,light,water"),
    ("love wedding marriage kiss couple boyfriend girlfriend husband wife romance valentine crush", "love,heart,night"),
    ("goodbye breakup lost death grief leaving farewell missing divorce alone", "heart,time,night"),
    (
        "family mother father baby grandmother grandfather daughter son childhood birthday school friend friends",
        "home,time,love",
    ),
    ("forest tree nature bird flower spring mountain river garden animal horse cat dog farm", "earth,wind,water"),
    (
        "space planet rocket robot robots future star galaxy moon universe astronaut alien computer machine",
        "sky,light,dream",
    ),
    ("war fight battle hero warrior soldier king queen dragon sword revolution champion", "fire,heart,wind"),
    ("dance dancing guitar piano drum band concert stage radio violin", "music,night,light"),
    ("dream sleep night midnight stars moon lullaby dark", "night,dream,sky"),
    ("freedom free fly flying wings wind escape", "wind,sky,road,dream"),
    ("morning sunrise dawn coffee breakfast hope new", "light,sky,time"),
    ("rain storm thunder cloud autumn fall september october", "water,wind,time"),
    ("time memory past years old remember yesterday history", "time,dream,home"),
    ("fire flame burn volcano desert", "fire,earth,night"),
];

const MOST_KEYWORDS: usize = 12;

/// A word that the song has to contain, in every class it may take.
#[derive(Debug, Clone, PartialEq)]
pub struct Keyword {
    pub text: String,
    pub stem: String,
    pub entries: Vec<Entry>,
}

/// A request, understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    pub moods: Tags,
    pub fields: Tags,
    pub keywords: Vec<Keyword>,
}

impl Theme {
    pub fn of(request: &LyricsRequest) -> Self {
        let spoken = words::words(&request.prompt);
        let lower: Vec<String> = spoken.iter().map(|w| w.to_lowercase()).collect();
        let genre = request.genre.iter().flat_map(|g| lookups(g)).chain(lower.iter().cloned());
        let (genre_moods, genre_fields) = genre
            .filter_map(|word| GENRES.iter().find(|(names, ..)| names.split(' ').any(|n| n == word)))
            .map(|(_, moods, fields)| (tags(moods, MOODS), tags(fields, FIELDS)))
            .next()
            .unwrap_or_default();
        let asked: Vec<String> = request.mood.iter().flat_map(|m| lookups(m)).collect();
        let mood = if asked.is_empty() { &lower } else { &asked };
        let mood_tags = mood.iter().map(|word| mood_of(word)).fold(0, |all, one| all | one);
        // The mood that was asked for outweighs what a genre tends to be.
        let moods = if mood_tags != 0 { mood_tags } else { genre_moods & !1 };
        let associated = lower.iter().map(|word| association(word)).fold(0, |all, one| all | one);
        let keywords = keywords(&spoken);
        let of_keywords = keywords.iter().flat_map(|k| &k.entries).fold(0, |all, e| all | e.fields);
        let fields = (associated | of_keywords | genre_fields) & !lexicon::ANY;
        Self { moods, fields, keywords }
    }
}

fn lookups(text: &str) -> Vec<String> {
    let lower = text.trim().to_lowercase();
    let mut all = vec![lower.replace([' ', '_'], "-"), lower.clone()];
    all.extend(lower.split([' ', '-', '/', ',', '_']).map(str::to_owned));
    all
}

fn mood_of(word: &str) -> Tags {
    MOOD_WORDS.iter().filter(|(names, _)| names.split(' ').any(|n| n == word)).map(|(_, mood)| tags(mood, MOODS)).sum()
}

fn association(word: &str) -> Tags {
    let stem = words::stem(word);
    ASSOCIATIONS
        .iter()
        .filter(|(names, _)| names.split(' ').any(|n| n == word || words::stem(n) == stem))
        .fold(0, |all, (_, fields)| all | tags(fields, FIELDS))
}

fn is_direction(word: &str) -> bool {
    words::is_function_word(word)
        || INSTRUCTIONS.contains(&word)
        || mood_of(word) != 0
            && !matches!(word, "love" | "bright" | "sunny" | "dark" | "lonely" | "warm" | "sweet" | "gentle")
        || GENRES.iter().any(|(names, ..)| names.split(' ').any(|n| n == word))
            && !matches!(word, "dance" | "house" | "club" | "soul" | "christmas" | "holiday" | "children")
}

fn keywords(spoken: &[String]) -> Vec<Keyword> {
    let mut found: Vec<Keyword> = Vec::new();
    for (index, word) in spoken.iter().enumerate() {
        let lower = word.to_lowercase();
        let lower = lower.strip_suffix("'s").unwrap_or(&lower);
        let stem = words::stem(lower);
        if lower.len() < 3 || is_direction(lower) || !lower.chars().all(|c| c.is_ascii_alphabetic() || c == '\'') {
            continue;
        }
        if found.len() >= MOST_KEYWORDS || found.iter().any(|k| k.stem == stem) {
            continue;
        }
        // A capital inside a sentence is a name; a prompt all in capitals or in title case says nothing.
        let named = index > 0
            && word.starts_with(|c: char| c.is_uppercase())
            && spoken.iter().filter(|w| w.starts_with(|c: char| c.is_lowercase())).count() * 2 > spoken.len();
        let entries = entries_for(word, lower, &stem, named);
        if !entries.is_empty() {
            found.push(Keyword { text: lower.to_owned(), stem, entries });
        }
    }
    found
}

fn entries_for(word: &str, lower: &str, stem: &str, named: bool) -> Vec<Entry> {
    let known: Vec<Entry> = lexicon::all().iter().filter(|e| e.stem == stem).cloned().collect();
    let exact: Vec<Entry> = known.iter().filter(|e| e.text == lower).cloned().collect();
    if named && known.is_empty() {
        return Entry::new(&words::capitalised(word), Class::Name, 0, 0).into_iter().collect();
    }
    if !exact.is_empty() {
        return exact;
    }
    if !known.is_empty() {
        return known;
    }
    // Not in the lexicon: its ending tells what it probably is.
    let fields = match association(lower) {
        0 => tags("heart,dream", FIELDS),
        some => some,
    };
    let classes: &[Class] = if lower.ends_with("ly") {
        &[Class::Adverb]
    } else if lower.ends_with("ing") {
        &[Class::Acting]
    } else if ["ful", "less", "ous", "ish", "able", "ible", "ive", "ic", "ary", "ed"].iter().any(|e| lower.ends_with(e))
    {
        &[Class::Adjective]
    } else if lower.ends_with('s')
        && !lower.ends_with("ss")
        && !lower.ends_with("us")
        && dictionary::contains(&lower[..lower.len() - 1])
    {
        &[Class::Plural]
    } else if ["ness", "ity", "ism", "tion", "ance", "ence", "ship"].iter().any(|e| lower.ends_with(e)) {
        &[Class::Mass, Class::Noun]
    } else {
        &[Class::Noun]
    };
    let adjective_fields = fields | lexicon::ANY;
    classes
        .iter()
        .filter_map(|&class| {
            Entry::new(lower, class, 0, if class == Class::Adjective { adjective_fields } else { fields })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theme(prompt: &str, genre: Option<&str>, mood: Option<&str>) -> Theme {
        Theme::of(&LyricsRequest {
            prompt: prompt.into(),
            genre: genre.map(Into::into),
            mood: mood.map(Into::into),
            seed: 0,
        })
    }

    #[test]
    fn takes_the_words_a_prompt_is_about() {
        let names = |prompt| theme(prompt, None, None).keywords.iter().map(|k| k.text.clone()).collect::<Vec<_>>();
        assert_eq!(names("Write a happy song about the ocean at midnight"), ["ocean", "midnight"]);
        assert_eq!(names("robots dancing in Tokyo, oceans and an ocean"), ["robots", "dancing", "tokyo", "oceans"]);
        assert!(names("a pop song please").is_empty());
        assert!(names("").is_empty());
        assert!(names("zzxqy 12345 \u{1f600}").is_empty());
    }

    #[test]
    fn mood_and_genre_are_understood_from_the_request_or_the_prompt() {
        assert_eq!(theme("x", None, Some("Melancholic")).moods, tags("dark", MOODS));
        assert_eq!(theme("a sad song", None, None).moods, tags("dark", MOODS));
        assert_eq!(theme("a song", Some("Hip Hop"), None).moods, tags("fierce,dark", MOODS));
        assert_eq!(theme("a song", Some("rock"), Some("calm")).moods, tags("calm", MOODS));
        assert_eq!(theme("a song", None, None).moods, 0);
    }
}
