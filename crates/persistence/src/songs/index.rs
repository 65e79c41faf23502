//! The tables that songs are searched by, kept in step with `songs`.

use std::collections::BTreeMap;

use domain::SongId;
use sea_orm::{ConnectionTrait, DbErr, Statement, Value};

use super::text::{Terms, grams, terms};

/// Rows of one statement: SQLite takes 32,766 values, PostgreSQL 65,535.
const ROWS: usize = 5_000;

/// A song as the index knows it.
pub struct Entry {
    pub id: SongId,
    pub title_key: String,
    pub artist_key: String,
}

/// Takes what songs were found by, and puts in what they are found by now.
pub async fn change(tx: &impl ConnectionTrait, before: &[Entry], after: &[Entry]) -> Result<(), DbErr> {
    let mut deltas: BTreeMap<String, i64> = BTreeMap::new();
    for Entry { id, title_key, artist_key } in before {
        let sql = "DELETE FROM song_terms WHERE song_id = $1";
        tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, [id.uuid().into()])).await?;
        for word in terms(title_key, artist_key).words.into_iter().chain([String::new()]) {
            *deltas.entry(word).or_default() -= 1;
        }
    }
    let mut rows: Vec<[Value; 3]> = Vec::new();
    for Entry { id, title_key, artist_key } in after {
        let Terms { words, pairs, count } = terms(title_key, artist_key);
        let count = i32::try_from(count).unwrap_or(i32::MAX);
        rows.extend((&words | &pairs).into_iter().map(|term| [id.uuid().into(), term.into(), count.into()]));
        for word in words.into_iter().chain([String::new()]) {
            *deltas.entry(word).or_default() += 1;
        }
    }
    insert(tx, "INSERT INTO song_terms (song_id, term, words) VALUES", &rows, "").await?;
    deltas.retain(|_, delta| *delta != 0);
    let (mut new, mut gone) = (Vec::new(), Vec::new());
    for (word, songs) in count(tx, &deltas).await? {
        match deltas.get(&word) {
            _ if word.is_empty() => {}
            Some(delta) if *delta > 0 && songs == *delta => new.push(word),
            Some(delta) if *delta < 0 && songs <= 0 => gone.push(word),
            _ => {}
        }
    }
    learn(tx, &new).await?;
    forget(tx, &gone).await
}

/// Words that no song had before.
async fn learn(tx: &impl ConnectionTrait, words: &[String]) -> Result<(), DbErr> {
    let mut rows: Vec<[Value; 3]> = Vec::new();
    for word in words {
        let letters = letters(word);
        rows.extend(grams(word).into_iter().map(|gram| [gram.into(), letters.into(), word.clone().into()]));
    }
    insert(tx, "INSERT INTO search_grams (gram, letters, word) VALUES", &rows, "ON CONFLICT DO NOTHING").await
}

/// Words that no song has any more.
async fn forget(tx: &impl ConnectionTrait, words: &[String]) -> Result<(), DbErr> {
    let backend = tx.get_database_backend();
    for word in words {
        for gram in grams(word) {
            let sql = "DELETE FROM search_grams WHERE gram = $1 AND letters = $2 AND word = $3";
            let values: [Value; 3] = [gram.into(), letters(word).into(), word.clone().into()];
            tx.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
        }
        let sql = "DELETE FROM search_words WHERE word = $1";
        tx.execute_raw(Statement::from_sql_and_values(backend, sql, [word.clone().into()])).await?;
    }
    Ok(())
}

/// Letters of a word, as `search_grams` has them.
pub fn letters(word: &str) -> i32 {
    i32::try_from(word.chars().count()).unwrap_or(i32::MAX)
}

/// Adds to the words' numbers of songs and gives back what they are now. Always in the order of the words: two
/// transactions that share words wait for each other, and never in a circle.
async fn count(tx: &impl ConnectionTrait, deltas: &BTreeMap<String, i64>) -> Result<Vec<(String, i64)>, DbErr> {
    let backend = tx.get_database_backend();
    let rows: Vec<[Value; 2]> = deltas.iter().map(|(word, delta)| [word.clone().into(), (*delta).into()]).collect();
    let mut now = Vec::with_capacity(rows.len());
    for rows in rows.chunks(ROWS) {
        let sql = format!(
            "INSERT INTO search_words (word, songs) VALUES {} ON CONFLICT (word) DO UPDATE \
             SET songs = search_words.songs + excluded.songs RETURNING word, songs",
            places(rows.len(), 2)
        );
        let statement = Statement::from_sql_and_values(backend, sql, rows.iter().flatten().cloned());
        for row in tx.query_all_raw(statement).await? {
            now.push((row.try_get_by_index(0)?, row.try_get_by_index(1)?));
        }
    }
    Ok(now)
}

async fn insert(tx: &impl ConnectionTrait, into: &str, rows: &[[Value; 3]], conflict: &str) -> Result<(), DbErr> {
    for rows in rows.chunks(ROWS) {
        let sql = format!("{into} {} {conflict}", places(rows.len(), 3));
        let values = rows.iter().flatten().cloned();
        tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await?;
    }
    Ok(())
}

/// `($1, $2), ($3, $4)` for two rows of two columns.
fn places(rows: usize, columns: usize) -> String {
    let row = |at: usize| {
        let places: Vec<String> = (1..=columns).map(|column| format!("${}", at * columns + column)).collect();
        format!("({})", places.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}
