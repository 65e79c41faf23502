//! What a request asks for: moods, semantic fields, and the words that the song has to contain.

use std::sync::LazyLock;

use super::{
    Language, LyricsRequest, lexicon,
    word::{ANY, Class, Entry, FIELDS, MOODS, Tags, tags},
    words,
};

const MOST_KEYWORDS: usize = 12;

/// What the words of prompts mean in one language.
struct Meanings {
    /// Words that say how or what to make rather than what to sing about.
    directions: Vec<&'static str>,
    /// Words of genres and moods that are sung all the same.
    kept: Vec<&'static str>,
    genres: Vec<(Vec<&'static str>, Tags, Tags)>,
    moods: Vec<(Vec<&'static str>, Tags)>,
    /// Everyday words and the fields they bring to mind. The lexicon's own words bring their own.
    near: Vec<(Vec<&'static str>, Tags)>,
}

static ENGLISH: LazyLock<Meanings> = LazyLock::new(|| Meanings::parse(include_str!("data/theme_en.txt")));
static SPANISH: LazyLock<Meanings> = LazyLock::new(|| Meanings::parse(include_str!("data/theme_es.txt")));

impl Meanings {
    fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::Spanish => &SPANISH,
        }
    }

    fn parse(text: &'static str) -> Self {
        let mut all =
            Self { directions: Vec::new(), kept: Vec::new(), genres: Vec::new(), moods: Vec::new(), near: Vec::new() };
        for line in text.lines().filter(|l| !l.starts_with('#')) {
            let columns: Vec<&'static str> = line.split('|').map(str::trim).collect();
            let names = || columns.get(1).map(|names| names.split(' ').collect::<Vec<_>>()).unwrap_or_default();
            match columns[..] {
                ["skip", _] => all.directions.extend(names()),
                ["keep", _] => all.kept.extend(names()),
                ["genre", _, moods, fields] => all.genres.push((names(), tags(moods, MOODS), tags(fields, FIELDS))),
                ["mood", _, moods] => all.moods.push((names(), tags(moods, MOODS))),
                ["near", _, fields] => all.near.push((names(), tags(fields, FIELDS))),
                _ => {}
            }
        }
        all
    }

    fn genre(&self, word: &str) -> Option<(Tags, Tags)> {
        self.genres.iter().find(|(names, ..)| names.contains(&word)).map(|&(_, moods, fields)| (moods, fields))
    }

    fn mood(&self, word: &str) -> Tags {
        self.moods.iter().filter(|(names, _)| names.contains(&word)).fold(0, |all, (_, moods)| all | moods)
    }

    fn association(&self, language: Language, word: &str) -> Tags {
        let stem = language.stem(word);
        self.near
            .iter()
            .filter(|(names, _)| names.iter().any(|n| *n == word || language.stem(n) == stem))
            .fold(0, |all, (_, fields)| all | fields)
    }

    fn is_direction(&self, language: Language, word: &str) -> bool {
        language.is_function_word(word)
            || self.directions.contains(&word)
            || (self.mood(word) != 0 || self.genre(word).is_some()) && !self.kept.contains(&word)
    }
}

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
    /// Those of the fields that the genre brings.
    pub genre_fields: Tags,
    pub keywords: Vec<Keyword>,
}

impl Theme {
    pub fn of(language: Language, request: &LyricsRequest) -> Self {
        let meanings = Meanings::of(language);
        let spoken = words::words(&request.prompt);
        let lower: Vec<String> = spoken.iter().map(|w| w.to_lowercase()).collect();
        // Genre and mood are given as English words whatever the language of the song.
        let both = |find: &dyn Fn(&'static Meanings) -> Option<(Tags, Tags)>| find(meanings).or_else(|| find(&ENGLISH));
        let asked_genre = request.genre.iter().flat_map(|g| lookups(g));
        let (genre_moods, genre_fields) =
            asked_genre.chain(lower.iter().cloned()).find_map(|word| both(&|m| m.genre(&word))).unwrap_or_default();
        let asked: Vec<String> = request.mood.iter().flat_map(|m| lookups(m)).collect();
        let mood = if asked.is_empty() { &lower } else { &asked };
        let mood_tags = mood.iter().fold(0, |all, word| all | meanings.mood(word) | ENGLISH.mood(word));
        // The mood that was asked for outweighs what a genre tends to be.
        let moods = if mood_tags != 0 { mood_tags } else { genre_moods & !1 };
        // A prompt in another language steers by what it means; only its names are sung.
        let spoken_in = language_of_prompt(language, &lower);
        let prompt_meanings = Meanings::of(spoken_in);
        let associated = lower.iter().fold(0, |all, word| all | prompt_meanings.association(spoken_in, word));
        let stems: Vec<String> = lower.iter().map(|word| spoken_in.stem(word)).collect();
        let understood = lexicon::of(spoken_in).all().iter().filter(|entry| stems.contains(&entry.stem));
        let meant = if spoken_in == language { 0 } else { understood.fold(0, |all, entry| all | entry.fields) };
        let associated = associated | meant;
        let keywords = keywords(language, meanings, &spoken, spoken_in != language);
        let of_keywords = keywords.iter().flat_map(|k| &k.entries).fold(0, |all, e| all | e.fields);
        let fields = (associated | of_keywords | genre_fields) & !ANY;
        Self { moods, fields, genre_fields, keywords }
    }

    /// What the prompt left open, decided by a number: a song is about something.
    pub fn settled(mut self, number: u64) -> Self {
        const TOPICS: &[&str] = &[
            "road,home",
            "night,love",
            "water,light",
            "time,heart",
            "music,night",
            "sky,dream",
            "earth,home",
            "city,love",
        ];
        const CHARACTERS: &[&str] = &["bright", "tender", "calm", "tender,bright"];
        if self.fields == 0 {
            self.fields = tags(TOPICS[(number % TOPICS.len() as u64) as usize], FIELDS);
        }
        if self.moods == 0 {
            self.moods = tags(CHARACTERS[(number / 8 % CHARACTERS.len() as u64) as usize], MOODS);
        }
        self
    }
}

fn lookups(text: &str) -> Vec<String> {
    let lower = text.trim().to_lowercase();
    let mut all = vec![lower.replace([' ', '_'], "-"), lower.clone()];
    all.extend(lower.split([' ', '-', '/', ',', '_']).map(str::to_owned));
    all
}

/// The language that most words of a prompt are known in; that of the song when nothing speaks against it.
fn language_of_prompt(song: Language, lower: &[String]) -> Language {
    let count = |language: Language| {
        let (entries, meanings) = (lexicon::of(language).all(), Meanings::of(language));
        let is_known = |word: &String| {
            let stem = language.stem(word);
            meanings.is_direction(language, word) || entries.iter().any(|entry| entry.stem == stem)
        };
        lower.iter().filter(|word| is_known(word)).count()
    };
    let of_song = count(song);
    let other = Language::ALL.into_iter().find(|other| *other != song && count(*other) > of_song);
    other.unwrap_or(song)
}

fn keywords(language: Language, meanings: &Meanings, spoken: &[String], is_foreign: bool) -> Vec<Keyword> {
    let mut found: Vec<Keyword> = Vec::new();
    for (index, word) in spoken.iter().enumerate() {
        let lower = word.to_lowercase();
        let lower = lower.strip_suffix("'s").unwrap_or(&lower);
        let stem = language.stem(lower);
        let spelled = lower.chars().all(|c| c.is_alphabetic() || c == '\'');
        if lower.chars().count() < 3 || !spelled || meanings.is_direction(language, lower) {
            continue;
        }
        if found.len() >= MOST_KEYWORDS || found.iter().any(|k| k.stem == stem) {
            continue;
        }
        // A capital inside a sentence is a name; a prompt all in capitals or in title case says nothing.
        let named = index > 0
            && word.starts_with(|c: char| c.is_uppercase())
            && spoken.iter().filter(|w| w.starts_with(|c: char| c.is_lowercase())).count() * 2 > spoken.len();
        if is_foreign && !named {
            continue;
        }
        let entries = entries_for(language, meanings, word, lower, &stem, named);
        if !entries.is_empty() {
            found.push(Keyword { text: lower.to_owned(), stem, entries });
        }
    }
    found
}

fn entries_for(
    language: Language,
    meanings: &Meanings,
    word: &str,
    lower: &str,
    stem: &str,
    named: bool,
) -> Vec<Entry> {
    let all = lexicon::of(language).all();
    let known: Vec<Entry> = all.iter().filter(|e| e.stem == stem).cloned().collect();
    let exact: Vec<Entry> = known.iter().filter(|e| e.text == lower).cloned().collect();
    if named && known.is_empty() {
        return lexicon::entry(language, &words::capitalised(word), Class::Name, 0, 0).into_iter().collect();
    }
    if !exact.is_empty() {
        return exact;
    }
    // Of a word that is listed as one, the prompt may want many.
    let many = |one: &Entry| lexicon::entry(language, lower, Class::Plural, one.moods, one.fields);
    let singular = known.iter().find(|e| e.class == Class::Noun && lower.ends_with('s') && !e.text.ends_with('s'));
    if let Some(plural) = singular.and_then(many) {
        return vec![plural];
    }
    if !known.is_empty() {
        return known;
    }
    let fields = match meanings.association(language, lower) {
        0 => tags("heart,dream", FIELDS),
        some => some,
    };
    guessed_classes(language, lower)
        .iter()
        .filter_map(|&class| {
            let fields = if class == Class::Adjective { fields | ANY } else { fields };
            lexicon::entry(language, lower, class, 0, fields)
        })
        .collect()
}

/// What a word that is not in the lexicon probably is, by its ending.
fn guessed_classes(language: Language, lower: &str) -> &'static [Class] {
    let ends = |endings: &[&str]| endings.iter().any(|e| lower.ends_with(e));
    match language {
        Language::English if ends(&["ly"]) => &[Class::Adverb],
        Language::English if ends(&["ing"]) => &[Class::Acting],
        Language::English if ends(&["ful", "less", "ous", "ish", "able", "ible", "ive", "ic", "ary", "ed"]) => {
            &[Class::Adjective]
        }
        Language::English
            if lower.ends_with('s') && !ends(&["ss", "us"]) && language.knows(&lower[..lower.len() - 1]) =>
        {
            &[Class::Plural]
        }
        Language::English if ends(&["ness", "ity", "ism", "tion", "ance", "ence", "ship"]) => {
            &[Class::Mass, Class::Noun]
        }
        Language::Spanish if ends(&["mente"]) => &[Class::Adverb],
        Language::Spanish if ends(&["ando", "iendo", "yendo"]) => &[Class::Acting],
        Language::Spanish if ends(&["ar", "er", "ir"]) && lower.chars().count() > 4 => &[Class::Act, Class::Noun],
        Language::Spanish if ends(&["oso", "osa", "ado", "ada", "ido", "ida", "ble"]) => &[Class::Adjective],
        Language::Spanish if ends(&["s"]) && lower.chars().count() > 4 => &[Class::Plural],
        Language::English | Language::Spanish => &[Class::Noun],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theme(prompt: &str, genre: Option<&str>, mood: Option<&str>) -> Theme {
        let request = LyricsRequest {
            prompt: prompt.into(),
            genre: genre.map(Into::into),
            mood: mood.map(Into::into),
            ..LyricsRequest::default()
        };
        Theme::of(Language::English, &request)
    }

    #[test]
    fn takes_the_words_a_prompt_is_about() {
        let names = |prompt| theme(prompt, None, None).keywords.iter().map(|k| k.text.clone()).collect::<Vec<_>>();
        assert_eq!(names("Write a happy song about the ocean at midnight"), ["ocean", "midnight"]);
        assert_eq!(names("robots dancing in Tokyo, oceans and an ocean"), ["robots", "dancing", "tokyo", "oceans"]);
        assert_eq!(names("rock anthem about freedom, a track with a good melody"), ["freedom"]);
        assert!(names("a pop song please").is_empty());
        let umbrellas = &theme("umbrellas", None, None).keywords[0].entries;
        assert!(umbrellas.len() == 1 && umbrellas[0].class == Class::Plural && umbrellas[0].text == "umbrellas");
        assert!(names("").is_empty());
        assert!(names("zzxqy 12345 \u{1f600}").is_empty());
    }

    #[test]
    fn spanish_prompts_are_understood() {
        let request =
            LyricsRequest { prompt: "Una canción triste sobre el mar y mi abuela".into(), ..LyricsRequest::default() };
        let theme = Theme::of(Language::Spanish, &request);
        assert_eq!(theme.moods, tags("dark", MOODS));
        assert_ne!(theme.fields & tags("water", FIELDS), 0);
        assert_eq!(theme.keywords.iter().map(|k| k.text.as_str()).collect::<Vec<_>>(), ["mar", "abuela"]);
    }

    #[test]
    fn mood_and_genre_are_understood_from_the_request_or_the_prompt() {
        assert_eq!(theme("x", None, Some("Melancholic")).moods, tags("dark", MOODS));
        assert_eq!(theme("a sad song", None, None).moods, tags("dark", MOODS));
        assert_eq!(theme("a song", Some("Hip Hop"), None).moods, tags("fierce,dark", MOODS));
        assert_eq!(theme("a song", Some("rock"), Some("calm")).moods, tags("calm", MOODS));
        assert_eq!(theme("a song", None, None).moods, 0);
        assert_ne!(theme("a song", None, None).settled(3).moods, 0);
    }
}
