//! How well a song answers a query. Pure; the same for both databases, which only bring candidates.
//!
//! A score is at most 1. Most of it is how much of the query the song has, word by word, with rare words weighing more
//! and words with typing errors counting for less; the rest is how much of the song's title and artist the query names,
//! and whether the words stand side by side as in the query. Word order is otherwise free: "queen bohemian rhapsody",
//! "Bohemian Rhapsody - Queen" and "rhapsody bohemian" all find the song.

/// Share of the score by what is matched; together 1.
const OF_QUERY: f64 = 0.70;
const OF_TITLE: f64 = 0.18;
const OF_ARTIST: f64 = 0.07;
const OF_ORDER: f64 = 0.05;

/// A word as it is compared.
#[derive(Clone, Debug)]
pub struct Word {
    letters: Vec<char>,
    /// One bit for each letter that occurs, by its last five bits.
    present: u32,
}

impl Word {
    pub fn new(text: &str) -> Self {
        let letters: Vec<char> = text.chars().collect();
        let present = letters.iter().fold(0, |bits, c| bits | 1 << (u32::from(*c) % 32));
        Self { letters, present }
    }

    fn len(&self) -> usize {
        self.letters.len()
    }

    /// As far from `other` as typing errors go: letters that are missing, too many, wrong or swapped with the next one
    /// (optimal string alignment). `None` beyond `most`.
    fn distance(&self, other: &Self, most: usize) -> Option<usize> {
        let (a, b) = (&self.letters, &other.letters);
        // Each error changes at most two bits.
        let apart = (self.present ^ other.present).count_ones() as usize;
        if a.len().abs_diff(b.len()) > most || apart > 2 * most {
            return None;
        }
        let mut before: Vec<usize> = vec![0; b.len() + 1];
        let mut last: Vec<usize> = (0..=b.len()).collect();
        let mut now: Vec<usize> = vec![0; b.len() + 1];
        for (i, x) in a.iter().enumerate() {
            now[0] = i + 1;
            for (j, y) in b.iter().enumerate() {
                let swap = last[j] + usize::from(x != y);
                now[j + 1] = swap.min(last[j + 1] + 1).min(now[j] + 1);
                if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                    now[j + 1] = now[j + 1].min(before[j - 1] + 1);
                }
            }
            if now.iter().min().is_some_and(|least| *least > most) {
                return None;
            }
            std::mem::swap(&mut before, &mut last);
            std::mem::swap(&mut last, &mut now);
        }
        last.last().copied().filter(|distance| *distance <= most)
    }
}

/// Errors that a word of so many letters may have: none in the shortest, which become other words too easily.
pub const fn most_errors(letters: usize) -> usize {
    match letters {
        0..=2 => 0,
        3..=5 => 1,
        6..=8 => 2,
        _ => 3,
    }
}

/// How alike a typed word and a word of a song are: 1 when they are the same, 0 when they are not to be taken for each
/// other. `unfinished`: whether the typed word may be the beginning of a longer one.
pub fn likeness(typed: &Word, word: &Word, unfinished: bool) -> f64 {
    if typed.letters == word.letters {
        return 1.0;
    }
    if unfinished && typed.len() >= 2 && word.letters.starts_with(&typed.letters) {
        return 0.8 + 0.15 * typed.len() as f64 / word.len() as f64;
    }
    let most = most_errors(typed.len().max(word.len()));
    match typed.distance(word, most) {
        Some(errors) if most > 0 => 1.0 - 1.2 * errors as f64 / typed.len().max(word.len()) as f64,
        _ => 0.0,
    }
}

/// A query, ready to be held against many songs.
pub struct Query {
    words: Vec<(Word, f64)>,
    weight: f64,
}

impl Query {
    /// `words` in the order typed, each with how much it says: above 0, more for rarer words.
    pub fn new(words: impl IntoIterator<Item = (String, f64)>) -> Self {
        let words: Vec<(Word, f64)> = words.into_iter().map(|(text, weight)| (Word::new(&text), weight)).collect();
        let weight = words.iter().map(|(_, weight)| weight).sum::<f64>().max(f64::MIN_POSITIVE);
        Self { words, weight }
    }

    /// 0 to 1. 0 when no word of the song is like one of the query.
    pub fn score(&self, title: &[String], artist: &[String]) -> f64 {
        let song: Vec<Word> = title.iter().chain(artist).map(|word| Word::new(word)).collect();
        let mut found: Vec<Found> = vec![Found::default(); self.words.len()];
        let mut taken: Vec<f64> = vec![0.0; song.len()];
        self.match_same(&song, &mut found, &mut taken);
        self.match_joined(&song, &mut found, &mut taken);
        self.match_alike(&song, &mut found, &mut taken);
        let of_query = found.iter().zip(&self.words).map(|(found, (_, weight))| found.likeness * weight).sum::<f64>();
        if of_query <= 0.0 {
            return 0.0;
        }
        let (in_title, in_artist) =
            (covered(&song[..title.len()], &taken), covered(&song[title.len()..], &taken[title.len()..]));
        OF_QUERY * (of_query / self.weight)
            + OF_TITLE * in_title
            + OF_ARTIST * in_artist
            + OF_ORDER * side_by_side(&found)
    }

    fn match_same(&self, song: &[Word], found: &mut [Found], taken: &mut [f64]) {
        for (found, (word, _)) in found.iter_mut().zip(&self.words) {
            let place = (0..song.len()).find(|at| taken[*at] == 0.0 && song[*at].letters == word.letters);
            if let Some(at) = place {
                *found = Found { likeness: 1.0, at: Some(at) };
                taken[at] = 1.0;
            }
        }
    }

    /// "day dream" for "daydream", and the other way round.
    fn match_joined(&self, song: &[Word], found: &mut [Found], taken: &mut [f64]) {
        for first in 0..self.words.len().saturating_sub(1) {
            if found[first].at.is_some() || found[first + 1].at.is_some() {
                continue;
            }
            let both = [&self.words[first].0.letters[..], &self.words[first + 1].0.letters[..]].concat();
            if let Some(at) = (0..song.len()).find(|at| taken[*at] == 0.0 && song[*at].letters == both) {
                found[first] = Found { likeness: 1.0, at: Some(at) };
                found[first + 1] = Found { likeness: 1.0, at: Some(at) };
                taken[at] = 1.0;
            }
        }
        for (found, (word, _)) in found.iter_mut().zip(&self.words) {
            if found.at.is_some() {
                continue;
            }
            let pair = (1..song.len()).find(|at| {
                let (left, right) = (&song[at - 1].letters, &song[*at].letters);
                taken[at - 1] == 0.0
                    && taken[*at] == 0.0
                    && left.len() + right.len() == word.len()
                    && word.letters.starts_with(left)
                    && word.letters.ends_with(right)
            });
            if let Some(at) = pair {
                *found = Found { likeness: 1.0, at: Some(at) };
                taken[at - 1] = 1.0;
                taken[at] = 1.0;
            }
        }
    }

    /// Greedily, the best of all pairs first.
    fn match_alike(&self, song: &[Word], found: &mut [Found], taken: &mut [f64]) {
        let last = self.words.len().saturating_sub(1);
        let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
        for (of, (word, _)) in self.words.iter().enumerate() {
            if found[of].at.is_some() {
                continue;
            }
            for (at, candidate) in song.iter().enumerate() {
                if taken[at] == 0.0 {
                    let likeness = likeness(word, candidate, of == last);
                    if likeness > 0.0 {
                        pairs.push((likeness, of, at));
                    }
                }
            }
        }
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        for (likeness, of, at) in pairs {
            if found[of].at.is_none() && taken[at] == 0.0 {
                found[of] = Found { likeness, at: Some(at) };
                taken[at] = likeness;
            }
        }
    }
}

/// Where a word of the query was found in a song.
#[derive(Clone, Copy, Default)]
struct Found {
    likeness: f64,
    at: Option<usize>,
}

/// Share of the words' letters that the query names. The shortest words count as two letters.
fn covered(words: &[Word], taken: &[f64]) -> f64 {
    let size = |word: &Word| word.len().max(2) as f64;
    let all: f64 = words.iter().map(size).sum();
    if all == 0.0 { 0.0 } else { words.iter().zip(taken).map(|(word, taken)| size(word) * taken).sum::<f64>() / all }
}

/// Share of neighbours in the query that are neighbours in the song; 1 for a query of one word.
fn side_by_side(found: &[Found]) -> f64 {
    if found.len() < 2 {
        return 1.0;
    }
    let kept = found.windows(2).filter(|pair| match (pair[0].at, pair[1].at) {
        (Some(first), Some(second)) => second == first + 1 || second == first,
        _ => false,
    });
    kept.count() as f64 / (found.len() - 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::songs::text::{normalise, words};

    fn score(query: &str, title: &str, artist: &str) -> f64 {
        let query = Query::new(words(&normalise(query)).into_iter().map(|word| (word, 1.0)));
        query.score(&words(&normalise(title)), &words(&normalise(artist)))
    }

    fn like(a: &str, b: &str) -> f64 {
        likeness(&Word::new(a), &Word::new(b), false)
    }

    #[test]
    fn typing_errors_are_counted_as_people_make_them() {
        let distance = |a: &str, b: &str| Word::new(a).distance(&Word::new(b), 3);
        assert_eq!(distance("rapsody", "rhapsody"), Some(1));
        assert_eq!(distance("teh", "the"), Some(1), "two letters swapped are one error");
        assert_eq!(distance("tschaikowsky", "tchaikovsky"), Some(2));
        assert_eq!(distance("queen", "queen"), Some(0));
        assert_eq!(distance("kitten", "sitting"), Some(3));
        assert_eq!(distance("abcdef", "uvwxyz"), None);
        assert!(like("rapsody", "rhapsody") > 0.8);
        assert_eq!(like("to", "so"), 0.0, "two letters have no room for an error");
        assert!(like("love", "lose") > 0.0);
        assert_eq!(like("queen", "green"), 0.0);
    }

    #[test]
    fn an_unfinished_last_word_finds_what_it_begins() {
        let (typed, word) = (Word::new("rhap"), Word::new("rhapsody"));
        assert!(likeness(&typed, &word, true) > 0.8);
        assert_eq!(likeness(&typed, &word, false), 0.0);
        assert!(
            score("bohemian rhap", "Bohemian Rhapsody", "Queen") > score("rhap bohemian", "Bohemian Rhapsody", "Queen")
        );
    }

    #[test]
    fn the_song_that_is_meant_comes_first() {
        let songs = [
            ("Bohemian Rhapsody", "Queen"),
            ("Bohemian Like You", "The Dandy Warhols"),
            ("Rhapsody in Blue", "George Gershwin"),
            ("Killer Queen", "Queen"),
            ("Dancing Queen", "ABBA"),
            ("Day Dream", "Someone"),
        ];
        let best = |query: &str| {
            let scores = songs.map(|(title, artist)| score(query, title, artist));
            (0..songs.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).map(|at| songs[at].0).unwrap()
        };
        assert_eq!(best("bohemian rapsody queen"), "Bohemian Rhapsody");
        assert_eq!(best("Queen - Bohemian Rhapsody"), "Bohemian Rhapsody");
        assert_eq!(best("rhapsody bohemian"), "Bohemian Rhapsody");
        assert_eq!(best("gershwin"), "Rhapsody in Blue");
        assert_eq!(best("queen killer"), "Killer Queen");
        assert_eq!(best("abba"), "Dancing Queen");
        assert_eq!(best("daydream"), "Day Dream");
        assert_eq!(best("the dandi worhols"), "Bohemian Like You");
    }

    #[test]
    fn scores_lie_between_0_and_1_and_the_whole_name_is_nearly_1() {
        assert!(score("Bohemian Rhapsody - Queen", "Bohemian Rhapsody", "Queen") > 0.99);
        assert_eq!(score("zzz", "Bohemian Rhapsody", "Queen"), 0.0);
        assert_eq!(score("", "Bohemian Rhapsody", "Queen"), 0.0);
        assert_eq!(score("x", "", ""), 0.0);
    }

    #[test]
    fn a_word_that_is_asked_for_twice_is_found_once() {
        assert!(score("new york new york", "New York, New York", "") > score("new york new york", "New York", "X"));
    }
}
