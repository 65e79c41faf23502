//! Search as people type: words in any order, with errors, accents or without, title and artist together.
//!
//! In three bounded steps, the same on both databases: (1) what each word of the query may mean, out of all words that
//! songs have ([`Meanings`]); (2) songs that have the rarest of them, those with few words first, at most
//! [`CANDIDATES`]; (3) the order, by [`rank`]. A popular word such as "love" costs no more than [`POSTINGS`] entries:
//! among songs that have nothing else in common with the query, those with the fewest words rank first anyway.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::SongId;
use sea_orm::{ConnectionTrait, DbErr, Statement, Value};
use uuid::Uuid;

use super::{
    index,
    rank::{self, Query, Word},
    song::{Song, Songs},
    text::{grams, match_key, normalise, words},
};
use crate::{
    backend::Backend,
    error::{During, PersistenceError},
};

/// Characters of a query that make sense; what lies beyond is not looked at.
pub const MAX_QUERY_CHARS: usize = 200;
/// Songs that are found at most.
const MOST_FOUND: usize = 100;
/// Words of a query that are looked for.
const QUERY_WORDS: usize = 12;
/// Songs that are ranked.
const CANDIDATES: usize = 100;
/// Entries of the index that are read for a word of the query, by how rare it is among them.
const POSTINGS: [usize; 4] = [400, 200, 100, 60];
/// The same for a pair of neighbouring words.
const PAIR_POSTINGS: usize = 100;
/// What a word that nobody has may have meant.
const MEANINGS: usize = 12;
/// Words with the same three letters that are looked at for each of them.
const SAME_GRAM: usize = 150;
/// A best song that scores less calls for a second look, in which words that exist may be typing errors, too.
const POOR: f64 = 0.62;

/// A song and how well it answers.
#[derive(Clone, PartialEq, Debug)]
pub struct SongMatch {
    pub song: Song,
    /// Above 0, at most 1.
    pub score: f64,
}

/// A word that songs have and that a word of the query may mean.
#[derive(Clone, Debug)]
struct Meaning {
    word: String,
    likeness: f64,
    songs: i64,
}

/// The words of a query, each with what it may mean, likeliest first.
struct Meanings {
    words: Vec<(String, Vec<Meaning>)>,
    /// Songs of the catalogue.
    songs: i64,
}

struct Candidate {
    id: SongId,
    title_key: String,
    artist_key: String,
}

impl Songs<'_> {
    /// The songs that answer a query best, best first; nothing for a query without words. Equal ones by title, artist,
    /// then id.
    pub async fn search(&self, query: &str, limit: u64) -> Result<Vec<SongMatch>, PersistenceError> {
        const DOING: &str = "search the songs";
        let limit = usize::try_from(limit).unwrap_or(usize::MAX).min(MOST_FOUND);
        let typed: String = query.chars().take(MAX_QUERY_CHARS).collect();
        let mut typed = words(&normalise(&typed));
        typed.truncate(QUERY_WORDS);
        if typed.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        let mut meanings = self.known(&typed).await.during(DOING)?;
        self.guess(&mut meanings, |meanings| meanings.is_empty()).await.during(DOING)?;
        let mut found = self.ranked(&meanings).await.during(DOING)?;
        let is_poor = found.first().is_none_or(|(score, _)| *score < POOR);
        if is_poor
            && self
                .guess(&mut meanings, |meanings| meanings.iter().all(|one| one.likeness == 1.0))
                .await
                .during(DOING)?
        {
            found = self.ranked(&meanings).await.during(DOING)?;
        }
        found.truncate(limit);
        let ids: Vec<SongId> = found.iter().map(|(_, candidate)| candidate.id).collect();
        let scores: HashMap<SongId, f64> = found.iter().map(|(score, candidate)| (candidate.id, *score)).collect();
        let songs = self.in_order(&ids).await?.into_iter();
        Ok(songs.map(|song| SongMatch { score: scores.get(&song.id).copied().unwrap_or_default(), song }).collect())
    }

    /// The words that exist as they were typed, or as typed with two letters swapped.
    async fn known(&self, typed: &[String]) -> Result<Meanings, DbErr> {
        let mut wanted: BTreeSet<String> = typed.iter().cloned().chain([String::new()]).collect();
        wanted.extend(typed.iter().flat_map(|word| swaps(word)));
        let known: HashMap<String, i64> = self.rows(&words_in(wanted.len()), wanted).await?.into_iter().collect();
        let meaning = |typed: &String| {
            let same = known.get(typed).map(|songs| Meaning { word: typed.clone(), likeness: 1.0, songs: *songs });
            if let Some(same) = same {
                return vec![same];
            }
            let swapped = swaps(typed).into_iter().filter_map(|word| {
                let songs = *known.get(&word)?;
                Some(Meaning { likeness: rank::likeness(&Word::new(typed), &Word::new(&word), false), word, songs })
            });
            swapped.filter(|meaning| meaning.likeness > 0.0).collect()
        };
        let words = typed.iter().map(|word| (word.clone(), meaning(word))).collect();
        Ok(Meanings { words, songs: known.get("").copied().unwrap_or(0) })
    }

    /// Adds what words may mean that are not known as they were typed. Whether anything was added.
    async fn guess(&self, meanings: &mut Meanings, of: impl Fn(&[Meaning]) -> bool) -> Result<bool, DbErr> {
        let last = meanings.words.len().saturating_sub(1);
        let mut added = false;
        for (at, (typed, known)) in meanings.words.iter_mut().enumerate() {
            if !of(known) {
                continue;
            }
            let as_typed = Word::new(typed);
            let mut alike = self.alike(typed).await?;
            if at == last && known.is_empty() {
                alike.extend(self.rows(BEGINS, [typed.clone(), format!("{typed}\u{10ffff}")]).await?);
            }
            let alike = alike.into_iter().filter(|(word, _)| known.iter().all(|known| known.word != *word));
            let likeness = |word: &str| rank::likeness(&as_typed, &Word::new(word), at == last);
            let mut guesses: Vec<Meaning> = alike
                .map(|(word, songs)| Meaning { likeness: likeness(&word), word, songs })
                .filter(|guess| guess.likeness > 0.0)
                .collect();
            guesses.sort_by(|a, b| b.likeness.total_cmp(&a.likeness).then_with(|| a.word.cmp(&b.word)));
            guesses.dedup_by(|a, b| a.word == b.word);
            added |= !guesses.is_empty();
            known.extend(guesses);
            known.truncate(MEANINGS);
        }
        Ok(added)
    }

    /// Words that share runs of three letters with one, and how many songs have them.
    async fn alike(&self, word: &str) -> Result<Vec<(String, i64)>, DbErr> {
        let letters = index::letters(word);
        let errors = i32::try_from(rank::most_errors(word.chars().count() + 1)).unwrap_or(0);
        if errors == 0 {
            return Ok(Vec::new());
        }
        let grams: Vec<String> = grams(word).into_iter().collect();
        // An error takes at most three of them away.
        let least = i32::try_from(grams.len()).unwrap_or(0).saturating_sub(3 * errors).max(1);
        let bounds: [Value; 3] = [(letters - errors).into(), (letters + errors).into(), least.into()];
        let arm = |at: usize| {
            let gram = at + bounds.len() + 1;
            format!(
                "SELECT word FROM (SELECT word FROM search_grams WHERE gram = ${gram} AND letters BETWEEN $1 AND $2 \
                 ORDER BY letters, word LIMIT {SAME_GRAM}) AS g{at}"
            )
        };
        let arms = (0..grams.len()).map(arm).collect::<Vec<_>>().join(" UNION ALL ");
        let sql = format!(
            "SELECT a.word, w.songs FROM (SELECT word, COUNT(*) AS shared FROM ({arms}) AS same GROUP BY word \
             HAVING COUNT(*) >= $3 ORDER BY COUNT(*) DESC, word LIMIT 60) AS a JOIN search_words w ON w.word = a.word"
        );
        self.rows(&sql, bounds.into_iter().chain(grams.into_iter().map(Value::from))).await
    }

    /// The candidates, best first.
    async fn ranked(&self, meanings: &Meanings) -> Result<Vec<(f64, Candidate)>, DbErr> {
        let query = Query::new(meanings.words.iter().map(|(word, known)| (word.clone(), meanings.weight(known))));
        let typed: Vec<&str> = meanings.words.iter().map(|(typed, _)| typed.as_str()).collect();
        let mut candidates = self.candidates(&meanings.entries()).await?;
        let known: BTreeSet<SongId> = candidates.iter().map(|candidate| candidate.id).collect();
        let named = self.named_just_so(&typed.join(" ")).await?.into_iter();
        candidates.extend(named.filter(|candidate| !known.contains(&candidate.id)));
        let mut found: Vec<(f64, Candidate)> = candidates
            .into_iter()
            .map(|candidate| (query.score(&words(&candidate.title_key), &words(&candidate.artist_key)), candidate))
            .filter(|(score, _)| *score > 0.0)
            .collect();
        found.sort_by(|(a, one), (b, other)| {
            let names = |one: &Candidate| (one.title_key.clone(), one.artist_key.clone(), one.id);
            b.total_cmp(a).then_with(|| names(one).cmp(&names(other)))
        });
        Ok(found)
    }

    /// Songs that have the words, by how much of the query they have, then by how few words they have.
    async fn candidates(&self, entries: &[Wanted]) -> Result<Vec<Candidate>, DbErr> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let (postings, values): (String, Vec<Value>) = match self.db.backend() {
            // One plan for all queries.
            Backend::Postgres => {
                let postings = "SELECT p.song_id, p.words, w.weight FROM jsonb_to_recordset($1::jsonb) \
                     AS w(term text, weight float8, most int) CROSS JOIN LATERAL (SELECT song_id, words \
                     FROM song_terms t WHERE t.term = w.term COLLATE \"C\" ORDER BY words, song_id LIMIT w.most) AS p";
                (
                    postings.to_owned(),
                    vec![serde_json::to_string(entries).map_err(|why| DbErr::Json(why.to_string()))?.into()],
                )
            }
            Backend::Sqlite => {
                let arm = |at: usize| {
                    let [term, weight, most] = [1, 2, 3].map(|value| 3 * at + value);
                    format!(
                        "SELECT song_id, words, ${weight} AS weight FROM (SELECT song_id, words FROM \
                         song_terms WHERE term = ${term} ORDER BY words, song_id LIMIT ${most})"
                    )
                };
                let values = entries
                    .iter()
                    .flat_map(|Wanted { term, weight, most }| [term.clone().into(), (*weight).into(), (*most).into()]);
                ((0..entries.len()).map(arm).collect::<Vec<_>>().join(" UNION ALL "), values.collect())
            }
        };
        let sql = format!(
            "SELECT s.id, s.title_key, s.artist_key FROM (SELECT song_id FROM ({postings}) AS postings GROUP BY song_id \
             ORDER BY SUM(weight) DESC, MIN(words), song_id LIMIT {CANDIDATES}) AS best \
             JOIN songs s ON s.id = best.song_id WHERE s.hidden_at IS NULL"
        );
        self.read_candidates(&sql, values).await
    }

    /// Songs whose title, or title and artist in any order, are just this: they are not to be missed for having only
    /// popular words.
    async fn named_just_so(&self, typed: &str) -> Result<Vec<Candidate>, DbErr> {
        let sql = "SELECT id, title_key, artist_key FROM songs \
             WHERE (title_key = $1 OR match_key = $2) AND hidden_at IS NULL LIMIT 50";
        self.read_candidates(sql, vec![typed.into(), match_key(typed, "").into()]).await
    }

    async fn read_candidates(&self, sql: &str, values: Vec<Value>) -> Result<Vec<Candidate>, DbErr> {
        let read = |row: sea_orm::QueryResult| -> Result<Candidate, DbErr> {
            Ok(Candidate {
                id: SongId::from_uuid(row.try_get_by_index::<Uuid>(0)?),
                title_key: row.try_get_by_index(1)?,
                artist_key: row.try_get_by_index(2)?,
            })
        };
        self.query(sql, values).await?.into_iter().map(read).collect()
    }

    /// Rows of a text and a number.
    async fn rows<V: Into<Value>>(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Result<Vec<(String, i64)>, DbErr> {
        let rows = self.query(sql, values.into_iter().map(Into::into)).await?;
        rows.into_iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
    }

    async fn query(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<sea_orm::QueryResult>, DbErr> {
        let reader = self.db.reader();
        reader.query_all_raw(Statement::from_sql_and_values(reader.get_database_backend(), sql, values)).await
    }
}

/// Words that begin with what was typed, those of many songs first.
const BEGINS: &str =
    "SELECT word, songs FROM search_words WHERE word >= $1 AND word < $2 ORDER BY songs DESC, word LIMIT 12";

fn words_in(count: usize) -> String {
    let places: Vec<String> = (1..=count).map(|at| format!("${at}")).collect();
    format!("SELECT word, songs FROM search_words WHERE word IN ({})", places.join(", "))
}

/// A term that candidates may have.
#[derive(serde::Serialize)]
struct Wanted {
    term: String,
    weight: f64,
    /// Entries of the index that are read.
    most: i64,
}

impl Meanings {
    /// How much a word says: the rarer, the more (inverse document frequency).
    fn weight(&self, known: &[Meaning]) -> f64 {
        let songs = known.first().map_or(0, |likeliest| likeliest.songs).max(0);
        (1.0 + self.songs.max(1) as f64 / (1.0 + songs as f64)).ln()
    }

    /// What candidates are looked for by: the rarest words, and all neighbours written as one.
    fn entries(&self) -> Vec<Wanted> {
        let mut slots: BTreeMap<i64, Vec<&[Meaning]>> = BTreeMap::new();
        for (_, known) in self.words.iter().filter(|(_, known)| !known.is_empty()) {
            slots.entry(known.iter().map(|meaning| meaning.songs).sum()).or_default().push(known);
        }
        let mut entries = Vec::new();
        for (known, most) in slots.into_values().flatten().zip(POSTINGS) {
            let weight = self.weight(known);
            let most = (most / known.len()).max(30) as i64;
            entries.extend(known.iter().map(|meaning| Wanted {
                term: meaning.word.clone(),
                weight: weight * meaning.likeness,
                most,
            }));
        }
        // No more than half of what its two words say: some are as frequent as each of them.
        let mut both: BTreeMap<String, f64> = BTreeMap::new();
        for pair in self.words.windows(2) {
            let [(first, of_first), (second, of_second)] = pair else { continue };
            let weight = (self.weight(of_first) + self.weight(of_second)) / 2.0;
            let likeliest = [likeliest(first, of_first), likeliest(second, of_second)];
            both.extend([(format!("{first}{second}"), weight), (likeliest.concat(), weight)]);
        }
        // A word that is typed in one may be two in the song.
        both.extend(
            self.words
                .iter()
                .filter(|(_, known)| known.is_empty())
                .map(|(typed, known)| (typed.clone(), self.weight(known))),
        );
        entries.extend(both.into_iter().map(|(term, weight)| Wanted { term, weight, most: PAIR_POSTINGS as i64 }));
        entries
    }
}

fn likeliest<'a>(typed: &'a str, known: &'a [Meaning]) -> &'a str {
    known.first().map_or(typed, |likeliest| &likeliest.word)
}

/// A word with each two neighbouring letters swapped.
fn swaps(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let swapped = |at: usize| {
        let mut letters = letters.clone();
        letters.swap(at, at + 1);
        letters.into_iter().collect::<String>()
    };
    (0..letters.len().saturating_sub(1)).map(swapped).filter(|swapped| swapped != word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swaps_are_all_and_different() {
        assert_eq!(swaps("teh"), ["eth", "the"]);
        assert_eq!(swaps("aab"), ["aba"]);
        assert!(swaps("a").is_empty() && swaps("").is_empty());
    }

    #[test]
    fn rare_words_weigh_more_and_are_read_further() {
        let meaning = |word: &str, songs| vec![Meaning { word: word.to_owned(), likeness: 1.0, songs }];
        let words = vec![("the".to_owned(), meaning("the", 900)), ("zeppelin".to_owned(), meaning("zeppelin", 3))];
        let meanings = Meanings { words, songs: 1_000 };
        let entries = meanings.entries();
        let most: Vec<(&str, i64)> = entries.iter().map(|entry| (entry.term.as_str(), entry.most)).collect();
        assert_eq!(most, [("zeppelin", 400), ("the", 200), ("thezeppelin", 100)]);
        assert!(entries[0].weight > 5.0 * entries[1].weight);
    }
}
