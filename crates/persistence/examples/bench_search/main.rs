//! The benchmark `search`: songs by what people type, on SQLite and PostgreSQL, beside what each database brings for it.
//!
//! Run by `cargo xtask bench search`. Arguments: how many songs (100,000), how many queries of each kind (200).

mod songs;

use std::{collections::HashSet, time::Instant};

use anyhow::{Context, Result};
use chrono::Utc;
use domain::{SongFacts, SongId, SongName};
use persistence::{Backend, Database, NewSong};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};

use songs::{Made, POPULAR, Typed};

/// Songs of one transaction.
const CHUNK: usize = 1_000;
/// Songs that a search gives.
const FOUND: u64 = 5;
/// Queries that the slowest baselines are asked.
const FEWER: usize = 20;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>());
    let count = arguments.next().transpose().context("the first argument is the number of songs")?.unwrap_or(100_000);
    let each = arguments.next().transpose().context("the second is the number of queries")?.unwrap_or(200);
    let made = songs::songs(count);
    let queries = songs::queries(&made, each);
    println!("{count} songs, {} queries of {} kinds, one after another\n", queries.len(), songs::KINDS.len());
    let folder = tempfile::tempdir()?;
    let sqlite = format!("sqlite:{}", folder.path().join("songs.db").display());
    measure("SQLite", &sqlite, &made, &queries).await?;
    let postgres = testbed::postgres_database().await;
    measure("PostgreSQL", postgres.url(), &made, &queries).await
}

async fn measure(name: &str, url: &str, made: &[Made], queries: &[Typed]) -> Result<()> {
    let db = Database::connect(url, 4).await?;
    db.migrate().await?;
    let start = Instant::now();
    fill(&db, made).await?;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{name}: {} songs written in {seconds:.0} s ({:.2} ms each)\n",
        made.len(),
        seconds * 1e3 / made.len() as f64
    );
    let raw = sea_orm::Database::connect(url).await?;
    if db.backend() == Backend::Postgres {
        raw.execute_unprepared("ANALYZE").await?;
    }
    println!("| {name} | p50 ms | p99 ms | max ms | first | in the first {FOUND} |\n|---|---|---|---|---|---|");
    let warm = queries.iter().take(50);
    for query in warm {
        db.songs().search(&query.text, FOUND).await?;
    }
    let mut all = Tally::default();
    for kind in songs::KINDS {
        let mut tally = Tally::default();
        for query in queries.iter().filter(|query| query.kind == kind) {
            let start = Instant::now();
            let found = db.songs().search(&query.text, FOUND).await?;
            let ms = start.elapsed().as_secs_f64() * 1e3;
            let names = found.into_iter().map(|found| (found.song.title, found.song.artist.unwrap_or_default()));
            let rank = rank(names, &made[query.of], kind);
            tally.add(ms, rank);
            all.add(ms, rank);
        }
        tally.print(kind);
    }
    let mut popular = Tally::default();
    for query in POPULAR.iter().cycle().take(200) {
        let start = Instant::now();
        db.songs().search(query, FOUND).await?;
        popular.add(start.elapsed().as_secs_f64() * 1e3, None);
        all.add(start.elapsed().as_secs_f64() * 1e3, None);
    }
    popular.print_times("popular words");
    let asked = queries.len();
    all.print_of("**all**", asked);
    for baseline in baselines(&db, &raw).await? {
        let mut tally = Tally::default();
        for query in queries.iter().step_by(baseline.one_in) {
            let start = Instant::now();
            let names = baseline.ask(&raw, &query.text).await?;
            tally.add(start.elapsed().as_secs_f64() * 1e3, rank(names.into_iter(), &made[query.of], query.kind));
        }
        tally.print(baseline.name);
    }
    println!();
    raw.close().await?;
    Ok(db.close().await?)
}

async fn fill(db: &Database, made: &[Made]) -> Result<()> {
    let now = Utc::now();
    for (chunk, songs) in made.chunks(CHUNK).enumerate() {
        let new: Result<Vec<NewSong>> = songs
            .iter()
            .enumerate()
            .map(|(at, Made { title, artist })| {
                let number = (chunk * CHUNK + at) as u64;
                let mut random = [0; 10];
                random[2..].copy_from_slice(&number.to_be_bytes());
                Ok(NewSong {
                    id: SongId::new(now, random),
                    name: SongName::new(title, Some(artist)).context("a made-up name")?,
                    sha256: format!("{number:064x}"),
                    object_key: format!("songs/{number:064x}.mid"),
                    bytes: 30_000,
                    facts: SongFacts::default(),
                })
            })
            .collect();
        db.songs().insert_all(&new?, now).await?;
    }
    Ok(())
}

/// Where the song that was meant stands, from 0. Where only its title was typed, any song of that title will do.
fn rank(names: impl Iterator<Item = (String, String)>, meant: &Made, kind: &str) -> Option<usize> {
    let title_only = kind.starts_with("title,");
    let mut names = names.map(|(title, artist)| title == meant.title && (title_only || artist == meant.artist));
    names.position(|is_it| is_it)
}

/// Times and ranks.
#[derive(Default)]
struct Tally {
    ms: Vec<f64>,
    first: usize,
    among: usize,
}

impl Tally {
    fn add(&mut self, ms: f64, rank: Option<usize>) {
        self.ms.push(ms);
        self.first += usize::from(rank == Some(0));
        self.among += usize::from(rank.is_some());
    }

    fn times(&self) -> String {
        let mut ms = self.ms.clone();
        ms.sort_by(f64::total_cmp);
        let at = |share: f64| ms.get(((ms.len() as f64 * share) as usize).min(ms.len().saturating_sub(1))).copied();
        let [p50, p99, max] = [0.5, 0.99, 1.0].map(|share| at(share).unwrap_or_default());
        format!("{p50:.1} | {p99:.1} | {max:.1}")
    }

    fn print(&self, name: &str) {
        self.print_of(name, self.ms.len());
    }

    fn print_of(&self, name: &str, asked: usize) {
        let share = |count: usize| 100.0 * count as f64 / asked.max(1) as f64;
        println!("| {name} | {} | {:.1} % | {:.1} % |", self.times(), share(self.first), share(self.among));
    }

    fn print_times(&self, name: &str) {
        println!("| {name} | {} | – | – |", self.times());
    }
}

/// Another way to search.
struct Baseline {
    name: &'static str,
    /// One parameter: the query as [`Baseline::prepare`] makes it.
    sql: &'static str,
    prepare: fn(&str) -> String,
    one_in: usize,
}

impl Baseline {
    async fn ask(&self, raw: &DatabaseConnection, query: &str) -> Result<Vec<(String, String)>> {
        let values = [(self.prepare)(query).into()];
        let rows =
            raw.query_all_raw(Statement::from_sql_and_values(raw.get_database_backend(), self.sql, values)).await?;
        rows.into_iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
    }
}

const LIKE: &str = "SELECT title, artist FROM songs WHERE lower(title || ' ' || artist) LIKE $1 LIMIT 5";

/// What the database brings, over tables of its own beside ours.
async fn baselines(db: &Database, raw: &DatabaseConnection) -> Result<Vec<Baseline>> {
    let like = Baseline {
        name: "baseline: LIKE",
        sql: LIKE,
        prepare: |text| format!("%{}%", text.to_lowercase()),
        one_in: FEWER,
    };
    Ok(match db.backend() {
        Backend::Sqlite => {
            for sql in [
                "CREATE VIRTUAL TABLE fts_words USING fts5(title, artist, tokenize = 'unicode61 remove_diacritics 2')",
                "INSERT INTO fts_words SELECT title, artist FROM songs",
                "CREATE VIRTUAL TABLE fts_grams USING fts5(title, artist, tokenize = 'trigram')",
                "INSERT INTO fts_grams SELECT title, artist FROM songs",
            ] {
                raw.execute_unprepared(sql).await?;
            }
            vec![
                like,
                Baseline {
                    name: "baseline: FTS5 words, any of them, bm25",
                    sql: "SELECT title, artist FROM fts_words WHERE fts_words MATCH $1 ORDER BY rank LIMIT 5",
                    prepare: |text| any_of(words(text)),
                    one_in: 4,
                },
                Baseline {
                    name: "baseline: FTS5 trigrams, any of them, bm25",
                    sql: "SELECT title, artist FROM fts_grams WHERE fts_grams MATCH $1 ORDER BY rank LIMIT 5",
                    prepare: |text| any_of(words(text).iter().flat_map(|word| grams(word)).collect()),
                    one_in: FEWER,
                },
            ]
        }
        Backend::Postgres => {
            for sql in [
                "CREATE EXTENSION pg_trgm",
                "CREATE TABLE trgm AS SELECT title, artist, lower(title || ' ' || artist) AS both_of FROM songs",
                "CREATE INDEX ON trgm USING gin (both_of gin_trgm_ops)",
                "CREATE INDEX ON trgm USING gin (to_tsvector('simple', both_of))",
                "ANALYZE trgm",
            ] {
                raw.execute_unprepared(sql).await?;
            }
            vec![
                like,
                Baseline {
                    name: "baseline: tsvector, any of the words, ts_rank",
                    sql: "SELECT title, artist FROM trgm, to_tsquery('simple', $1) q \
                          WHERE to_tsvector('simple', both_of) @@ q \
                          ORDER BY ts_rank(to_tsvector('simple', both_of), q, 1) DESC LIMIT 5",
                    prepare: |text| words(text).into_iter().collect::<Vec<_>>().join(" | "),
                    one_in: FEWER,
                },
                Baseline {
                    name: "baseline: pg_trgm, similarity",
                    sql: "SELECT title, artist FROM trgm WHERE both_of % $1 ORDER BY similarity(both_of, $1) DESC LIMIT 5",
                    prepare: str::to_lowercase,
                    one_in: 4,
                },
            ]
        }
    })
}

fn words(text: &str) -> HashSet<String> {
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn grams(word: &str) -> Vec<String> {
    word.chars().collect::<Vec<_>>().windows(3).map(|gram| gram.iter().collect()).collect()
}

fn any_of(terms: HashSet<String>) -> String {
    terms.iter().map(|term| format!("\"{term}\"")).collect::<Vec<_>>().join(" OR ")
}
